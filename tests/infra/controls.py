"""Assigns the rules to the controls of docs/controls.md, for the identity stack and for the application's stack."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from tests.infra.intrinsics import Unresolvable
from tests.infra.parameters import Refused
from tests.infra.resolve import Stack, Template
from tests.infra.rules import (
    Rule,
    Sets,
    access,
    application,
    clients,
    data,
    deployment,
    domains,
    operations,
    people,
    releases,
)

IDENTITY: dict[int, tuple[Rule, ...]] = {
    1: (clients.grants,),
    3: (clients.redirects, clients.refused_redirects),
    4: (clients.refreshing, clients.cookies, clients.cookies_by_default),
    5: (clients.least_scopes, clients.least_reading, clients.short_lives),
    13: (people.second_factor, people.passkeys, people.passkeys_by_default, people.second_factor_by_default),
    14: (people.passwords,),
    15: (clients.accounts_are_not_revealed,),
    16: (people.providers, people.refused_providers),
    17: (clients.groups_of_the_company,),
    18: (access.least_privilege, access.one_role_for_each_function),
    20: (data.retained, data.protected_by_default, data.streamed_and_expired),
    21: (data.encrypted, data.key_policy),
    22: (data.logs,),
    23: (operations.failures_are_retained, operations.failures_raise_alarms),
    24: (operations.firewall, operations.threats),
    27: (people.addresses,),
    28: (data.secrets, data.secret_parameters),
    29: (
        deployment.resolvable,
        deployment.nameless,
        deployment.tiers,
        deployment.provided,
        deployment.described,
        deployment.called_functions,
        deployment.updatable,
        deployment.issuer,
        deployment.prefixes,
        deployment.own_domain,
        deployment.certificates,
    ),
    32: (people.sign_up,),
    33: (data.artifacts,),
}

APPLICATION: dict[int, tuple[Callable[[Stack], Iterator[str]], ...]] = {
    12: (application.nothing_is_cached,),
    18: (application.own_roles, releases.least_privilege_of_the_shift),
    19: (application.invocations,),
    23: (application.failures_are_retained,),
    24: (application.firewall,),
    26: (application.protected_routes,),
    28: (application.no_secrets,),
    30: (application.error_responses,),
    31: (application.timeouts,),
    34: (releases.published, releases.only_aliases_are_called, releases.shifted, releases.started_in_advance),
    35: (domains.own_domain, domains.own_tls, domains.announced),
}


def identity_findings(control: int, template: Template, sets: Sets) -> Iterator[str]:
    """Yields what breaks a control of the identity stack under these sets of parameters."""
    for rule in IDENTITY[control]:
        yield from rule(template, sets)


def application_parameters(translated: Mapping[str, Any], identity: Template, **given: str) -> dict[str, str]:
    """Returns the parameters that the identity stack supplies.

    given  parameters of the identity stack
    """
    outputs = identity.resolve(given).outputs
    return {name: value for name, value in outputs.items() if name in translated["Parameters"]}


def application_stack(translated: Mapping[str, Any], identity: Template, **given: str) -> Stack:
    """Returns the application's stack with the parameters that the identity stack supplies."""
    return Template(translated).resolve(application_parameters(translated, identity, **given))


def application_findings(
    control: int, translated: Mapping[str, Any], identity: Template, sets: Iterable[Mapping[str, str]] = ({},)
) -> Iterator[str]:
    """Yields what breaks a control of the application's stack. An unresolvable template breaks all."""
    template = Template(translated)
    for protected, given in product(("false", "true"), sets):
        try:
            supplied = application_parameters(translated, identity, EnableWaf=protected)
            stack = template.resolve({**supplied, **given})
        except (Refused, Unresolvable) as fault:
            yield f"{fault}; under {given}"
            continue
        for rule in APPLICATION[control]:
            for finding in rule(stack):
                yield f"{finding}; under {given}"

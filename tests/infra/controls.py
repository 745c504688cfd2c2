"""Which rules hold which control of docs/controls.md, for the identity stack and for the application's."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.infra.intrinsics import Unresolvable
from tests.infra.resolve import Stack, Template
from tests.infra.rules import Rule, Sets, access, application, clients, data, deployment, operations, people

IDENTITY: dict[int, tuple[Rule, ...]] = {
    1: (clients.grants,),
    3: (clients.redirects, clients.refused_redirects),
    4: (clients.refreshing,),
    5: (clients.least_scopes, clients.least_reading, clients.short_lives),
    13: (people.second_factor, people.second_factor_by_default),
    14: (people.passwords,),
    15: (clients.silent_about_people,),
    16: (people.providers, people.refused_providers),
    17: (clients.groups_of_the_company,),
    18: (access.least_privilege, access.one_role_for_each_function),
    19: (access.invocations,),
    20: (data.kept, data.kept_by_default, data.followed),
    21: (data.encrypted, data.key_policy),
    22: (data.logs,),
    23: (operations.failures_are_kept, operations.failures_are_told),
    24: (operations.firewall, operations.threats),
    27: (people.addresses,),
    28: (data.secrets, data.secret_parameters),
    29: (
        deployment.resolvable,
        deployment.nameless,
        deployment.tiers,
        deployment.provided,
        deployment.described,
        deployment.phases,
        deployment.updatable,
        deployment.issuer,
        deployment.prefixes,
    ),
    32: (people.joining,),
}

APPLICATION: dict[int, Callable[[Stack], Iterator[str]]] = {
    12: application.nothing_is_remembered,
    18: application.own_roles,
    19: application.asked_by_our_api,
    23: application.failures_are_kept,
    26: application.protected_routes,
    28: application.no_secrets,
    30: application.answers,
    31: application.timeouts,
}


def identity_findings(control: int, template: Template, sets: Sets) -> Iterator[str]:
    """What breaks a control of the identity stack under those sets of parameters."""
    for rule in IDENTITY[control]:
        yield from rule(template, sets)


def application_stack(translated: Mapping[str, Any], identity: Template) -> Stack:
    """The application's stack after the identity stack, whose outputs are its parameters."""
    template, outputs = Template(translated), identity.resolve({}).outputs
    return template.resolve({name: value for name, value in outputs.items() if name in translated["Parameters"]})


def application_findings(control: int, translated: Mapping[str, Any], identity: Template) -> Iterator[str]:
    """What breaks a control of the application's stack; what cannot be resolved breaks every one."""
    try:
        stack = application_stack(translated, identity)
    except Unresolvable as fault:
        yield str(fault)
        return
    yield from APPLICATION[control](stack)

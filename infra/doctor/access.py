"""Checks that tokens and policies agree: groups, app clients, scopes, and an administrator who can sign in."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from chalicelib.aws.pool_users import PoolUsers
from chalicelib.core.administrator import administers
from chalicelib.core.policy import Policy
from chalicelib.lock_out import can_sign_in
from chalicelib.settings import Settings
from infra.checks.check import Check
from infra.checks.live import Live
from infra.checks.routes import expected_authorizers
from infra.doctor.functions import variables
from infra.policy_groups import pool_groups


def _policies(live: Live) -> Sequence[Policy]:
    return [stored for stored in live.stored_policies if isinstance(stored, Policy)]


def _groups(live: Live) -> set[str]:
    """Returns the groups whose members administrators choose. Cognito keeps a group for each identity provider."""
    return {name for name in pool_groups(live.client, live.pool_id) if not name.startswith(f"{live.pool_id}_")}


def _granted(live: Live) -> Mapping[str, Collection[str]]:
    """Returns the scopes that each app client can be granted."""
    listed = live.listed("cognito-idp", "list_user_pool_clients", "UserPoolClients", UserPoolId=live.pool_id)
    found = (
        live.ask("cognito-idp", "describe_user_pool_client", UserPoolId=live.pool_id, ClientId=client["ClientId"])
        for client in listed
    )
    return {it["UserPoolClient"]["ClientId"]: it["UserPoolClient"].get("AllowedOAuthScopes", []) for it in found}


def _named(policies: Sequence[Policy], kind: str) -> set[str]:
    return {policy.subject.removeprefix(f"{kind}:") for policy in policies if policy.subject.startswith(f"{kind}:")}


def _subjects(live: Live) -> Iterator[str]:
    policies = _policies(live)
    for group in sorted(_named(policies, "group") - pool_groups(live.client, live.pool_id)):
        yield f"There is a policy of group:{group}, but the user pool has no such group."
    for client in sorted(_named(policies, "client") - _granted(live).keys()):
        yield f"There is a policy of client:{client}, but the user pool has no such app client."


def _without_policy(live: Live) -> Iterator[str]:
    for group in sorted(_groups(live) - _named(_policies(live), "group")):
        yield f"The group {group} has no policy. Its members get no permission from it."


def _scopes(live: Live) -> Iterator[str]:
    granted = _granted(live)
    anybody = {scope for scopes in granted.values() for scope in scopes}
    for policy in _policies(live):
        kind, _, name = policy.subject.partition(":")
        available = set(granted.get(name, anybody)) if kind == "client" else anybody
        for statement in policy.statements:
            for scope in sorted(set(statement.scopes) - available):
                yield (
                    f"{policy.subject}: the statement {statement.sid} needs the scope {scope}, which no token of this"
                    " subject can have."
                )
    for (method, path), authorizer in sorted(expected_authorizers(live.definition).items(), key=lambda item: item[0]):
        if authorizer.scopes and not anybody & set(authorizer.scopes):
            yield f"{method} {path} needs {' or '.join(authorizer.scopes)}, which no app client can be granted."


def _default_groups(live: Live) -> Iterator[str]:
    settings = Settings(variables(live, "pre_token"))
    groups, with_policy = _groups(live), _named(_policies(live), "group")
    given = {"DEFAULT_GROUPS": settings.default_groups, "GROUP_MAP": tuple(settings.group_map.values())}
    for setting, names in given.items():
        for name in sorted(set(names)):
            if name not in groups:
                yield (
                    f"{setting} names the group {name}, which the user pool does not have. Sign-ins can fail, or users"
                    " do not get the group."
                )
            elif name not in with_policy:
                yield f"{setting} gives users the group {name}, which has no policy."


def _administrators(live: Live) -> Iterator[str]:
    reused_for = Settings(variables(live, "policy_authorizer")).authorizer_cache_seconds
    administrators = [it for it in _policies(live) if administers(it.subject, it.statements, reused_for)]
    groups = _named(administrators, "group") & _groups(live)
    accounts = PoolUsers(live.client("cognito-idp"), live.pool_id)
    if not groups:
        yield "No group of the user pool may change policies through the API."
    elif not any(can_sign_in(member) for group in sorted(groups) for member in accounts.members(group)):
        yield f"No enabled user of {', '.join(sorted(groups))} has signed in. Nobody can change policies in the API."


CHECKS = (
    Check(
        "policy-subjects",
        "Every policy belongs to a group or an app client of the user pool.",
        _subjects,
        "Delete the policy with `manage.py policies apply`, or create the group. A new group of this name gets it.",
    ),
    Check(
        "group-policies",
        "Every group has a policy.",
        _without_policy,
        "Add a file to policies/, or delete the group.",
        informs=True,
    ),
    Check(
        "granted-scopes",
        "Every scope that a route or a policy needs can be granted.",
        _scopes,
        "Add the scope to AllowedOAuthScopes of a client in infra/identity.yaml, or correct the policy or the route.",
    ),
    Check(
        "default-groups",
        "The groups that users get by default or from a company exist and have policies.",
        _default_groups,
        "Correct DefaultGroups and GroupMap in the stage file, or add the group and its policy.",
    ),
    Check(
        "administrator",
        "An enabled user can change policies.",
        _administrators,
        "Use `manage.py policies apply`, `users invite` and `users groups`: they do not need an administrator.",
    ),
)

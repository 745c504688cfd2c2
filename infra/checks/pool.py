"""The user pool: who gets in, by what, and what is called while they do."""

from collections.abc import Callable, Iterator
from typing import Any

from chalicelib.settings import Settings
from infra.checks.check import Check
from infra.checks.compare import covers, differing, same, shown, unexpected
from infra.checks.live import Live

_WHERE = "the user pool"
# What a pool has whose description does not say it.
_OWN_KEY, _FIRST_ISSUER = {"KeyType": "AWS_OWNED_KEY"}, {"Type": "ORIGINAL"}


def pool(live: Live) -> dict[str, Any]:
    """The user pool as it is."""
    described: dict[str, Any] = live.ask("cognito-idp", "describe_user_pool", UserPoolId=live.pool_id)["UserPool"]
    return described


def _as_wanted(*settings: str) -> Callable[[Live], Iterator[str]]:
    def differences(live: Live) -> Iterator[str]:
        expected = live.expected["UserPool"]
        yield from differing(_WHERE, pool(live), {name: expected[name] for name in settings if name in expected})

    return differences


def _mfa(live: Live) -> Iterator[str]:
    expected = live.expected["UserPool"]
    actual = live.ask("cognito-idp", "get_user_pool_mfa_config", UserPoolId=live.pool_id)
    yield from differing(_WHERE, actual, {"MfaConfiguration": expected["MfaConfiguration"]})
    offered = {
        "SOFTWARE_TOKEN_MFA": actual.get("SoftwareTokenMfaConfiguration", {}).get("Enabled"),
        "SMS_MFA": actual.get("SmsMfaConfiguration"),
        "EMAIL_OTP": actual.get("EmailMfaConfiguration"),
    }
    yield from unexpected("factor", {name for name, on in offered.items() if on}, set(expected.get("EnabledMfas", [])))
    # What a person has brings them in without the second factor, and so does another first one.
    if pool(live).get("DeviceConfiguration"):
        yield "devices can be remembered, and stand in for the second factor"
    first = pool(live)["Policies"].get("SignInPolicy", {}).get("AllowedFirstAuthFactors", ["PASSWORD"])
    yield from unexpected("first factor", set(first), {"PASSWORD"})


def _attributes(live: Live) -> Iterator[str]:
    # CloudFormation calls them by other names than the pool does, which puts `custom:` before those of ours.
    actual = {attribute["Name"].removeprefix("custom:"): attribute for attribute in pool(live)["SchemaAttributes"]}
    for attribute in live.expected["UserPool"]["Schema"]:
        expected = {key: value for key, value in attribute.items() if key != "Name"}
        yield from differing(f"the attribute {attribute['Name']}", actual.get(attribute["Name"], {}), expected)
    yield from _as_wanted("UsernameAttributes", "UsernameConfiguration", "AutoVerifiedAttributes")(live)
    yield from _as_wanted("UserAttributeUpdateSettings")(live)


def _triggers(live: Live) -> Iterator[str]:
    expected = live.expected["UserPool"]["LambdaConfig"]
    actual = {name: value for name, value in (pool(live).get("LambdaConfig") or {}).items() if value}
    if actual.get("PreTokenGeneration") == expected["PreTokenGenerationConfig"]["LambdaArn"]:
        del actual["PreTokenGeneration"]  # Cognito gives the same function under its old name as well
    for name in sorted(actual.keys() | expected.keys()):
        if not same(actual.get(name), expected.get(name)):
            yield f"{name} is {shown(actual.get(name))} instead of {shown(expected.get(name))}"


def _groups(live: Live) -> Iterator[str]:
    groups = live.listed("cognito-idp", "list_groups", "Groups", UserPoolId=live.pool_id)
    actual = {group["GroupName"]: group for group in groups}
    for group in live.expected.of("AWS::Cognito::UserPoolGroup").values():
        if group["GroupName"] not in actual:
            yield f"there is no group {group['GroupName']}"
            continue
        expected = {"Precedence": group["Precedence"]}
        yield from differing(f"the group {group['GroupName']}", actual[group["GroupName"]], expected)
    for where, names in _given(live):
        yield from (f"{where} names the group {name}, which is not there" for name in sorted(names - actual.keys()))
    # Administrators found further groups; a role would let their members into the account.
    yield from (f"the group {name} has an IAM role" for name, group in sorted(actual.items()) if group.get("RoleArn"))


def _given(live: Live) -> Iterator[tuple[str, set[str]]]:
    """The groups that the triggers give. Raises CannotDecide for a parameter that makes no sense."""
    variables = {key: value for each in live.application.functions for key, value in each.environment.items()}
    yield "DefaultGroups", set(Settings(variables).default_groups)
    yield "GroupMap", set(Settings(variables).group_map.values())


def _domain(live: Live) -> Iterator[str]:
    domains = live.expected.of("AWS::Cognito::UserPoolDomain").values()
    expected = {domain["Domain"] for domain in domains}
    actual = {domain for domain in (pool(live).get("Domain"), pool(live).get("CustomDomain")) if domain}
    yield from unexpected("sign-in domain", actual, expected)


def _scopes(live: Live) -> Iterator[str]:
    servers = live.listed("cognito-idp", "list_resource_servers", "ResourceServers", UserPoolId=live.pool_id)
    expected = live.expected["ResourceServer"]
    actual = {server["Identifier"]: server for server in servers}
    yield from unexpected("resource server", set(actual), {expected["Identifier"]})
    scopes = actual.get(expected["Identifier"], {}).get("Scopes", [])
    yield from unexpected("scope", _names(scopes), _names(expected["Scopes"]))


def _names(scopes: list[dict[str, str]]) -> set[str]:
    return {scope["ScopeName"] for scope in scopes}


def _plan(live: Live) -> Iterator[str]:
    yield from _as_wanted("UserPoolTier")(live)
    expected, actual = live.expected["UserPool"].get("UserPoolAddOns"), pool(live).get("UserPoolAddOns")
    if expected and not covers(actual, expected):
        yield f"threat protection is {shown(actual)} instead of {shown(expected)}"


def _passwords(live: Live) -> Iterator[str]:
    expected = live.expected["UserPool"]["Policies"]["PasswordPolicy"]
    yield from differing("the password policy", pool(live)["Policies"]["PasswordPolicy"], expected)


def _encryption(live: Live) -> Iterator[str]:
    expected = live.expected["UserPool"].get("KeyConfiguration", _OWN_KEY)
    yield from differing(_WHERE, {"KeyConfiguration": _OWN_KEY, **pool(live)}, {"KeyConfiguration": expected})


def _issuer(live: Live) -> Iterator[str]:
    expected = {"IssuerConfiguration": live.expected["UserPool"]["IssuerConfiguration"]}
    yield from differing(_WHERE, {"IssuerConfiguration": _FIRST_ISSUER, **pool(live)}, expected)


CHECKS = (
    Check("pool-mfa", "People need a second factor as the stage says, and an authenticator app is the only one", _mfa),
    Check("pool-passwords", "Passwords are as long as the template says", _passwords),
    Check(
        "pool-protection",
        "The user pool cannot be deleted by a slip, if the stage wants that",
        _as_wanted("DeletionProtection"),
    ),
    Check(
        "pool-sign-up",
        "People create their own accounts only if the stage lets them",
        _as_wanted("AdminCreateUserConfig"),
    ),
    Check(
        "pool-recovery", "A lost password is recovered by a verified address only", _as_wanted("AccountRecoverySetting")
    ),
    Check("pool-mail", "Mail to people comes from whom the stage says", _as_wanted("EmailConfiguration")),
    Check(
        "pool-attributes",
        "People have the attributes of the template, and prove a new address before it counts",
        _attributes,
    ),
    Check("pool-encryption", "People's data is encrypted with the key that the stage has chosen", _encryption),
    Check("pool-issuer", "Tokens name the issuer that the authorizer expects", _issuer),
    Check("pool-triggers", "The user pool calls this stage's two triggers, and nothing else", _triggers),
    Check("pool-plan", "The user pool is on the plan that the stage has chosen", _plan),
    Check(
        "pool-groups",
        "The groups of the template are there, and those that people are given; no group has a role",
        _groups,
    ),
    Check("pool-domain", "The sign-in pages are at the stage's domain, or nowhere", _domain),
    Check("pool-scopes", "Tokens can carry the scopes of the template, and no others", _scopes),
)

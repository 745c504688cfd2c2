"""Checks the user pool: sign-in, passwords, MFA, attributes, triggers and groups."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chalicelib.settings import Settings
from infra.checks.check import Check
from infra.checks.compare import covers, differing, same, shown, unexpected
from infra.checks.live import Live

_WHERE = "The user pool"
# The values of a pool whose description leaves these settings out.
_AWS_KEY, _ORIGINAL_ISSUER = {"KeyType": "AWS_OWNED_KEY"}, {"Type": "ORIGINAL"}

# The template's names of the settings of passkeys, and those of the API.
_PASSKEYS = {
    "WebAuthnRelyingPartyID": "RelyingPartyId",
    "WebAuthnUserVerification": "UserVerification",
    "WebAuthnFactorConfiguration": "FactorConfiguration",
}


def pool(live: Live) -> dict[str, Any]:
    """Returns the description of the user pool."""
    described: dict[str, Any] = live.ask("cognito-idp", "describe_user_pool", UserPoolId=live.pool_id)["UserPool"]
    return described


def _as_expected(*settings: str) -> Callable[[Live], Iterator[str]]:
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
    yield from unexpected(
        "second factor", {name for name, on in offered.items() if on}, set(expected.get("EnabledMfas", []))
    )
    # A remembered device, or a first factor other than a password, lets a user sign in without MFA.
    if pool(live).get("DeviceConfiguration"):
        yield "The user pool remembers devices. A remembered device replaces the second factor. Expected: not set."
    yield from unexpected("first factor", _first_factors(pool(live)), _first_factors(expected))
    passkeys = {name: expected[setting] for setting, name in _PASSKEYS.items() if setting in expected}
    yield from differing("The passkeys", actual.get("WebAuthnConfiguration", {}), passkeys)


def _first_factors(pool: Mapping[str, Any]) -> set[str]:
    return set(pool["Policies"].get("SignInPolicy", {}).get("AllowedFirstAuthFactors", ["PASSWORD"]))


def _attributes(live: Live) -> Iterator[str]:
    # The user pool puts the prefix `custom:` before the names of custom attributes. CloudFormation does not.
    actual = {attribute["Name"].removeprefix("custom:"): attribute for attribute in pool(live)["SchemaAttributes"]}
    for attribute in live.expected["UserPool"]["Schema"]:
        expected = {key: value for key, value in attribute.items() if key != "Name"}
        yield from differing(f"The attribute {attribute['Name']}", actual.get(attribute["Name"], {}), expected)
    yield from _as_expected("UsernameAttributes", "UsernameConfiguration", "AutoVerifiedAttributes")(live)
    yield from _as_expected("UserAttributeUpdateSettings")(live)


def _triggers(live: Live) -> Iterator[str]:
    expected = live.expected["UserPool"]["LambdaConfig"]
    actual = {name: value for name, value in (pool(live).get("LambdaConfig") or {}).items() if value}
    if actual.get("PreTokenGeneration") == expected["PreTokenGenerationConfig"]["LambdaArn"]:
        del actual["PreTokenGeneration"]  # Cognito returns this trigger under its old name too
    for name in sorted(actual.keys() | expected.keys()):
        if not same(actual.get(name), expected.get(name)):
            yield f"The trigger {name} is {shown(actual.get(name))}. Expected: {shown(expected.get(name))}."


def _groups(live: Live) -> Iterator[str]:
    groups = live.listed("cognito-idp", "list_groups", "Groups", UserPoolId=live.pool_id)
    actual = {group["GroupName"]: group for group in groups}
    for group in live.expected.of("AWS::Cognito::UserPoolGroup").values():
        if group["GroupName"] not in actual:
            yield f"The group {group['GroupName']} is missing."
            continue
        expected = {"Precedence": group["Precedence"]}
        yield from differing(f"The group {group['GroupName']}", actual[group["GroupName"]], expected)
    for where, names in _assigned(live):
        yield from (f"{where} names the group {name}, which does not exist." for name in sorted(names - actual.keys()))
    # Administrators can add groups. An IAM role of a group would give its members access to the AWS account.
    with_role = [name for name, group in sorted(actual.items()) if group.get("RoleArn")]
    yield from (f"The group {name} has an IAM role. Expected: no role." for name in with_role)


def _assigned(live: Live) -> Iterator[tuple[str, set[str]]]:
    """Yields the groups that the triggers assign, by parameter. Raises InternalError for an invalid parameter."""
    variables = {key: value for it in live.functions.values() for key, value in it["Environment"]["Variables"].items()}
    yield "DefaultGroups", set(Settings(variables).default_groups)
    yield "GroupMap", set(Settings(variables).group_map.values())
    yield "ScopeGroups", {group for groups in Settings(variables).scope_groups.values() for group in groups}


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
    yield from _as_expected("UserPoolTier")(live)
    expected, actual = live.expected["UserPool"].get("UserPoolAddOns"), pool(live).get("UserPoolAddOns")
    if expected and not covers(actual, expected):
        yield f"Threat protection is {shown(actual)}. Expected: {shown(expected)}."


def _passwords(live: Live) -> Iterator[str]:
    expected = live.expected["UserPool"]["Policies"]["PasswordPolicy"]
    yield from differing("The password policy", pool(live)["Policies"]["PasswordPolicy"], expected)


def _encryption(live: Live) -> Iterator[str]:
    expected = live.expected["UserPool"].get("KeyConfiguration", _AWS_KEY)
    yield from differing(_WHERE, {"KeyConfiguration": _AWS_KEY, **pool(live)}, {"KeyConfiguration": expected})


def _issuer(live: Live) -> Iterator[str]:
    expected = {"IssuerConfiguration": live.expected["UserPool"]["IssuerConfiguration"]}
    yield from differing(_WHERE, {"IssuerConfiguration": _ORIGINAL_ISSUER, **pool(live)}, expected)


CHECKS = (
    Check(
        "pool-mfa",
        "MFA is as the stage file specifies. An authenticator app is the only second factor, "
        "and a password is the only first factor. With `Passkeys`, a passkey with user verification counts as both.",
        _mfa,
    ),
    Check("pool-passwords", "The password policy is the one of infra/identity.yaml.", _passwords),
    Check(
        "pool-protection",
        "Deletion protection of the user pool is as the stage file specifies.",
        _as_expected("DeletionProtection"),
    ),
    Check(
        "pool-sign-up",
        "Users can sign up themselves only if the stage file allows it.",
        _as_expected("AdminCreateUserConfig"),
    ),
    Check(
        "pool-recovery",
        "Users recover a forgotten password only through a verified e-mail address.",
        _as_expected("AccountRecoverySetting"),
    ),
    Check("pool-mail", "The sender of mail is the one of the stage file.", _as_expected("EmailConfiguration")),
    Check(
        "pool-attributes",
        "Users have the attributes of infra/identity.yaml, and must verify a new e-mail address.",
        _attributes,
    ),
    Check("pool-encryption", "The user pool is encrypted with the key that the stage file selects.", _encryption),
    Check("pool-issuer", "The user pool writes the issuer into tokens that the authorizer expects.", _issuer),
    Check("pool-triggers", "The user pool calls exactly this stage's two triggers.", _triggers),
    Check("pool-plan", "The user pool has the feature plan of the stage file.", _plan),
    Check(
        "pool-groups",
        "The groups of infra/identity.yaml, `DefaultGroups`, `GroupMap` and `ScopeGroups` exist. "
        "No group has an IAM role.",
        _groups,
    ),
    Check("pool-domain", "The user pool has exactly the sign-in domain of the stage file.", _domain),
    Check("pool-scopes", "The user pool has exactly the resource server and scopes of infra/identity.yaml.", _scopes),
)

"""Rules about the user pool: MFA, passwords, e-mail addresses and external identity providers."""

from collections.abc import Iterator

from tests.infra.intrinsics import PSEUDO
from tests.infra.resolve import Resource, Stack, Template
from tests.infra.rules import Sets, for_each_stack

COMPOSITION = ("RequireLowercase", "RequireUppercase", "RequireNumbers", "RequireSymbols")


def pool(stack: Stack) -> Resource:
    (only,) = stack.of("AWS::Cognito::UserPool")
    return only


@for_each_stack
def second_factor(stack: Stack) -> Iterator[str]:
    properties, expected = pool(stack).properties, stack.parameters["MfaMode"]
    if properties.get("MfaConfiguration") != expected:
        yield f"MFA is {properties.get('MfaConfiguration')}, expected {expected}"
    factors = [] if expected == "OFF" else ["SOFTWARE_TOKEN_MFA"]  # an attacker can take over a telephone number
    if properties.get("EnabledMfas", []) != factors:
        yield f"the second factors are {properties.get('EnabledMfas')}"


@for_each_stack
def passkeys(stack: Stack) -> Iterator[str]:
    """A passkey replaces a password and a code only with user verification, and only if the stage selects passkeys."""
    properties, selected = pool(stack).properties, stack.parameters["Passkeys"] == "ON"
    settings = {name: value for name, value in properties.items() if name.startswith("WebAuthn")}
    expected = {
        "WebAuthnRelyingPartyID": _sign_in_domain(stack),
        "WebAuthnUserVerification": "required",
        "WebAuthnFactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
    }
    if settings != (expected if selected else {}):
        yield f"the settings of passkeys are {settings}"
    first = properties.get("Policies", {}).get("SignInPolicy", {}).get("AllowedFirstAuthFactors", ["PASSWORD"])
    if first != (["PASSWORD", "WEB_AUTHN"] if selected else ["PASSWORD"]):
        yield f"the first factors are {first}"
    flows = [client.properties.get("ExplicitAuthFlows", []) for client in stack.of("AWS::Cognito::UserPoolClient")]
    if selected and not any("ALLOW_USER_AUTH" in it for it in flows):  # control 1 says which clients may offer them
        yield "no client offers passkeys"


def _sign_in_domain(stack: Stack) -> str | None:
    """Returns the host of the sign-in pages. Cognito requires the own domain, if there is one.

    Source:  Cognito API reference, WebAuthnConfigurationType
    """
    domains = [domain.properties for domain in stack.of("AWS::Cognito::UserPoolDomain")]
    own = [it["Domain"] for it in domains if "CustomDomainConfig" in it]
    suffix = f".auth.{PSEUDO['AWS::Region']}.amazoncognito.com"
    return next(iter([*own, *(it["Domain"] + suffix for it in domains)]), None)


def passkeys_by_default(template: Template, sets: Sets) -> Iterator[str]:
    if template.resolve({"DomainPrefix": "olympus"}).parameters["Passkeys"] != "OFF":
        yield "passkeys are on by default"


def second_factor_by_default(template: Template, sets: Sets) -> Iterator[str]:
    if pool(template.resolve({})).properties.get("MfaConfiguration") != "ON":
        yield "MFA is not required by default"


@for_each_stack
def passwords(stack: Stack) -> Iterator[str]:
    rules = pool(stack).properties.get("Policies", {}).get("PasswordPolicy", {})
    if rules.get("MinimumLength", 8) < 15:
        yield f"the minimum length of passwords is {rules.get('MinimumLength')}"
    for kind in COMPOSITION:
        if rules.get(kind) is not False:  # Cognito's default requires all kinds
            yield f"passwords have the rule {kind}"
    if stack.parameters["UserPoolTier"] != "LITE" and not rules.get("PasswordHistorySize"):
        yield "passwords can be reused at once"
    if rules.get("TemporaryPasswordValidityDays", 7) > 1:
        yield "an invitation is valid for more than a day"


@for_each_stack
def addresses(stack: Stack) -> Iterator[str]:
    properties = pool(stack).properties
    verified = properties.get("UserAttributeUpdateSettings", {}).get("AttributesRequireVerificationBeforeUpdate")
    ways = [way["Name"] for way in properties.get("AccountRecoverySetting", {}).get("RecoveryMechanisms", [])]
    if properties.get("AutoVerifiedAttributes") != ["email"] or verified != ["email"]:
        yield "an e-mail address is effective before verification"
    if ways != ["verified_email"]:
        yield f"a forgotten password is recovered by {ways}"
    if properties.get("UsernameConfiguration") != {"CaseSensitive": False}:
        yield "user names are case-sensitive"
    if properties.get("UsernameAttributes") != ["email"]:
        yield "user names are not e-mail addresses"


@for_each_stack
def sign_up(stack: Stack) -> Iterator[str]:
    invited = pool(stack).properties.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False)
    if invited is not (stack.parameters["SelfSignUp"] == "false"):
        yield f"users can {'not ' if invited else ''}sign up"


@for_each_stack
def providers(stack: Stack) -> Iterator[str]:
    for provider in stack.of("AWS::Cognito::UserPoolIdentityProvider"):
        yield from (_saml if provider.properties["ProviderType"] == "SAML" else _oidc)(provider)


def _saml(provider: Resource) -> Iterator[str]:
    details = provider.properties["ProviderDetails"]
    if details.get("IDPInit") != "false":
        yield f"{provider.name} accepts IdP-initiated sign-in"
    if details.get("RequestSigningAlgorithm") != "rsa-sha256":
        yield f"{provider.name} does not sign its requests"
    if not details.get("MetadataURL", "https://").startswith("https://"):
        yield f"{provider.name} reads metadata from {details['MetadataURL']}"
    if ("MetadataURL" in details) is ("MetadataFile" in details):
        yield f"{provider.name} has no metadata, or two sources of it"


def _oidc(provider: Resource) -> Iterator[str]:
    details = provider.properties["ProviderDetails"]
    if not details.get("oidc_issuer", "").startswith("https://"):
        yield f"{provider.name} trusts the issuer {details.get('oidc_issuer')}"
    if not details.get("client_secret", "").startswith("{{resolve:secretsmanager:"):
        yield f"{provider.name} has its secret in the template"
    if "openid" not in details.get("authorize_scopes", "").split():
        yield f"{provider.name} does not request the scope openid"


def refused_providers(template: Template, sets: Sets) -> Iterator[str]:
    for name in ("SamlMetadataUrl", "OidcIssuer"):
        for address in ("http://idp.example/metadata", "ftp://idp.example", "idp.example"):
            if template.accepts(name, address):
                yield f"{name} may be {address}"

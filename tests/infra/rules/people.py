"""Rules about the user pool: second factors, passwords, addresses, and the company's identity providers."""

from collections.abc import Iterator

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
        yield f"a second factor is {properties.get('MfaConfiguration')} where {expected} is wanted"
    factors = [] if expected == "OFF" else ["SOFTWARE_TOKEN_MFA"]  # SMS can be taken over with the telephone number
    if properties.get("EnabledMfas", []) != factors:
        yield f"the factors are {properties.get('EnabledMfas')}"


def second_factor_by_default(template: Template, sets: Sets) -> Iterator[str]:
    if pool(template.resolve({})).properties.get("MfaConfiguration") != "ON":
        yield "by default nobody needs a second factor"


@for_each_stack
def passwords(stack: Stack) -> Iterator[str]:
    rules = pool(stack).properties.get("Policies", {}).get("PasswordPolicy", {})
    if rules.get("MinimumLength", 8) < 15:
        yield f"a password may have {rules.get('MinimumLength')} characters"
    for kind in COMPOSITION:
        if rules.get(kind) is not False:  # Cognito's default asks for all kinds
            yield f"a password has to fulfil {kind}"
    if stack.parameters["UserPoolTier"] != "LITE" and not rules.get("PasswordHistorySize"):
        yield "a password may be used again at once"
    if rules.get("TemporaryPasswordValidityDays", 7) > 1:
        yield "an invitation is good for more than a day"


@for_each_stack
def addresses(stack: Stack) -> Iterator[str]:
    properties = pool(stack).properties
    kept = properties.get("UserAttributeUpdateSettings", {}).get("AttributesRequireVerificationBeforeUpdate")
    ways = [way["Name"] for way in properties.get("AccountRecoverySetting", {}).get("RecoveryMechanisms", [])]
    if properties.get("AutoVerifiedAttributes") != ["email"] or kept != ["email"]:
        yield "an address counts before it was verified"
    if ways != ["verified_email"]:
        yield f"a forgotten password is set anew by {ways}"
    if properties.get("UsernameConfiguration") != {"CaseSensitive": False}:
        yield "two people may have one address in two spellings"
    if properties.get("UsernameAttributes") != ["email"]:
        yield "people may call themselves as they like, and so like others"


@for_each_stack
def joining(stack: Stack) -> Iterator[str]:
    invited = pool(stack).properties.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False)
    if invited is not (stack.parameters["SelfSignUp"] == "false"):
        yield f"people may {'not ' if invited else ''}make their own account"


@for_each_stack
def providers(stack: Stack) -> Iterator[str]:
    for provider in stack.of("AWS::Cognito::UserPoolIdentityProvider"):
        yield from (_saml if provider.properties["ProviderType"] == "SAML" else _oidc)(provider)


def _saml(provider: Resource) -> Iterator[str]:
    details = provider.properties["ProviderDetails"]
    if details.get("IDPInit") != "false":
        yield f"{provider.name} lets sign-ins begin elsewhere"
    if details.get("RequestSigningAlgorithm") != "rsa-sha256":
        yield f"{provider.name} does not sign its requests"
    if not details.get("MetadataURL", "https://").startswith("https://"):
        yield f"{provider.name} reads keys from {details['MetadataURL']}"
    if ("MetadataURL" in details) is ("MetadataFile" in details):
        yield f"{provider.name} has no keys, or two sets of them"


def _oidc(provider: Resource) -> Iterator[str]:
    details = provider.properties["ProviderDetails"]
    if not details.get("oidc_issuer", "").startswith("https://"):
        yield f"{provider.name} believes {details.get('oidc_issuer')}"
    if not details.get("client_secret", "").startswith("{{resolve:secretsmanager:"):
        yield f"{provider.name} holds its secret in the template"
    if "openid" not in details.get("authorize_scopes", "").split():
        yield f"{provider.name} asks for no ID token"


def refused_providers(template: Template, sets: Sets) -> Iterator[str]:
    for name in ("SamlMetadataUrl", "OidcIssuer"):
        for address in ("http://idp.example/metadata", "ftp://idp.example", "idp.example"):
            if template.accepts(name, address):
                yield f"{name} may be {address}"

"""Rules about whether AWS would take the template at all, now and the second time."""

from collections.abc import Iterator

from tests.infra.intrinsics import Unresolvable
from tests.infra.matrix import SENSELESS, makes_sense
from tests.infra.parameters import Refused
from tests.infra.resolve import Resource, Stack, Template
from tests.infra.rules import Sets, for_each_stack
from tests.infra.rules.access import triggers
from tests.infra.rules.clients import GROUPS, clients, for_machines
from tests.infra.rules.people import pool

NAMES = {"TableName", "QueueName", "TopicName", "RoleName", "FunctionName"}
# The attributes that every pool has. Source: Cognito Developer Guide, "Working with user attributes"
STANDARD = {
    *("address", "birthdate", "email", "email_verified", "family_name", "gender", "given_name", "locale"),
    *("middle_name", "name", "nickname", "phone_number", "phone_number_verified", "picture", "preferred_username"),
    *("profile", "sub", "updated_at", "website", "zoneinfo"),
}
DETAILS = {
    "SAML": {"MetadataURL", "IDPSignout", "IDPInit", "RequestSigningAlgorithm"},
    "OIDC": {"client_id", "client_secret", "attributes_request_method", "oidc_issuer", "authorize_scopes"},
}


def resolvable(template: Template, sets: Sets) -> Iterator[str]:
    """Sets of parameters that make sense are taken, the others refused, and nothing refers to what is not there."""
    for given in sets:
        try:
            taken = bool(template.resolve(given).outputs)
        except Refused:
            taken = False
        except Unresolvable as fault:
            yield f"{fault}; under {given}"
            continue
        if taken is not makes_sense(given):
            yield f"{'taken' if taken else 'refused'}: {given}"
    for senseless in SENSELESS:
        try:
            template.resolve(senseless)
        except Refused:
            continue
        yield f"taken: {senseless}"


@for_each_stack
def nameless(stack: Stack) -> Iterator[str]:
    """What is kept under a name blocks it for the next stack."""
    for resource in stack.resources.values():
        named = NAMES & set(resource.properties)
        if resource.type == "AWS::SecretsManager::Secret":
            named |= {"Name"} & set(resource.properties)
        if named and resource.type != "AWS::Lambda::Permission":
            yield f"{resource.name} has a name of its own"


@for_each_stack
def tiers(stack: Stack) -> Iterator[str]:
    """What a tier does not have is refused. Sources: Cognito's feature plans; "refresh token rotation", April 2025."""
    lite = stack.parameters["UserPoolTier"] == "LITE"
    if lite and "PasswordHistorySize" in pool(stack).properties["Policies"]["PasswordPolicy"]:
        yield "LITE remembers no passwords"
    for client in clients(stack):
        rotates = "RefreshTokenRotation" in client.properties
        if rotates and lite:
            yield f"{client.name}: LITE does not rotate"
        if rotates is ("ALLOW_REFRESH_TOKEN_AUTH" in client.properties["ExplicitAuthFlows"]):
            yield f"{client.name} rotates, and refreshes without rotating, or neither, which Cognito refuses"
    for domain in stack.of("AWS::Cognito::UserPoolDomain"):
        if domain.properties.get("ManagedLoginVersion") != (1 if lite else 2):
            yield f"{domain.name} has pages that the tier has not"
    branded = {it.properties["ClientId"] for it in stack.of("AWS::Cognito::ManagedLoginBranding")}
    people = {f"<{client.name}>" for client in clients(stack) if not for_machines(client.properties)}
    if branded != (set() if lite or not stack.of("AWS::Cognito::UserPoolDomain") else people):
        yield f"pages exist for {sorted(branded)}"


@for_each_stack
def provided(stack: Stack) -> Iterator[str]:
    """The company's people have a client that offers exactly its providers and may write what they are mapped to."""
    providers = {f"<{it.name}>": it for it in stack.of("AWS::Cognito::UserPoolIdentityProvider")}
    names = ("SamlMetadataUrl", "SamlMetadataDocument", "OidcIssuer")
    expected = [name for name in names if stack.parameters[name]]
    if len(providers) != len(expected):
        yield f"providers are {sorted(providers)}"
    offered = {name for client in clients(stack) for name in client.properties.get("SupportedIdentityProviders", [])}
    if offered - {"COGNITO"} != set(providers):
        yield f"clients offer {sorted(offered)}"
    for client in clients(stack):
        names = client.properties.get("SupportedIdentityProviders", [])
        if not names and not for_machines(client.properties):
            yield f"{client.name} is for nobody"
        mapped = {it for name in names if name in providers for it in _mapped(providers[name])}
        if not mapped <= set(client.properties.get("WriteAttributes", [])):
            yield f"{client.name} cannot write what {names} say"


def _mapped(provider: Resource) -> set[str]:
    """The attributes that a provider fills in; a user's name is none of those that a client writes."""
    return set(provider.properties["AttributeMapping"]) - {"username"}


@for_each_stack
def described(stack: Stack) -> Iterator[str]:
    """A provider is told what its kind knows, says the groups, and fills in attributes that the pool has."""
    schema = {f"custom:{attribute['Name']}": attribute for attribute in pool(stack).properties.get("Schema", [])}
    for provider in stack.of("AWS::Cognito::UserPoolIdentityProvider"):
        details, kind = set(provider.properties["ProviderDetails"]), provider.properties["ProviderType"]
        if details ^ DETAILS[kind]:
            yield f"{provider.name} is not told what a provider is told: {sorted(details ^ DETAILS[kind])}"
        if _mapped(provider) != {"email", GROUPS}:
            yield f"{provider.name} says {sorted(_mapped(provider))}"
    for client in clients(stack):
        used = client.properties.get("ReadAttributes", []) + client.properties.get("WriteAttributes", [])
        custom = {name for name in used if name.startswith("custom:")}
        if not custom <= set(schema) or not all(schema[name].get("Mutable") for name in custom):
            yield f"{client.name} uses attributes that the pool has not, or never changes"


@for_each_stack
def phases(stack: Stack) -> Iterator[str]:
    """The pool asks its functions once these exist, and never before."""
    expected = {"gatehouse-dev-post_confirmation", "gatehouse-dev-pre_token"}
    if triggers(stack) != (expected if stack.parameters["DeployPhase"] == "complete" else set()):
        yield f"the pool asks {sorted(triggers(stack))}"
    before_tokens = pool(stack).properties.get("LambdaConfig", {}).get("PreTokenGenerationConfig")
    if before_tokens and before_tokens.get("LambdaVersion") != "V1_0":
        yield "the trigger before tokens is asked in a form that it does not read"


@for_each_stack
def updatable(stack: Stack) -> Iterator[str]:
    """The schema lists custom attributes only, each with its type.

    Cognito has refused every update of pools whose schema lists a standard attribute such as email.
    Source:  amplify-backend issue 3299, aws-cdk issue 8585 (2026)
    """
    for attribute in pool(stack).properties.get("Schema", []):
        if attribute["Name"] in STANDARD:
            yield f"the schema lists the standard attribute {attribute['Name']}"
        if "AttributeDataType" not in attribute:
            yield f"the schema gives no type for {attribute['Name']}"


@for_each_stack
def issuer(stack: Stack) -> Iterator[str]:
    """The pool's issuer is chosen, and is the one that the outputs name."""
    chosen = pool(stack).properties.get("IssuerConfiguration")
    if chosen != {"Type": "ORIGINAL"}:
        yield f"the issuer is {chosen}"


def prefixes(template: Template, sets: Sets) -> Iterator[str]:
    """A domain prefix is one that Cognito takes. Source: Cognito Developer Guide, "Using your own domain"."""
    for prefix in ("aws-shop", "my-amazon", "cognito", "shop-cognito-1", "-shop", "shop-", "Shop"):
        if template.accepts("DomainPrefix", prefix):
            yield f"DomainPrefix may be {prefix}"
    for prefix in ("", "shop", "shop-1", "gatehouse-prod"):
        if not template.accepts("DomainPrefix", prefix):
            yield f"DomainPrefix may not be {prefix!r}"

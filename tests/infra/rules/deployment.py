"""Rules about whether AWS accepts the template, for a new stack and for an update."""

from collections.abc import Iterator

from tests.configured import FUNCTIONS, function
from tests.infra.intrinsics import Unresolvable
from tests.infra.matrix import INVALID, is_valid
from tests.infra.parameters import Refused
from tests.infra.resolve import Resource, Stack, Template
from tests.infra.rules import Sets, for_each_stack
from tests.infra.rules.access import triggers
from tests.infra.rules.clients import GROUPS, clients, for_machines
from tests.infra.rules.people import pool

NAMES = {"TableName", "QueueName", "TopicName", "RoleName", "FunctionName"}
# The attributes of every user pool. Source: Cognito Developer Guide, "Working with user attributes"
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
    """Valid sets of parameters are accepted, the others are refused, and no reference is broken."""
    for given in sets:
        try:
            accepted = bool(template.resolve(given).outputs)
        except Refused:
            accepted = False
        except Unresolvable as fault:
            yield f"{fault}; under {given}"
            continue
        if accepted is not is_valid(given):
            yield f"{'accepted' if accepted else 'refused'}: {given}"
    for invalid in INVALID:
        try:
            template.resolve(invalid)
        except Refused:
            continue
        yield f"accepted: {invalid}"


@for_each_stack
def nameless(stack: Stack) -> Iterator[str]:
    """A retained resource with a fixed name blocks the name for the next stack."""
    for resource in stack.resources.values():
        named = NAMES & set(resource.properties)
        if resource.type == "AWS::SecretsManager::Secret":
            named |= {"Name"} & set(resource.properties)
        if named and resource.type != "AWS::Lambda::Permission":
            yield f"{resource.name} has a fixed name"


@for_each_stack
def tiers(stack: Stack) -> Iterator[str]:
    """No setting needs a higher tier. Sources: Cognito's feature plans; "refresh token rotation", April 2025."""
    lite = stack.parameters["UserPoolTier"] == "LITE"
    if lite and "PasswordHistorySize" in pool(stack).properties["Policies"]["PasswordPolicy"]:
        yield "LITE has no password history"
    for client in clients(stack):
        rotates = "RefreshTokenRotation" in client.properties
        if rotates and lite:
            yield f"{client.name}: LITE has no token rotation"
        if rotates is ("ALLOW_REFRESH_TOKEN_AUTH" in client.properties["ExplicitAuthFlows"]):
            yield f"{client.name} has both rotation and the refresh flow, or neither; Cognito refuses both cases"
    for domain in stack.of("AWS::Cognito::UserPoolDomain"):
        if domain.properties.get("ManagedLoginVersion") != (1 if lite else 2):
            yield f"{domain.name} has sign-in pages that the tier does not have"
    branded = {it.properties["ClientId"] for it in stack.of("AWS::Cognito::ManagedLoginBranding")}
    people = {f"<{client.name}>" for client in clients(stack) if not for_machines(client.properties)}
    if branded != (set() if lite or not stack.of("AWS::Cognito::UserPoolDomain") else people):
        yield f"the clients with branding are {sorted(branded)}"


@for_each_stack
def provided(stack: Stack) -> Iterator[str]:
    """A client offers exactly the configured providers, and can write their mapped attributes."""
    providers = {f"<{it.name}>": it for it in stack.of("AWS::Cognito::UserPoolIdentityProvider")}
    names = ("SamlMetadataUrl", "SamlMetadataDocument", "OidcIssuer")
    expected = [name for name in names if stack.parameters[name]]
    if len(providers) != len(expected):
        yield f"the providers are {sorted(providers)}"
    offered = {name for client in clients(stack) for name in client.properties.get("SupportedIdentityProviders", [])}
    if offered - {"COGNITO"} != set(providers):
        yield f"the clients offer {sorted(offered)}"
    for client in clients(stack):
        names = client.properties.get("SupportedIdentityProviders", [])
        if not names and not for_machines(client.properties):
            yield f"{client.name} has no identity provider"
        mapped = {it for name in names if name in providers for it in _mapped(providers[name])}
        if not mapped <= set(client.properties.get("WriteAttributes", [])):
            yield f"{client.name} cannot write the mapped attributes of {names}"


def _mapped(provider: Resource) -> set[str]:
    """Returns the mapped attributes, without the user name, which no client writes."""
    return set(provider.properties["AttributeMapping"]) - {"username"}


@for_each_stack
def described(stack: Stack) -> Iterator[str]:
    """A provider has the details of its type, and maps e-mail and groups to attributes of the pool."""
    schema = {f"custom:{attribute['Name']}": attribute for attribute in pool(stack).properties.get("Schema", [])}
    for provider in stack.of("AWS::Cognito::UserPoolIdentityProvider"):
        details, kind = set(provider.properties["ProviderDetails"]), provider.properties["ProviderType"]
        if details ^ DETAILS[kind]:
            yield f"{provider.name} has unexpected or missing details: {sorted(details ^ DETAILS[kind])}"
        if _mapped(provider) != {"email", GROUPS}:
            yield f"{provider.name} maps {sorted(_mapped(provider))}"
    for client in clients(stack):
        used = client.properties.get("ReadAttributes", []) + client.properties.get("WriteAttributes", [])
        custom = {name for name in used if name.startswith("custom:")}
        if not custom <= set(schema) or not all(schema[name].get("Mutable") for name in custom):
            yield f"{client.name} uses attributes that the pool does not have or that are immutable"


@for_each_stack
def called_functions(stack: Stack) -> Iterator[str]:
    """The user pool calls exactly the functions that it may invoke, which the application's stack creates."""
    qualifier = stack.parameters["TriggerQualifier"]
    if triggers(stack) != {function("dev", it.name) + qualifier for it in FUNCTIONS if it.is_trigger}:
        yield f"the triggers are {sorted(triggers(stack))}"
    before_tokens = pool(stack).properties.get("LambdaConfig", {}).get("PreTokenGenerationConfig")
    if before_tokens and before_tokens.get("LambdaVersion") != stack.parameters["PreTokenVersion"]:
        yield f"the pre-token trigger has the event version {before_tokens.get('LambdaVersion')}"


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
    """The template sets the pool's issuer, and it is the one of the outputs."""
    setting = pool(stack).properties.get("IssuerConfiguration")
    if setting != {"Type": "ORIGINAL"}:
        yield f"the issuer setting is {setting}"


def prefixes(template: Template, sets: Sets) -> Iterator[str]:
    """Cognito accepts each domain prefix that the template accepts.

    Source:  Cognito Developer Guide, "Using your own domain"
    """
    for prefix in ("aws-shop", "my-amazon", "cognito", "shop-cognito-1", "-shop", "shop-", "Shop"):
        if template.accepts("DomainPrefix", prefix):
            yield f"DomainPrefix accepts {prefix}"
    for prefix in ("", "shop", "shop-1", "gatehouse-prod"):
        if not template.accepts("DomainPrefix", prefix):
            yield f"DomainPrefix refuses {prefix!r}"


@for_each_stack
def own_domain(stack: Stack) -> Iterator[str]:
    """Applications and providers use the stage's own domain, if it has one. Its certificate is in us-east-1.

    Source:  Cognito Developer Guide, "Using your own domain for managed login"
    """
    name = stack.parameters["SignInDomainName"]
    owned = [domain for domain in stack.of("AWS::Cognito::UserPoolDomain") if "CustomDomainConfig" in domain.properties]
    if [domain.properties["Domain"] for domain in owned] != [name] * bool(name):
        yield f"the own domains are {[domain.properties['Domain'] for domain in owned]}"
    for domain in owned:
        certificate = domain.properties["CustomDomainConfig"]["CertificateArn"]
        if not str(certificate).startswith("arn:aws:acm:us-east-1:"):
            yield f"{domain.name} has the certificate {certificate}"
        for output in ("SignInDomain", "SamlAcsUrl", "OidcRedirectUri"):
            if not stack.outputs.get(output, "").startswith(f"https://<{domain.name}>"):
                yield f"the output {output} does not have the own domain"


def certificates(template: Template, sets: Sets) -> Iterator[str]:
    for certificate in ("arn:aws:acm:mars-west-1:111122223333:certificate/a1", "a1"):
        if template.accepts("SignInCertificateArn", certificate):
            yield f"SignInCertificateArn accepts {certificate}"
    for name in (
        "example",
        "example.com",
        "Sign-in.example.com",
        "https://sign-in.example.com",
        "sign-in.example.com/",
    ):
        if template.accepts("SignInDomainName", name):
            yield f"SignInDomainName accepts {name}"

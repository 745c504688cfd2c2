"""The user pool's clients: which programs may ask for tokens, for whom, and where the tokens may go."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from infra.checks.check import Check
from infra.checks.compare import differing, unexpected
from infra.checks.live import Live

_KIND = "AWS::Cognito::UserPoolClient"
_LIFETIMES = (
    "AccessTokenValidity",
    "IdTokenValidity",
    "RefreshTokenValidity",
    "TokenValidityUnits",
    "AuthSessionValidity",
)


def _client(live: Live, name: str) -> dict[str, Any]:
    described: dict[str, Any] = live.ask(
        "cognito-idp", "describe_user_pool_client", UserPoolId=live.pool_id, ClientId=live.physical[name]
    )["UserPoolClient"]
    return described


def _known(live: Live) -> Iterator[str]:
    listed = live.listed("cognito-idp", "list_user_pool_clients", "UserPoolClients", UserPoolId=live.pool_id)
    expected = {live.physical[name] for name in live.expected.of(_KIND)}
    yield from unexpected("client", {client["ClientId"] for client in listed}, expected)


def _as_wanted(*settings: str) -> Callable[[Live], Iterator[str]]:
    """Compare what the template says; what it does not say is Cognito's to choose."""

    def differences(live: Live) -> Iterator[str]:
        for name, expected in live.expected.of(_KIND).items():
            said = {setting: expected[setting] for setting in settings if setting in expected}
            yield from differing(name, _client(live, name), said)

    return differences


def _exactly(*settings: str) -> Callable[[Live], Iterator[str]]:
    """Compare lists, of which one that is not in the template has to be empty."""

    def differences(live: Live) -> Iterator[str]:
        for name, expected in live.expected.of(_KIND).items():
            yield from differing(
                name, _client(live, name), {setting: expected.get(setting, []) for setting in settings}
            )

    return differences


def _redirects(live: Live) -> Iterator[str]:
    yield from _exactly("CallbackURLs", "LogoutURLs")(live)
    for name in live.expected.of(_KIND):
        if _client(live, name).get("DefaultRedirectURI"):
            yield f"{name}: there is a default address"


def _secrets(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        if ("ClientSecret" in _client(live, name)) != (expected["GenerateSecret"] == "true"):
            yield f"{name} has {'a' if 'ClientSecret' in _client(live, name) else 'no'} secret"


def _kept_secret(live: Live) -> Iterator[str]:
    kept = live.client("secretsmanager").get_secret_value(SecretId=live.outputs["MachineSecretArn"])["SecretString"]
    client = _client(live, "MachineClient")
    if json.loads(kept) != {"client_id": client["ClientId"], "client_secret": client["ClientSecret"]}:
        yield "the kept credentials are not the client's (in the middle of a rotation, that is as it should be)"


def _secret_sharing(live: Live) -> Iterator[str]:
    secret = live.ask("secretsmanager", "get_resource_policy", SecretId=live.outputs["MachineSecretArn"])
    if secret.get("ResourcePolicy"):
        yield "the secret has a policy of its own"


CHECKS = (
    Check("clients-known", "The user pool has the stack's clients, and no others", _known),
    Check(
        "clients-flows",
        "Clients get tokens by code or as machines: never by the implicit flow, nor a public one with passwords",
        _exactly("AllowedOAuthFlows", "ExplicitAuthFlows", "AllowedOAuthFlowsUserPoolClient"),
    ),
    Check("clients-redirects", "People are sent back to the stage's addresses, and nowhere else", _redirects),
    Check("clients-scopes", "Clients may ask for the template's scopes, and no others", _exactly("AllowedOAuthScopes")),
    Check(
        "clients-attributes",
        "Clients read and write the template's attributes: of a person's own clients, none writes groups",
        _as_wanted("ReadAttributes", "WriteAttributes"),
    ),
    Check("clients-lifetimes", "Tokens and sign-ins last as long as the stage says", _as_wanted(*_LIFETIMES)),
    Check("clients-rotation", "Refresh tokens are used once", _as_wanted("RefreshTokenRotation")),
    Check("clients-revocation", "Refresh tokens can be revoked", _as_wanted("EnableTokenRevocation")),
    Check("clients-discretion", "Clients are not told which accounts exist", _as_wanted("PreventUserExistenceErrors")),
    Check("clients-providers", "Each client is for its own people", _as_wanted("SupportedIdentityProviders")),
    Check("clients-secrets", "The machine client has a secret, and what runs in browsers has none", _secrets),
    Check("machine-secret", "The machine's credentials are kept where it finds them", _kept_secret),
    Check("machine-secret-sharing", "The machine's credentials are for this account's roles only", _secret_sharing),
)

"""Checks the user pool's app clients: their flows, scopes, redirect URIs, attributes and secrets."""

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
    yield from unexpected("app client", {client["ClientId"] for client in listed}, expected)


def _as_expected(*settings: str) -> Callable[[Live], Iterator[str]]:
    """Compares the settings that the template contains. Cognito chooses the others."""

    def differences(live: Live) -> Iterator[str]:
        for name, expected in live.expected.of(_KIND).items():
            given = {setting: expected[setting] for setting in settings if setting in expected}
            yield from differing(name, _client(live, name), given)

    return differences


def _exactly(*settings: str) -> Callable[[Live], Iterator[str]]:
    """Compares lists. A list that is not in the template must be empty."""

    def differences(live: Live) -> Iterator[str]:
        for name, expected in live.expected.of(_KIND).items():
            lists = {setting: expected.get(setting, []) for setting in settings}
            yield from differing(name, _client(live, name), lists)

    return differences


def _redirects(live: Live) -> Iterator[str]:
    yield from _exactly("CallbackURLs", "LogoutURLs")(live)
    for name in live.expected.of(_KIND):
        default = _client(live, name).get("DefaultRedirectURI")
        if default:
            yield f"{name}: DefaultRedirectURI is {default}. Expected: not set."


def _secrets(live: Live) -> Iterator[str]:
    for name, expected in live.expected.of(_KIND).items():
        actual = "ClientSecret" in _client(live, name)
        if actual != (expected["GenerateSecret"] == "true"):
            yield f"{name} {'has a' if actual else 'has no'} client secret. Expected: {'no' if actual else 'a'} secret."


def _stored_secret(live: Live) -> Iterator[str]:
    stored = live.client("secretsmanager").get_secret_value(SecretId=live.outputs["MachineSecretArn"])["SecretString"]
    client = _client(live, "MachineClient")
    if json.loads(stored) != {"client_id": client["ClientId"], "client_secret": client["ClientSecret"]}:
        yield "The credentials in Secrets Manager are not those of the machine client."


def _secret_sharing(live: Live) -> Iterator[str]:
    secret = live.ask("secretsmanager", "get_resource_policy", SecretId=live.outputs["MachineSecretArn"])
    if secret.get("ResourcePolicy"):
        yield "The secret of the machine client has a resource policy, which can admit other accounts."


CHECKS = (
    Check(
        "clients-known",
        "The user pool has exactly the app clients of infra/identity.yaml.",
        _known,
        "Delete an unexpected client with `aws cognito-idp delete-user-pool-client`. Restore a missing one by hand.",
    ),
    Check(
        "clients-flows",
        "Clients have exactly the OAuth and authentication flows of infra/identity.yaml. "
        "No client uses the implicit flow.",
        _exactly("AllowedOAuthFlows", "ExplicitAuthFlows", "AllowedOAuthFlowsUserPoolClient"),
    ),
    Check("clients-redirects", "Clients redirect only to the URLs of the stage file.", _redirects),
    Check(
        "clients-scopes",
        "Clients can request only the scopes of infra/identity.yaml.",
        _exactly("AllowedOAuthScopes"),
    ),
    Check(
        "clients-attributes",
        "Clients read and write only the attributes of infra/identity.yaml. "
        "No client of local users can write the groups attribute.",
        _as_expected("ReadAttributes", "WriteAttributes"),
    ),
    Check("clients-lifetimes", "Tokens and sessions have the lifetimes of the stage file.", _as_expected(*_LIFETIMES)),
    Check(
        "clients-rotation",
        "Refresh tokens rotate as infra/identity.yaml specifies.",
        _as_expected("RefreshTokenRotation"),
    ),
    Check("clients-revocation", "Refresh tokens can be revoked.", _as_expected("EnableTokenRevocation")),
    Check(
        "clients-discretion",
        "Error messages do not reveal which accounts exist.",
        _as_expected("PreventUserExistenceErrors"),
    ),
    Check(
        "clients-providers",
        "Each client accepts only the identity providers of infra/identity.yaml.",
        _as_expected("SupportedIdentityProviders"),
    ),
    Check("clients-secrets", "Only the clients that need a secret have one. Public clients have no secret.", _secrets),
    Check(
        "machine-secret",
        "Secrets Manager stores the current credentials of the machine client.",
        _stored_secret,
        "This is normal during a rotation. Otherwise store the current credentials.",
    ),
    Check(
        "machine-secret-sharing",
        "The machine client's secret has no resource policy.",
        _secret_sharing,
        "Remove the policy with `aws secretsmanager delete-resource-policy`.",
    ),
)

"""Writes and reads `outputs.json`: the addresses and credentials of the running cloud, for other programs."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chalicelib.settings import Settings
from infra.errors import Refused
from infra.package import PROJECT
from infra.templates import read_yaml
from local.choices import upstream_outputs
from local.cloud import REGION, LocalCloud
from local.company import registration
from local.install import IDENTITY, api_url, callback_url
from local.seed import sample_users


class NotRunning(Refused):
    """No local cloud is running."""

    def __init__(self) -> None:
        super().__init__("The local cloud is not running: start it with `make run` in another terminal.")


def outputs_of(cloud: LocalCloud, stacks: Mapping[str, str]) -> dict[str, Any]:
    """Returns the outputs. The client secret and the passwords are valid in this local cloud only."""
    pool, machine = stacks["UserPoolId"], stacks["MachineClientId"]
    described = cloud.client("cognito-idp").describe_user_pool_client(UserPoolId=pool, ClientId=machine)
    jwks_url = f"{cloud.url}/{pool}/.well-known/jwks.json"
    return {
        "api_url": api_url(cloud, stacks["RestAPIId"]),
        "endpoint_url": cloud.url,
        "region": REGION,
        "issuer": stacks["Issuer"],
        "jwks_url": jwks_url,
        "identity_stack": IDENTITY,
        "user_pool_id": pool,
        "web_client_id": stacks["WebClientId"],
        "machine_client_id": machine,
        "machine_client_secret": described["UserPoolClient"]["ClientSecret"],
        "authorize_url": f"{cloud.url}/oauth2/authorize",
        "token_url": f"{cloud.url}/oauth2/token",
        "revoke_url": f"{cloud.url}/oauth2/revoke",
        "logout_url": f"{cloud.url}/logout",
        "redirect_uri": callback_url(cloud),
        "mailbox_url": f"{cloud.url}/mailbox/",
        "console_url": f"{cloud.url}/console/",
        "scopes": {name: f"{stacks['ResourceServerIdentifier']}/{scope}" for name, scope in scope_names().items()},
        "tables": {
            "policies": stacks["PolicyTableName"],
            "state": stacks["StateTableName"],
            "audit": stacks["AuditTableName"],
        },
        "users": {name: {"username": u.address, "password": u.password} for name, u in sample_users().items()},
        "company": registration.outputs(stacks),
        "default_group": Settings({}).default_groups[0],
        **upstream_outputs(stacks, cloud.client("secretsmanager")),
        "environment": _environment(cloud, stacks, jwks_url),
    }


def _environment(cloud: LocalCloud, stacks: Mapping[str, str], jwks_url: str) -> dict[str, str]:
    """Returns the environment of the application under `chalice local`."""
    clients = (stacks[f"{name}ClientId"] for name in ("Web", "Machine", "Sso"))
    return {
        **cloud.credentials(),
        "AWS_ENDPOINT_URL": cloud.url,
        "ISSUER": stacks["Issuer"],
        "JWKS_URL": jwks_url,
        "CLIENT_IDS": ",".join(clients),
        "RESOURCE_SERVER": stacks["ResourceServerIdentifier"],
        "ALLOWED_ORIGINS": stacks.get("AllowedOrigins", ""),
        "UPSTREAM_URL": stacks.get("UpstreamUrl", ""),
        **_tables(stacks),
    }


def scope_names() -> dict[str, str]:
    """Returns the scopes of infra/identity.yaml by the names that `make token` takes: `read` for `order.read`."""
    resources = read_yaml(PROJECT, "infra/identity.yaml")["Resources"]
    scopes = [scope["ScopeName"] for scope in resources["ResourceServer"]["Properties"]["Scopes"]]
    short = [scope.rpartition(".")[2] for scope in scopes]
    return {name if short.count(name) == 1 else scope: scope for name, scope in zip(short, scopes, strict=True)}


def _tables(stacks: Mapping[str, str]) -> dict[str, str]:
    """The settings that name tables, as .chalice/package.json gives them to the functions."""
    resources = json.loads((PROJECT / ".chalice/package.json").read_text(encoding="utf-8"))["Resources"].values()
    environments = [item["Properties"].get("Environment", {}).get("Variables", {}) for item in resources]
    references = {name: value.get("Ref", "") for variables in environments for name, value in variables.items()}
    return {name: stacks[output] for name, output in references.items() if output.endswith("TableName")}


def read_outputs(path: Path) -> dict[str, Any]:
    """Returns the outputs. Raises NotRunning, also if the outputs are those of a killed cloud."""
    try:
        outputs: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        address = urlsplit(outputs["endpoint_url"])
        socket.create_connection(("127.0.0.1", address.port or 80), timeout=2).close()
    except OSError:
        raise NotRunning from None
    return outputs


def published(path: Path) -> dict[str, Any] | None:
    """Returns the outputs, or None if the cloud is not ready."""
    try:
        return read_outputs(path)
    except NotRunning:
        return None

"""Writes and reads `outputs.json`: the addresses and credentials of the running cloud, for other programs."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.cloud import REGION, LocalCloud
from local.install import IDENTITY, api_url, callback_url
from local.seed import USERS


class NotRunning(Exception):
    """No local cloud is running."""

    def __init__(self) -> None:
        super().__init__("The local cloud is not running: start it with `make run` in another terminal.")


def outputs_of(cloud: LocalCloud, stacks: Mapping[str, str]) -> dict[str, Any]:
    """Returns the outputs. The client secret and the passwords are valid in this local cloud only."""
    pool, machine = stacks["UserPoolId"], stacks["MachineClientId"]
    described = cloud.client("cognito-idp").describe_user_pool_client(UserPoolId=pool, ClientId=machine)
    jwks_url = f"{cloud.url}/{pool}/.well-known/jwks.json"
    scopes = stacks["ResourceServerIdentifier"]
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
        "logout_url": f"{cloud.url}/logout",
        "redirect_uri": callback_url(cloud),
        "console_url": f"{cloud.url}/console/",
        "scopes": {"read": f"{scopes}/file.read", "write": f"{scopes}/file.write"},
        "tables": {"policies": stacks["PolicyTableName"], "state": stacks["StateTableName"]},
        "users": {name: {"username": address, "password": password} for name, (_, address, password) in USERS.items()},
        "default_group": "readers",
        # the environment of the application under `chalice local`
        "environment": {
            **cloud.credentials(),
            "AWS_ENDPOINT_URL": cloud.url,
            "ISSUER": stacks["Issuer"],
            "JWKS_URL": jwks_url,
            "CLIENT_IDS": f"{stacks['WebClientId']},{machine}",
            "RESOURCE_SERVER": scopes,
            "POLICY_TABLE": stacks["PolicyTableName"],
            "STATE_TABLE": stacks["StateTableName"],
            "ONBOARDING_TABLE": stacks["OnboardingTableName"],
            "SAMPLE_TABLE": stacks["SampleTableName"],
        },
    }


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

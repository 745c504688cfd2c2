"""`python -m tests.infra.simulated PORT FOLDER` runs an empty simulated AWS account. `deploy` deploys a stage to it.

The stage uses all options: MFA, external providers, a web ACL and a customer managed key.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from infra.package import PROJECT, package
from infra.policy_plan import PolicyFiles
from infra.stacks import Stacks, with_code
from infra.stage import Stage
from local.cloud import LocalCloud
from local.install import add_gateway_responses
from tests.configured import APP
from tests.environment import child_environment

STAGE = Stage(
    name="olympus",
    app=APP,
    region="us-east-1",
    account=None,
    identity={
        "MfaMode": "ON",
        "CallbackUrls": "https://olympus.example/callback",
        "LogoutUrls": "https://olympus.example/",
        "DomainPrefix": "olympus-sign-in",
        "SamlMetadataUrl": "https://parnassus.example/metadata",
        "OidcIssuer": "https://delphi.example",
        "OidcClientId": "olympus-at-delphi",
        "OidcClientSecretArn": "delphi",
        "EnableWaf": "true",
        "UseCustomerKey": "true",
    },
    application={"DefaultGroups": "readers"},
)
APPLICATION = f"{APP}-olympus"


@contextmanager
def account(folder: Path) -> Iterator[LocalCloud]:
    """Runs a simulated account until the context ends."""
    local_cloud = LocalCloud(_free_port(), folder)
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.infra.simulated", str(local_cloud.port), str(folder)],
        cwd=PROJECT,
        env=child_environment(),
    )
    try:
        _wait(local_cloud.port)
        yield local_cloud
    finally:
        server.terminate()
        server.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError("the simulated account did not start")


def deploy(local_cloud: LocalCloud) -> None:
    """Deploys the stage from the packaged application."""
    delphi = '{"client_secret": "known to nobody but Delphi"}'
    local_cloud.client("secretsmanager").create_secret(Name="delphi", SecretString=delphi)
    stacks = Stacks(local_cloud.client("cloudformation"), local_cloud.client("s3"), bucket=f"{APPLICATION}-deploy")
    identity = _identity(stacks, {})
    template, code = package(local_cloud.folder / "build")
    jwks = f"{local_cloud.url}/{identity['UserPoolId']}/.well-known/jwks.json"
    application, _ = stacks.deploy(
        APPLICATION,
        with_code(template, stacks.upload(code, ".zip")),
        {**STAGE.application, "Stage": STAGE.name, **identity, "JwksUrl": jwks},
    )
    api = application["RestAPIId"]
    outputs = _identity(stacks, {"DeployPhase": "complete", "RestApiId": api})
    add_gateway_responses(local_cloud.client("apigateway"), api, STAGE.name, template)
    PolicyFiles(PROJECT / "policies", outputs, local_cloud.client("dynamodb")).apply(overwrite=False)


def _identity(stacks: Stacks, wiring: Mapping[str, str]) -> dict[str, str]:
    template = (PROJECT / "infra/identity.yaml").read_text(encoding="utf-8")
    given = {**STAGE.identity, "AppName": STAGE.app, "Stage": STAGE.name, **wiring}
    return stacks.deploy(STAGE.stack, template, given)[0]


async def run(local_cloud: LocalCloud) -> None:
    from local.front.server import serve

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(local_cloud.port, stop)


if __name__ == "__main__":
    here: Any = LocalCloud(int(sys.argv[1]), Path(sys.argv[2]).resolve())
    here.state.mkdir(parents=True, exist_ok=True)
    os.environ.update(here.environment())  # ministack reads it when it is imported
    asyncio.run(run(here))

"""`python -m tests.infra.simulated PORT FOLDER` runs an empty simulated AWS account. `deploy` deploys a stage to it.

The stage uses all options: MFA, external providers, a web ACL and a customer managed key.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chalicelib.stage_rules import NO_RULES
from infra.application import Package, stage_template
from infra.artifacts import Artifacts
from infra.clients import simulated_keys
from infra.identity_template import identity_template
from infra.package import PROJECT, package
from infra.policy_plan import PolicyFiles
from infra.stacks import Stacks
from infra.stage import Stage
from local.cloud import ACCOUNT, LocalCloud
from tests.configured import APP
from tests.environment import child_environment
from tests.ports import free_port, wait_until_open

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
    application={
        "DefaultGroups": "readers",
        "AllowedOrigins": "https://app.olympus.example",
        "UpstreamUrl": "https://backend.olympus.example",
        "UpstreamSecretArn": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:backend",
    },
)


@contextmanager
def account(folder: Path) -> Iterator[LocalCloud]:
    """Runs a simulated account until the context ends."""
    local_cloud = LocalCloud(free_port(), folder)
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.infra.simulated", str(local_cloud.port), str(folder)],
        cwd=PROJECT,
        env=child_environment(),
    )
    try:
        wait_until_open(local_cloud.port, server)
        yield local_cloud
    finally:
        server.terminate()
        server.wait(30)


def deploy(local_cloud: LocalCloud) -> None:
    """Deploys the stage from the packaged application."""
    delphi = '{"client_secret": "known to nobody but Delphi"}'
    local_cloud.client("secretsmanager").create_secret(Name="delphi", SecretString=delphi)
    local_cloud.client("secretsmanager").create_secret(Name="backend", SecretString="known-to-the-backend")
    cloudformation, template = (
        local_cloud.client("cloudformation"),
        identity_template(PROJECT),
    )
    identity = Stacks(cloudformation).deploy(STAGE.stack, template, STAGE.identity_parameters).outputs
    outputs = {**identity, **simulated_keys(local_cloud.client, identity["UserPoolId"])}
    packaged = Package(*package(local_cloud.folder / "build"))
    artifacts = Artifacts(local_cloud.client("s3"), outputs["ArtifactBucketName"])
    artifacts.store(packaged.bundle, ".zip")
    code = artifacts.uri(packaged.bundle, ".zip")
    Stacks(cloudformation, artifacts).deploy(
        STAGE.application_stack,
        stage_template(packaged.template, code, outputs["ResourceServerIdentifier"], STAGE.application),
        STAGE.application_parameters(outputs),
    )
    PolicyFiles(PROJECT / "policies", outputs, local_cloud.client("dynamodb"), NO_RULES).apply(overwrite=False)


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

"""Deploys Gatehouse to the local cloud as to AWS: the identity stack, and the packaged application."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chalicelib.settings import Settings
from infra.application import Package, stage_template
from infra.artifacts import Artifacts
from infra.clients import simulated_keys
from infra.files import replace_file
from infra.identity_template import identity_template
from infra.package import PROJECT, package
from infra.stacks import Stacks
from local.choices import accept_this_machine, with_upstream_secret
from local.cloud import STAGE, LocalCloud, app_name
from local.company import registration
from local.company.provider import RunningCompany

APPLICATION = f"{app_name()}-{STAGE}"
IDENTITY = f"{APPLICATION}-identity"


def install(
    cloud: LocalCloud,
    company: RunningCompany,
    say: Callable[[str], None],
    mfa: str = "OPTIONAL",
    chosen: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Deploys both stacks, and returns their merged outputs. Registers the company's identity providers.

    mfa     the MfaMode. With ON, also the sample users have to set an authenticator up on the sign-in pages
    chosen  parameters of the application's stack
    """
    say("deploying the identity stack: user pool, clients, groups, tables, roles")
    identity = _deploy_identity(cloud, company, mfa, chosen)
    say("packaging the application")
    template, bundle = package(cloud.folder / "build")
    say("deploying the application stack: API, authorizers, triggers, stream handler")
    chosen = with_upstream_secret(chosen, cloud.client("secretsmanager"), f"{APPLICATION}-upstream")
    application = _deploy_application(cloud, Package(accept_this_machine(template), bundle), identity, chosen)
    return {**identity, **application, **chosen}


def _deploy_identity(
    cloud: LocalCloud, company: RunningCompany, mfa: str, chosen: Mapping[str, str]
) -> Mapping[str, str]:
    """Returns the outputs of the stack."""
    parameters = {
        "Stage": STAGE,
        "MfaMode": mfa,
        "CallbackUrls": ",".join((callback_url(cloud), *(f"{origin}/" for origin in _sign_in_origins(chosen)))),
        "LogoutUrls": callback_url(cloud),
        "DataProtection": "false",
        "ClaimAttribute": "tenant",
        **registration.identity_parameters(company, cloud.client("secretsmanager"), f"{APPLICATION}-oidc"),
    }
    template = registration.accept_this_machine(identity_template(PROJECT))
    return Stacks(cloud.client("cloudformation")).deploy(IDENTITY, template, parameters).outputs


def _deploy_application(
    cloud: LocalCloud, packaged: Package, identity: Mapping[str, str], chosen: Mapping[str, str]
) -> Mapping[str, str]:
    """Returns the outputs of the stack."""
    artifacts = Artifacts(cloud.client("s3"), identity["ArtifactBucketName"])
    artifacts.store(packaged.bundle, ".zip")
    code = artifacts.uri(packaged.bundle, ".zip")
    template = stage_template(packaged.template, code, identity["ResourceServerIdentifier"], chosen)
    parameters = {
        "Stage": STAGE,
        **identity,
        **registration.application_parameters(),
        **simulated_keys(cloud.client, identity["UserPoolId"]),
        **chosen,
    }
    return Stacks(cloud.client("cloudformation"), artifacts).deploy(APPLICATION, template, parameters).outputs


def _sign_in_origins(chosen: Mapping[str, str]) -> list[str]:
    """Returns the allowed origins that Cognito accepts in a callback URL."""
    allowed = Settings({"ALLOWED_ORIGINS": chosen.get("AllowedOrigins", "")}).allowed_origins
    return [origin for origin in allowed if origin.startswith(("https://", "http://localhost"))]


def callback_url(cloud: LocalCloud) -> str:
    return f"{cloud.url}/console/"


def api_url(cloud: LocalCloud, api_id: str) -> str:
    return f"{cloud.url}/_aws/execute-api/{api_id}/{STAGE}"


def write_json(path: Path, content: Any) -> None:
    """Replaces a file. Only its owner can read it."""
    replace_file(path, (json.dumps(content, indent=2) + "\n").encode(), mode=0o600)

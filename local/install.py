"""Deploys Gatehouse to the local cloud as to AWS: the identity stack, and the packaged application."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.application import gateway_responses
from infra.files import replace_file
from infra.package import PROJECT, package
from infra.stacks import Stacks, with_code
from local.cloud import STAGE, LocalCloud, app_name
from local.company import registration
from local.company.provider import RunningCompany

APPLICATION = f"{app_name()}-{STAGE}"
IDENTITY = f"{APPLICATION}-identity"


def install(
    cloud: LocalCloud, company: RunningCompany, say: Callable[[str], None], mfa: str = "OPTIONAL"
) -> dict[str, str]:
    """Deploys both stacks, and returns their merged outputs. Registers the company's identity providers.

    mfa  the MfaMode. With ON, also the sample users have to set an authenticator up on the sign-in pages
    """
    stacks = Stacks(cloud.client("cloudformation"), cloud.client("s3"), bucket=f"{APPLICATION}-deploy")
    identity_template = registration.accept_this_machine((PROJECT / "infra/identity.yaml").read_text(encoding="utf-8"))
    parameters = {
        "Stage": STAGE,
        "MfaMode": mfa,
        "CallbackUrls": callback_url(cloud),
        "LogoutUrls": callback_url(cloud),
        "DataProtection": "false",
        **registration.identity_parameters(company, cloud.client("secretsmanager"), f"{APPLICATION}-oidc"),
    }
    say("deploying the identity stack: user pool, clients, groups, tables, roles")
    identity, _ = stacks.deploy(IDENTITY, identity_template, parameters)
    say("packaging the application")
    template, code = package(cloud.folder / "build")
    say("deploying the application stack: API, authorizers, triggers, stream handler")
    application, _ = stacks.deploy(
        APPLICATION,
        with_code(template, stacks.upload(code, ".zip")),
        # The emulator serves its keys here. Its tokens have the issuer of AWS.
        {
            "Stage": STAGE,
            **identity,
            **registration.application_parameters(),
            "JwksUrl": f"{cloud.url}/{identity['UserPoolId']}/.well-known/jwks.json",
        },
    )
    say("connecting the user pool to its triggers")
    complete = {"DeployPhase": "complete", "RestApiId": application["RestAPIId"]}
    identity, _ = stacks.deploy(IDENTITY, identity_template, {**parameters, **complete})
    add_gateway_responses(cloud.client("apigateway"), application["RestAPIId"], STAGE, template)
    return {**identity, **application}


def add_gateway_responses(apigateway: Any, api_id: str, stage: str, template: str) -> None:
    """Adds the gateway responses of the template to the API, because the emulator's import ignores them."""
    definition = json.loads(template)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    for kind, response in gateway_responses(definition).items():
        apigateway.put_gateway_response(restApiId=api_id, responseType=kind, **response)
    apigateway.create_deployment(restApiId=api_id, stageName=stage)


def callback_url(cloud: LocalCloud) -> str:
    return f"{cloud.url}/console/"


def api_url(cloud: LocalCloud, api_id: str) -> str:
    return f"{cloud.url}/_aws/execute-api/{api_id}/{STAGE}"


def write_json(path: Path, content: Any) -> None:
    """Replaces a file. Only its owner can read it."""
    replace_file(path, (json.dumps(content, indent=2) + "\n").encode(), mode=0o600)

"""Installs Gatehouse in the local cloud as on AWS: the identity stack, and the packaged application."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.application import gateway_responses
from infra.files import replace_file
from infra.package import PROJECT, package
from infra.stacks import Stacks, with_code
from local.cloud import STAGE, LocalCloud

IDENTITY = "gatehouse-local-identity"
APPLICATION = "gatehouse-local"


def install(cloud: LocalCloud, say: Callable[[str], None]) -> dict[str, str]:
    """Bring both stacks up to date; give their outputs, merged."""
    stacks = Stacks(cloud.client("cloudformation"), cloud.client("s3"), bucket="gatehouse-local-deploy")
    identity_template = (PROJECT / "infra/identity.yaml").read_text(encoding="utf-8")
    parameters = {
        "Stage": STAGE,
        "MfaMode": "OPTIONAL",  # sample users sign in without a second factor; anyone may add one
        "CallbackUrls": callback_url(cloud),
        "LogoutUrls": callback_url(cloud),
        "DataProtection": "false",
    }
    say("the identity stack: user pool, clients, groups, tables, roles")
    identity, _ = stacks.deploy(IDENTITY, identity_template, parameters)
    say("the application: packaging")
    template, code = package(cloud.folder / "build")
    say("the application: API, authorizers, triggers, stream handler")
    application, _ = stacks.deploy(
        APPLICATION,
        with_code(template, stacks.upload(code, ".zip")),
        # The emulator's keys are here, though its tokens bear the issuer that AWS would write into them.
        {"Stage": STAGE, **identity, "JwksUrl": f"{cloud.url}/{identity['UserPoolId']}/.well-known/jwks.json"},
    )
    say("tying the user pool to its triggers")
    complete = {"DeployPhase": "complete", "RestApiId": application["RestAPIId"]}
    identity, _ = stacks.deploy(IDENTITY, identity_template, {**parameters, **complete})
    add_gateway_responses(cloud.client("apigateway"), application["RestAPIId"], STAGE, template)
    return {**identity, **application}


def add_gateway_responses(apigateway: Any, api_id: str, stage: str, template: str) -> None:
    """Give the API the error responses that its template defines: the emulator's import leaves them out."""
    definition = json.loads(template)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    for kind, response in gateway_responses(definition).items():
        apigateway.put_gateway_response(restApiId=api_id, responseType=kind, **response)
    apigateway.create_deployment(restApiId=api_id, stageName=stage)


def callback_url(cloud: LocalCloud) -> str:
    return f"{cloud.url}/console/"


def api_url(cloud: LocalCloud, api_id: str) -> str:
    return f"{cloud.url}/_aws/execute-api/{api_id}/{STAGE}"


def write_json(path: Path, content: Any) -> None:
    """Replace a file as a whole, readable by its owner only."""
    replace_file(path, (json.dumps(content, indent=2) + "\n").encode(), mode=0o600)

"""Builds the application's template as `make package` writes it, and runs CloudFormation's SAM transform on it.

`python -m tests.infra.packaged FILE` writes the transformed template, for a scanner.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from authorizers.cognito import PoolAuthorizer, requires
from infra.application import stage_template
from infra.package import package_without_dependencies
from tests.configured import RESOURCE_SERVER, SCOPES
from tests.infra.intrinsics import PSEUDO


def packaged(folder: Path) -> dict[str, Any]:
    """Returns the template that a deployment sends to CloudFormation, with a route of use case 1.

    The function adds the route, because an application can have none.
    """
    packaged_template, _ = package_without_dependencies(folder)
    template: dict[str, Any] = json.loads(stage_template(packaged_template, "s3://bundles/code.zip", RESOURCE_SERVER))
    _add_scoped_route(template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"])
    return template


def _add_scoped_route(definition: dict[str, Any]) -> None:
    authorizer = requires(SCOPES[0])
    assert isinstance(authorizer, PoolAuthorizer)
    definition["securityDefinitions"]["pool"] = authorizer.to_swagger()
    whoami = definition["paths"]["/whoami"]["get"]
    definition["paths"]["/scoped"] = {"get": {**whoami, "security": [{"pool": authorizer.scopes}]}}


def translated(template: Mapping[str, Any], values: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Returns the template after AWS's own SAM translator.

    values  of parameters, as CloudFormation passes them to the translator
    """
    copy = json.loads(json.dumps(template))
    session = boto3.Session(region_name=PSEUDO["AWS::Region"])
    translator = Translator({}, Parser(), boto_session=session)
    written: dict[str, Any] = translator.translate(copy, dict(values or {}))
    translator.metrics.publish()  # publishes nothing; without this call it logs a warning
    return written


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = translated(packaged(Path(folder)))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(written, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

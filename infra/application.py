"""The packaged application, and its CloudFormation template for one stage."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.settings import Settings
from infra.cross_origin import add_origins
from infra.errors import Refused
from infra.upstream import add_upstream


@dataclass(frozen=True)
class Package:
    """The two files of `make package`: the template `sam.json`, and the bundle `deployment.zip` of all functions."""

    template: str
    bundle: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.bundle).hexdigest()


def read_package(folder: Path) -> Package:
    """Reads the files that `make package` wrote. Raises Refused if one is missing."""
    try:
        return Package((folder / "sam.json").read_text(encoding="utf-8"), (folder / "deployment.zip").read_bytes())
    except OSError as error:
        raise Refused(f"--package: {error.filename}: {error.strerror}. Run `make package` first.") from error


def stage_template(packaged: str, code_uri: str, resource_server: str, given: Mapping[str, str] | None = None) -> str:
    """Returns the packaged template for one stage.

    code_uri         the s3:// address of the bundle
    resource_server  prefix of the stage's scopes
    given            parameters of the application's stack

    The API's definition contains literals and not Refs. SAM deploys the API again only if its text changes.
    """
    template, given = json.loads(packaged), given or {}
    definition = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code_uri
    add_upstream(template, given)
    add_origins(definition, Settings({"ALLOWED_ORIGINS": given.get("AllowedOrigins", "")}).allowed_origins)
    for scopes in _scopes(definition):
        scopes[:] = [f"{resource_server}/{scope.rpartition('/')[2]}" for scope in scopes]
    return json.dumps(template, separators=(",", ":"))  # CloudFormation limits the size


def without_value(template: str, given: Mapping[str, str]) -> list[str]:
    """Returns the parameters of a template that have neither a given value nor a default."""
    declared = json.loads(template)["Parameters"]
    return [name for name, parameter in declared.items() if "Default" not in parameter and name not in given]


def _scopes(definition: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yields the scopes of each route with a Cognito authorizer. A name after the last slash is the scope itself."""
    for methods in definition["paths"].values():
        for operation in methods.values():
            for needed in operation.get("security", []):
                yield from needed.values()

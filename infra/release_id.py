"""Identifies a release: the code, the template and the parameters of one deployment. Pure functions of templates.

The release is part of the logical id of each version, so CloudFormation publishes a version if and only if the release
changes. It is also the description of each function, because Lambda refuses to publish a function that did not change.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

RELEASE = "Release"  # in the metadata of the template
_PACKAGE = "Package"

Json = dict[str, Any]


def release_metadata(template: Mapping[str, Any], code_sha256: str) -> dict[str, str]:
    """Returns the metadata that identifies the release of a packaged template with the defaults of its parameters.

    code_sha256  of the bundle
    """
    package = _digest(code_sha256, template)
    return {_PACKAGE: package, RELEASE: _digest(package)}


def with_release(template: str, given: Mapping[str, str]) -> str:
    """Returns the text of a template with the release of these parameters. Returns another template unchanged.

    given  parameters of the deployment; a parameter that the template does not declare is ignored
    """
    try:
        parsed = json.loads(template)
    except json.JSONDecodeError:  # the identity template is YAML
        return template
    metadata = parsed.get("Metadata", {})
    if not {_PACKAGE, RELEASE} <= metadata.keys():
        return template
    declared = parsed.get("Parameters", {})
    values = {name: str(given.get(name, parameter.get("Default", ""))) for name, parameter in declared.items()}
    return template.replace(metadata[RELEASE], _digest(metadata[_PACKAGE], values))


def without_release(template: Mapping[str, Any]) -> Json:
    """Returns a template without metadata, whose logical ids and descriptions name no release, for a comparison."""
    text, release = json.dumps(template), template.get("Metadata", {}).get(RELEASE)
    compared: Json = json.loads(text.replace(release, "") if release else text)
    return {key: value for key, value in compared.items() if key != "Metadata"}


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

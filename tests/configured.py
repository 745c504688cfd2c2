"""The names in the configuration. A fork changes them there, so no test contains them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chalicelib.settings import Settings
from infra.declared_functions import read_functions
from infra.policy_groups import TEMPLATE, template_groups
from infra.templates import read_yaml

PROJECT = Path(__file__).resolve().parents[1]

APP: str = json.loads((PROJECT / ".chalice/config.json").read_text(encoding="utf-8"))["app_name"]
_PARAMETERS = json.loads((PROJECT / ".chalice/package.json").read_text(encoding="utf-8"))["Parameters"]
RESOURCE_SERVER: str = _PARAMETERS["ResourceServerIdentifier"]["Default"]
FUNCTIONS = read_functions(PROJECT)
_RESOURCES = read_yaml(PROJECT, TEMPLATE)["Resources"]
SCOPES: tuple[str, ...] = tuple(scope["ScopeName"] for scope in _RESOURCES["ResourceServer"]["Properties"]["Scopes"])
GROUPS = template_groups({"Resources": _RESOURCES})
(DEFAULT_GROUP,) = Settings({}).default_groups
(PRIVILEGED_GROUP,) = Settings({}).privileged_groups


def group_settings(group: str) -> dict[str, Any]:
    """Returns the precedence and the description of a group in the identity template."""
    properties = next(it["Properties"] for it in _RESOURCES.values() if it["Properties"].get("GroupName") == group)
    return {"Precedence": int(properties["Precedence"]), "Description": properties["Description"]}


def function(stage: str, name: str = "") -> str:
    """Returns the name of a deployed function. Without `name`, or with `api_handler`, it is the API function."""
    return "-".join(part for part in (APP, stage, name) if part not in ("", "api_handler"))

"""The names that the configuration gives. A fork changes them there, and no test repeats them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chalicelib.settings import Settings
from infra.policy_groups import TEMPLATE, template_groups
from infra.templates import read_yaml

PROJECT = Path(__file__).resolve().parents[1]

APP: str = json.loads((PROJECT / ".chalice/config.json").read_text(encoding="utf-8"))["app_name"]
_PARAMETERS = json.loads((PROJECT / ".chalice/package.json").read_text(encoding="utf-8"))["Parameters"]
RESOURCE_SERVER: str = _PARAMETERS["ResourceServerIdentifier"]["Default"]
_RESOURCES = read_yaml(PROJECT, TEMPLATE)["Resources"]
SCOPES: tuple[str, ...] = tuple(scope["ScopeName"] for scope in _RESOURCES["ResourceServer"]["Properties"]["Scopes"])
GROUPS = template_groups({"Resources": _RESOURCES})
(DEFAULT_GROUP,) = Settings({}).default_groups
(PRIVILEGED_GROUP,) = Settings({}).privileged_groups


def group_settings(group: str) -> dict[str, Any]:
    """Returns what the identity template says of a group besides its name."""
    properties = next(it["Properties"] for it in _RESOURCES.values() if it["Properties"].get("GroupName") == group)
    return {"Precedence": int(properties["Precedence"]), "Description": properties["Description"]}


def function(stage: str, name: str = "") -> str:
    """Returns the name of a deployed function; without a name, that of the API."""
    return "-".join(part for part in (APP, stage, name) if part)

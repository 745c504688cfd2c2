"""Runs cfn-lint, which checks the properties of every resource type, but not what they are for."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

REGIONS = ["us-east-1"]  # cfn-lint ships the resource types of this region
SCHEMAS = Path(__file__).with_name("schemas")  # resource types that are newer than the pinned cfn-lint


def complaints(template: Mapping[str, Any]) -> list[str]:
    """Returns the errors and warnings of cfn-lint for a template."""
    return list(complaints_about_text(json.dumps(template)))


@cache  # most values of the parameters do not change the transformed template
def complaints_about_text(template: str) -> tuple[str, ...]:
    # Imported late: the import takes a second, which every test run would pay.
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    settings = ManualArgs(regions=REGIONS, registry_schemas=[str(SCHEMAS)])
    return tuple(f"{match.rule.id} {match.message}" for match in lint(template, config=settings))

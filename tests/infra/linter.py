"""cfn-lint, which knows every property of every resource type, but no intentions."""

import json
from collections.abc import Mapping
from typing import Any

REGIONS = ["us-east-1"]  # the region whose resource types it brings along


def complaints(template: Mapping[str, Any]) -> list[str]:
    """What cfn-lint says of a template: errors and warnings."""
    return complaints_about_text(json.dumps(template))


def complaints_about_text(template: str) -> list[str]:
    # Imported late: it takes a second, which every run of the tests would pay.
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    return [f"{match.rule.id} {match.message}" for match in lint(template, config=ManualArgs(regions=REGIONS))]

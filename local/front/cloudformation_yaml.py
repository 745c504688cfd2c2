"""Parses templates with libyaml. ministack's own parser takes a quarter of a second for each template.

tests/local/test_cloudformation_yaml.py compares the two parsers.
"""

from __future__ import annotations

from typing import Any

import yaml

from local.front.patches import registry


@registry.replaces("ministack.services.cloudformation.engine", "CfnLoader")
def _fast_loader(loader: Any) -> Any:
    """Parses templates with libyaml, if PyYAML has it."""
    fast = getattr(yaml, "CSafeLoader", None)
    return type("CfnLoader", (fast,), {"yaml_constructors": loader.yaml_constructors}) if fast else loader

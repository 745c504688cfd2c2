"""Parses templates by libyaml: ministack's parser takes a quarter of a second each time that a template is read.

ministack offers no seam here; it is pinned, and tests/local/test_cloudformation_yaml.py compares the two parsers.
"""

from __future__ import annotations

import yaml
from ministack.services.cloudformation import engine


def install() -> None:
    """Replace the parser, if PyYAML has libyaml; a second call changes nothing."""
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is not None and not issubclass(engine.CfnLoader, fast):
        engine.CfnLoader = type("CfnLoader", (fast,), {"yaml_constructors": engine.CfnLoader.yaml_constructors})

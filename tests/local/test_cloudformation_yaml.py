"""The patched parser of templates returns the same result as ministack's own parser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.environment import child_environment

PROJECT = Path(__file__).resolve().parents[2]
# In a process of its own: ministack reads its settings when it is imported.
COMPARE = """
import pathlib
from ministack.services.cloudformation import engine
from local.front import cloudformation_yaml
from local.front.patches import registry
text = pathlib.Path("infra/identity.yaml").read_text("utf-8") + "\\nMetadata: {Of: 2026-11-28, Map: !Cidr [a, b]}\\n"
slow_loader, slow = engine.CfnLoader, engine._parse_template(text)
registry.apply()
assert engine.CfnLoader is not slow_loader
assert engine._parse_template(text) == slow
print(slow["Metadata"])
"""


def test_both_parsers_return_the_same_template(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", COMPARE],
        cwd=PROJECT,
        env=child_environment(STATE_DIR=str(tmp_path), PERSIST_STATE="0"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "{'Of': '2026-11-28', 'Map': {'Fn::Cidr': ['a', 'b']}}\n"

"""Finds Node for tests. A developer without Node skips them. CI sets GATEHOUSE_NODE, so they run there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

REQUIRED = "GATEHOUSE_NODE"


def find_node(packages: Path | None = None) -> str:
    """Returns the path of Node. Skips the test if Node or the folder of its packages is missing.

    Fails instead if GATEHOUSE_NODE is set.
    """
    path = shutil.which(os.environ.get(REQUIRED, "node"))
    if path and (packages is None or packages.is_dir()):
        return path
    missing = "the packages are missing, which `make test` installs" if path else "Node 20 or newer is not on PATH"
    if REQUIRED in os.environ:
        pytest.fail(f"{REQUIRED} is set, and {missing}")
    pytest.skip(missing)

"""The distribution of the tests over the workers of pytest-xdist.

The markers of `--dist loadgroup` have no effect with pytest 9: pytest-xdist 3.8 writes the name of the group to
`Item._nodeid`, and pytest no longer reads it. The groups are therefore read from the path of a test.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Folders whose tests share a slow resource, for example a cloud. The longest come first to keep all workers busy.
FOLDERS = ("tests/e2e", "tests/rehearsal", "tests/infra", "tests/packaging", "tests/local")


SLOW_PATHS = ("tests/e2e/", "tests/rehearsal/", "tests/packaging/", "tests/proofs/", "tests/test_install.py")
SLOW_FIXTURES = {"cloud", "target"}  # they start a cloud


def group(nodeid: str) -> str:
    """Returns the group of a test: its folder if its tests share a resource, otherwise its file."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in FOLDERS if file.startswith(f"{folder}/")), file)


def longest_first(item: pytest.Item) -> int:
    found = group(item.nodeid)
    return FOLDERS.index(found) if found in FOLDERS else len(FOLDERS)


def is_slow(item: pytest.Item) -> bool:
    """Returns whether a test is too slow to run after every change."""
    return item.nodeid.startswith(SLOW_PATHS) or not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # no types
    """Assigns each group to one worker, in the order of collection."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)

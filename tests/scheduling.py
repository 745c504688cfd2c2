"""The distribution of the tests over the workers of pytest-xdist.

The marks of `--dist loadgroup` have no effect with pytest 9: pytest-xdist 3.8 writes the name of the group to
`Item._nodeid`, which pytest does not read any more. So the groups are read from the path of a test.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Folders whose tests share something slow, such as a cloud. The longest come first, so that no worker waits for them.
FOLDERS = ("tests/e2e", "tests/rehearsal", "tests/infra", "tests/packaging", "tests/local")


SLOW_FOLDERS = ("tests/e2e/", "tests/rehearsal/", "tests/packaging/", "tests/proofs/")
SLOW_FIXTURES = {"cloud", "target"}  # they start a cloud


def group(nodeid: str) -> str:
    """Returns the name of the group of tests that one worker runs: a folder with something shared, or a file."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in FOLDERS if file.startswith(f"{folder}/")), file)


def longest_first(item: pytest.Item) -> int:
    found = group(item.nodeid)
    return FOLDERS.index(found) if found in FOLDERS else len(FOLDERS)


def is_slow(item: pytest.Item) -> bool:
    """Says whether a test is too slow to be run after every change."""
    return item.nodeid.startswith(SLOW_FOLDERS) or not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


class GroupScheduling(LoadScopeScheduling):
    """Gives every group as a whole to one worker, in the order of collection."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)

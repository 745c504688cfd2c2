"""How the tests share a machine."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process have all the tests of the one local cloud and of Chalice's one bundle, and another the rest."""
    for item in items:
        if {HERE / "e2e", HERE / "packaging"} & set(item.path.parents):
            item.add_marker(pytest.mark.xdist_group("cloud"))

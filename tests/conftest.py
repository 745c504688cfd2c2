"""How the tests share a machine."""

from pathlib import Path

import pytest

END_TO_END = Path(__file__).parent / "e2e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process have all the tests that share the one local cloud, while another runs the rest."""
    for item in items:
        if END_TO_END in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("cloud"))

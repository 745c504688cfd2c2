"""Checks that the shipped code keeps its guarantee under injected faults, on a fixed sample of runs.

`python -m tests.proofs.invalidation_machine MINUTES` runs other samples for that time.
"""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.proofs.invalidation_machine import SETTINGS, Setting, Shipped, explore


@pytest.mark.parametrize("where", SETTINGS.values(), ids=SETTINGS.keys())
def test_the_guarantee_holds_with(where: Setting) -> None:
    counts = explore(Shipped(), where, runs=80, moves=20)
    assert counts["decisions"] > 1000, "the runs contain too few decisions"
    assert counts["failures without a decision"] > 50, "the runs contain too few failures"


def test_the_runs_do_not_depend_on_the_imported_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def counts() -> dict[str, int]:
        return explore(Shipped(), next(iter(SETTINGS.values())), runs=20, moves=20)

    before = counts()
    bystander = ModuleType("bystander")
    bystander.__file__ = str(tmp_path / "bystander.py")
    Path(bystander.__file__).write_text(f"NUMBERS = {list(range(100, 255))}", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "bystander", bystander)

    assert counts() == before

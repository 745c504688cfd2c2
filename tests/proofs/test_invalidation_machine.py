"""The shipped code keeps its promises, whatever goes wrong: a sample, the same at every run.

`python -m tests.proofs.invalidation_machine MINUTES` plays other stories, for as long as wanted.
"""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.proofs.invalidation_machine import SETTINGS, Setting, Shipped, explore


@pytest.mark.parametrize("where", SETTINGS.values(), ids=SETTINGS.keys())
def test_no_promise_is_broken_under(where: Setting) -> None:
    deeds = explore(Shipped(), where, stories=80, moves=20)
    assert deeds["answered"] > 1000, "the stories are about answers"
    assert deeds["failed, and gave no answer"] > 50, "and about failures"


def test_the_stories_do_not_depend_on_what_else_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def played() -> dict[str, int]:
        return explore(Shipped(), next(iter(SETTINGS.values())), stories=20, moves=20)

    before = played()
    bystander = ModuleType("bystander")
    bystander.__file__ = str(tmp_path / "bystander.py")
    Path(bystander.__file__).write_text(f"NUMBERS = {list(range(100, 255))}", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "bystander", bystander)

    assert played() == before

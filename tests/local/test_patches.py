"""The patches of ministack: each is applied once, has a description, and fits the pinned version only."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from local.front.patches import MINISTACK_VERSION, Registry, UnsupportedMinistack, check_version
from tests.environment import child_environment

PROJECT = Path(__file__).resolve().parents[2]
EMULATOR = "an_emulator"


def twice(original: Any, number: int) -> int:
    """Doubles the number."""
    return 2 * int(original(number))


def plus_one(original: Any, number: int) -> int:
    """Adds one."""
    return int(original(number)) + 1


def same(number: int) -> int:
    return number


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = ModuleType(EMULATOR)
    module.function, module.table = same, {"entry": {"create": same}}
    monkeypatch.setitem(sys.modules, EMULATOR, module)
    return module


def test_two_patches_of_one_function_both_apply(emulator: Any) -> None:
    registry = Registry()
    registry.patches(EMULATOR, "function")(twice)
    registry.patches(EMULATOR, "function")(plus_one)
    registry.apply()
    assert emulator.function(3) == 7


def test_a_second_application_of_the_same_patch_has_no_effect(emulator: Any) -> None:
    registry = Registry()
    for wrapper in (twice, plus_one):
        registry.patches(EMULATOR, "table", "entry", "create")(wrapper)
        registry.apply()
    registry.apply()
    assert emulator.table["entry"]["create"](3) == 7


def test_a_replacement_receives_the_current_value(emulator: Any) -> None:
    registry = Registry()
    registry.replaces(EMULATOR, "table", "entry", "create")(lambda present: present(7))
    registry.replaces(EMULATOR, "table", "another", adds=True)(lambda present: present)
    registry.apply()
    assert emulator.table == {"entry": {"create": 7}, "another": None}


@pytest.mark.parametrize("path", [("method",), ("table", "missing"), ("table", "missing", "create")])
def test_a_patch_of_a_missing_name_is_refused(emulator: Any, path: tuple[str, ...]) -> None:
    registry = Registry()
    registry.patches(EMULATOR, *path)(twice)
    with pytest.raises(LookupError, match=f"ministack has no {EMULATOR}.{'.'.join(path)}, which {__name__} patches"):
        registry.apply()


def test_the_patches_apply_to_the_pinned_version() -> None:
    pinned = re.findall(r"^ministack==(.+)$", (PROJECT / "requirements/dev.in").read_text(encoding="utf-8"), re.M)
    assert pinned == [MINISTACK_VERSION]
    check_version()


def test_another_version_of_ministack_is_refused_with_the_remedy() -> None:
    with pytest.raises(UnsupportedMinistack) as refused:
        check_version("9.9.9")
    assert str(refused.value) == (
        f"ministack 9.9.9 is installed, and the local cloud needs version {MINISTACK_VERSION}."
        " To install the locked versions, run `make clean`, then `make run`."
    )


# In a process of its own: ministack reads its settings when it is imported.
LIST = """
import local.front.app
from local.front.patches import registry
registry.apply()
print(*registry.lines(), sep="\\n")
"""


def test_every_patch_is_listed_with_a_description(tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-c", LIST],
        cwd=PROJECT,
        env=child_environment(STATE_DIR=str(tmp_path), PERSIST_STATE="0"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(listed) == len(set(listed)) > 30
    assert [line for line in listed if not re.fullmatch(r"local\.front\.[\w.]+: ministack\.\S+: [A-Z].+\.", line)] == []
    assert "local.front.usernames: ministack.services.cognito._resolve_user: " in "\n".join(listed)

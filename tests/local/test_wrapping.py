"""A function of the emulator can have several wrappers, and each wrapper is applied once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from local.front.wrapping import wrap, wrap_entry


def twice(original: Any, number: int) -> int:
    return 2 * int(original(number))


def plus_one(original: Any, number: int) -> int:
    return int(original(number)) + 1


def same(number: int) -> int:
    return number


def test_two_wrappers_of_one_function_both_apply() -> None:
    module = SimpleNamespace(function=same)
    wrap(module, "function", twice)
    wrap(module, "function", plus_one)
    assert module.function(3) == 7


def test_a_wrapper_is_applied_once_even_below_another_one() -> None:
    table = {"function": same}
    for wrapper in (twice, plus_one, twice, plus_one):
        wrap_entry(table, "function", wrapper)
    assert table["function"](3) == 7

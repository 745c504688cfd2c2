"""A bounded memory forgets what was used longest ago, also when several threads use it."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.lru_cache import LruCache


def remembering(entries: int, *keys: str) -> Memory[str, str]:
    memory: Memory[str, str] = Memory(entries)
    for key in keys:
        memory.put(key, key.upper())
    return memory


def kept(memory: Memory[str, str], *keys: str) -> list[str]:
    return [key for key in keys if memory.get(key) is not None]


def test_what_was_put_is_found_and_nothing_else():
    memory = remembering(2, "a")
    assert memory.get("a") == "A"
    assert memory.get("b") is None


def test_what_is_put_again_replaces_what_was_there():
    memory = remembering(2, "a")
    memory.put("a", "new")
    assert memory.get("a") == "new"


def test_the_oldest_is_forgotten_first():
    assert kept(remembering(2, "a", "b", "c"), "a", "b", "c") == ["b", "c"]


def test_what_was_looked_up_is_not_the_oldest_any_more():
    memory = remembering(2, "a", "b")
    memory.get("a")
    memory.put("c", "C")
    assert kept(memory, "a", "b", "c") == ["a", "c"]


def test_what_was_put_again_is_not_the_oldest_any_more():
    memory = remembering(2, "a", "b", "a", "c")
    assert kept(memory, "a", "b", "c") == ["a", "c"]


def test_looking_for_what_is_not_there_makes_nobody_younger():
    memory = remembering(2, "a", "b")
    memory.get("z")
    memory.put("c", "C")
    assert kept(memory, "a", "b", "c") == ["b", "c"]


@pytest.mark.parametrize("value", ["", 0, (), False])
def test_a_value_that_python_takes_for_false_is_remembered(value):
    memory: Memory[str, object] = Memory(1)
    memory.put("a", value)
    assert memory.get("a") == value


def test_a_memory_of_none_remembers_nothing():
    assert kept(remembering(0, "a", "b"), "a", "b") == []


def test_threads_that_share_a_memory_neither_break_it_nor_make_it_grow():
    memory: Memory[int, int] = Memory(8)

    def use(thread: int) -> None:
        for number in range(2_000):
            key = (number * 7 + thread) % 32
            memory.put(key, key)
            assert memory.get(key) in (None, key)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(use, range(4)))
    finally:
        sys.setswitchinterval(before)
    assert sum(memory.get(key) is not None for key in range(32)) == 8

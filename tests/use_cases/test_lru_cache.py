"""A bounded cache forgets what was used longest ago, also when several threads use it."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.lru_cache import LruCache


def remembering(entries: int, *keys: str) -> LruCache[str, str]:
    cache: LruCache[str, str] = LruCache(entries)
    for key in keys:
        cache.put(key, key.upper())
    return cache


def kept(cache: LruCache[str, str], *keys: str) -> list[str]:
    return [key for key in keys if cache.get(key) is not None]


def test_what_was_put_is_found_and_nothing_else():
    cache = remembering(2, "a")
    assert cache.get("a") == "A"
    assert cache.get("b") is None


def test_what_is_put_again_replaces_what_was_there():
    cache = remembering(2, "a")
    cache.put("a", "new")
    assert cache.get("a") == "new"


def test_the_oldest_is_forgotten_first():
    assert kept(remembering(2, "a", "b", "c"), "a", "b", "c") == ["b", "c"]


def test_what_was_looked_up_is_not_the_oldest_any_more():
    cache = remembering(2, "a", "b")
    cache.get("a")
    cache.put("c", "C")
    assert kept(cache, "a", "b", "c") == ["a", "c"]


def test_what_was_put_again_is_not_the_oldest_any_more():
    cache = remembering(2, "a", "b", "a", "c")
    assert kept(cache, "a", "b", "c") == ["a", "c"]


def test_looking_for_what_is_not_there_makes_nobody_younger():
    cache = remembering(2, "a", "b")
    cache.get("z")
    cache.put("c", "C")
    assert kept(cache, "a", "b", "c") == ["b", "c"]


@pytest.mark.parametrize("value", ["", 0, (), False])
def test_a_value_that_python_takes_for_false_is_remembered(value):
    cache: LruCache[str, object] = LruCache(1)
    cache.put("a", value)
    assert cache.get("a") == value


def test_a_memory_of_none_remembers_nothing():
    assert kept(remembering(0, "a", "b"), "a", "b") == []


def test_threads_that_share_a_memory_neither_break_it_nor_make_it_grow():
    cache: LruCache[int, int] = LruCache(8)

    def use(thread: int) -> None:
        for number in range(2_000):
            key = (number * 7 + thread) % 32
            cache.put(key, key)
            assert cache.get(key) in (None, key)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(use, range(4)))
    finally:
        sys.setswitchinterval(before)
    assert sum(cache.get(key) is not None for key in range(32)) == 8

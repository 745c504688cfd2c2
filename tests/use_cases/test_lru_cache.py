"""A bounded cache evicts the least recently used entry, with several threads as well."""

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


def test_a_cached_value_is_found_only_under_its_key() -> None:
    cache = remembering(2, "a")
    assert cache.get("a") == "A"
    assert cache.get("b") is None


def test_a_second_value_for_a_key_replaces_the_first_value() -> None:
    cache = remembering(2, "a")
    cache.put("a", "new")
    assert cache.get("a") == "new"


def test_the_least_recently_used_entry_is_evicted_first() -> None:
    assert kept(remembering(2, "a", "b", "c"), "a", "b", "c") == ["b", "c"]


def test_a_read_makes_an_entry_the_most_recently_used() -> None:
    cache = remembering(2, "a", "b")
    cache.get("a")
    cache.put("c", "C")
    assert kept(cache, "a", "b", "c") == ["a", "c"]


def test_a_write_makes_an_entry_the_most_recently_used() -> None:
    cache = remembering(2, "a", "b", "a", "c")
    assert kept(cache, "a", "b", "c") == ["a", "c"]


def test_a_read_of_a_missing_key_does_not_change_the_order() -> None:
    cache = remembering(2, "a", "b")
    cache.get("z")
    cache.put("c", "C")
    assert kept(cache, "a", "b", "c") == ["b", "c"]


@pytest.mark.parametrize("value", ["", 0, (), False])
def test_a_falsy_value_is_cached(value: object) -> None:
    cache: LruCache[str, object] = LruCache(1)
    cache.put("a", value)
    assert cache.get("a") == value


def test_a_cache_of_size_0_caches_nothing() -> None:
    assert kept(remembering(0, "a", "b"), "a", "b") == []


def test_a_cache_shared_by_threads_stays_consistent_and_bounded() -> None:
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

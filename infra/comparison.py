"""Compares what AWS returns with what a template says. Templates write numbers and booleans as text."""

import json
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Returns a value in one form: scalars as text, lists sorted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return sorted((plain(item) for item in value), key=json.dumps)
    return value if value is None else str(value)


def same(actual: Any, expected: Any) -> bool:
    """Returns whether two values are equal. The order of lists does not matter."""
    return bool(plain(actual) == plain(expected))


def covers(actual: Any, expected: Any) -> bool:
    """Returns whether `actual` has every expected setting. AWS returns more than was set, and omits empty lists."""
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(covers(actual.get(key), item) for key, item in expected.items())
    return same([] if actual is None and expected == [] else actual, expected)

"""Compares what AWS returns with what a template says. A template can write numbers and booleans as text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_MAX_SHOWN = 200  # characters of a value in a sentence


def plain(value: Any) -> Any:
    """Returns a value in one form: scalars as text, lists sorted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return sorted((plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value if value is None else str(value)


def same(actual: Any, expected: Any) -> bool:
    """Returns whether two values are equal. The order of lists does not matter."""
    return bool(plain(actual) == plain(expected))


def covers(actual: Any, expected: Any) -> bool:
    """Returns whether `actual` has every expected setting. AWS returns more than was set, and omits empty lists."""
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(covers(actual.get(key), item) for key, item in expected.items())
    return same([] if actual is None and expected == [] else actual, expected)


def differing(where: str, actual: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    """Yields a sentence for each setting whose value is not the expected one."""
    for key, setting in expected.items():
        if not covers(actual.get(key), setting):
            yield f"{where}: {key} is {shown(actual.get(key))}. Expected: {shown(setting)}."


def unexpected(kind: str, actual: set[str], expected: set[str], of: str = "") -> Iterator[str]:
    """Yields a sentence for each name that is missing, and for each name that is unexpected.

    kind  of thing that the names belong to
    of    the owner of these things, if it is not obvious
    """
    owner = f" of {of}" if of else ""
    yield from (f"The {kind} {name}{owner} is missing." for name in sorted(expected - actual))
    yield from (f"The {kind} {name}{owner} is unexpected." for name in sorted(actual - expected))


def shown(value: Any) -> str:
    """Formats a value for a sentence, and cuts it if it is long."""
    text = "not set" if value is None else json.dumps(plain(value), ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"

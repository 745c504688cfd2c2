"""Comparing what AWS answers with what a template says, which spells numbers and booleans as text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST = 200  # characters of a value in a sentence


def plain(value: Any) -> Any:
    """Bring a value to one form: scalars as text, lists in one order."""
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
    """Whether two values are the same, in whatever order AWS lists things."""
    return bool(plain(actual) == plain(expected))


def covers(actual: Any, expected: Any) -> bool:
    """Whether everything wanted is there: AWS answers with more than was said, and leaves out empty lists."""
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(covers(actual.get(key), item) for key, item in expected.items())
    return same([] if actual is None and expected == [] else actual, expected)


def differing(where: str, actual: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    """Say of each wanted setting that is another one what it is."""
    for key, setting in expected.items():
        if not covers(actual.get(key), setting):
            yield f"{where}: {key} is {shown(actual.get(key))} instead of {shown(setting)}"


def unexpected(kind: str, actual: set[str], expected: set[str]) -> Iterator[str]:
    """Say what is missing, and what nobody asked for."""
    yield from (f"there is no {kind} {name}" for name in sorted(expected - actual))
    yield from (f"there is another {kind}, {name}" for name in sorted(actual - expected))


def shown(value: Any) -> str:
    """A value as one reads it, cut if it is long."""
    text = "nothing" if value is None else json.dumps(plain(value), ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

"""Compares what AWS returns with what a template says. A template can write numbers and booleans as text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.comparison import covers, plain

_MAX_SHOWN = 200  # characters of a value in a sentence


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

"""Finds example paths of a route: one for each set of path patterns that match the same paths. Pure.

A policy decides on a path only by the patterns that match it. So the decisions on the examples are all the decisions
that any path of the route can get. The search runs the patterns and the template side by side, character by character.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from chalicelib.core.path_pattern import matches

_FRESH = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAX_STEPS = 50_000  # less than half a second; an ordinary policy takes a few hundred

_Positions = frozenset[int]  # where a pattern can stand after the characters read so far
_Template = tuple[str, ...]  # its characters; a parameter is "{}" or "{+}"


class TooManyPatterns(Exception):
    """The patterns and scopes overlap in too many ways to compare the statements on every path of a route."""


def example_paths(template: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """Returns paths of the template, the most ordinary first. Raises TooManyPatterns.

    template  of a route, such as /reports/{id}
    patterns  path patterns, see `path_pattern`
    """
    distinct = tuple(sorted(set(patterns)))
    fresh = next((character for character in _FRESH if not any(character in pattern for pattern in distinct)), "~")
    found: dict[tuple[bool, ...], str] = {}
    for path, states in _paths(_symbols(template), distinct, fresh):
        accepted = tuple(len(pattern) in positions for pattern, positions in zip(distinct, states, strict=True))
        found.setdefault(accepted, path)
    # No pattern names the parameters of an ordinary path, and no `?` counts their characters.
    longest = max(map(len, distinct), default=0)
    filled = "".join(fresh * (longest + 1) if symbol.startswith("{") else symbol for symbol in _symbols(template))
    ordinary = tuple(matches(pattern, filled) for pattern in distinct)
    return tuple(found[accepted] for accepted in sorted(found, key=lambda accepted: accepted != ordinary))


def _symbols(template: str) -> _Template:
    segments = [
        ("{+}",) if part.endswith("+}") else ("{}",) if part.startswith("{") else tuple(part)
        for part in template.split("/")
    ]
    return tuple(symbol for number, part in enumerate(segments) for symbol in (*(["/"] if number else []), *part))


def _paths(template: _Template, patterns: tuple[str, ...], fresh: str) -> Iterator[tuple[str, tuple[_Positions, ...]]]:
    """Yields a path for each reachable state at the end of the template, the shortest first."""
    start = (0, False, "", tuple(_closure(pattern, {0}) for pattern in patterns))
    seen, waiting, steps = {start}, deque([("", start)]), 0
    while waiting:
        path, (at, inside, dots, states) = waiting.popleft()
        if _is_complete(template, at, inside) and (dots not in ("", ".", "..") or path == "/"):
            yield path, states
        for character, place in _steps(template, at, inside, patterns, states, fresh):
            segment = _dots(dots, character, path)
            if segment is None:
                continue
            steps += 1 + sum(map(len, states))
            if steps > _MAX_STEPS:
                raise TooManyPatterns
            after = (*place, segment, tuple(_read(*pair, character) for pair in zip(patterns, states, strict=True)))
            if after not in seen:
                seen.add(after)
                waiting.append((path + character, after))


def _is_complete(template: _Template, at: int, inside: bool) -> bool:
    return at == len(template) or (inside and at == len(template) - 1)


def _steps(
    template: _Template, at: int, inside: bool, patterns: tuple[str, ...], states: tuple[_Positions, ...], fresh: str
) -> Iterator[tuple[str, tuple[int, bool]]]:
    """Yields the next characters that the patterns distinguish, each with the place in the template after it.

    inside  whether the parameter at this place has a character already
    """
    if at == len(template):
        return
    symbol = template[at]
    if not symbol.startswith("{"):
        yield symbol, (at + 1, False)
        return
    named = {pattern[i] for pattern, here in zip(patterns, states, strict=True) for i in here if i < len(pattern)}
    for character in (fresh, *sorted(named - {"*", "?", fresh})):
        if character != "/" or (symbol == "{+}" and inside):
            yield character, (at, True)
    if symbol == "{+}" and inside and "/" not in named:
        yield "/", (at, True)
    if inside and at + 1 < len(template):
        yield template[at + 1], (at + 2, False)


def _dots(dots: str, character: str, path: str) -> str | None:
    """Returns the segment so far if it has only dots, "…" for any other. None for a path that no request has."""
    if character == "/":
        return None if path.endswith("/") or dots in (".", "..") else ""
    return dots + character if character == "." and dots in ("", ".") else "…"


def _read(pattern: str, positions: _Positions, character: str) -> _Positions:
    if not positions:
        return positions
    after = {
        i if pattern[i] == "*" else i + 1 for i in positions if i < len(pattern) and pattern[i] in ("*", "?", character)
    }
    return _closure(pattern, after)


def _closure(pattern: str, positions: set[int]) -> _Positions:
    """Adds the positions behind every `*`, which can match nothing."""
    reached = set(positions)
    for i in sorted(positions):
        while i < len(pattern) and pattern[i] == "*":
            i += 1
            reached.add(i)
    return frozenset(reached)

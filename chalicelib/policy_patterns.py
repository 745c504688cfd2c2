"""Explains path patterns that people write by mistake: regular expressions, queries, templates and URLs."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from chalicelib.core.path_pattern import matches
from chalicelib.core.route import Route
from chalicelib.core.route_paths import example_paths

_EVERYTHING = "/*"
_QUERY = re.compile(r"\?[\w-]*=.*|\?$")
_REGULAR_EXPRESSION = re.compile(r"\.[*+?]|[\[\]\\^$|]|\(.*\)|\w\+$")
_HOST = re.compile(r"https?://[^/]*")


def mistake(pattern: str) -> str | None:
    """Returns what a pattern looks like and what to write instead; None for an ordinary pattern."""
    if _HOST.match(pattern):
        return f"{pattern} looks like a URL. Write only the path: {_HOST.sub('', pattern) or '/'}."
    if "{" in pattern:
        return f"{pattern} looks like a route's template. Write * for a parameter: {re.sub(r'{[^}]*}', '*', pattern)}."
    if _QUERY.search(pattern):
        path = _QUERY.sub("", pattern)
        return f"{pattern} looks like a query. API Gateway decides without the query. Write {path}."
    if _REGULAR_EXPRESSION.search(pattern):
        return f"{pattern} looks like a regular expression. Write * for any characters, and ? for exactly one."
    if not pattern.startswith("/"):
        return f"{pattern} does not begin with a slash. Write /{pattern}."
    if "%" in pattern:
        return f"{pattern} is percent-encoded. Write ? or * in place of such a character."
    if len(pattern) > 1 and pattern.endswith("/"):
        return f"{pattern} ends with a slash. No route ends with a slash. Write {pattern.rstrip('/')}."
    return None


def reaches(pattern: str, route: Route) -> bool:
    """Returns whether the pattern matches a path of the route."""
    return any(matches(pattern, path) for path in example_paths(route.path, [pattern]))


def crossed(pattern: str, reached: Iterable[Route]) -> list[Route]:
    """Returns the routes that a pattern reaches only because its `*` also matches a slash.

    `/*` and `**` say that this is wanted. API Gateway reads `**` as `*`.
    """
    if pattern == _EVERYTHING or "**" in pattern:
        return []
    return [route for route in reached if route.path.count("/") > pattern.count("/")]


def nearest_pattern(pattern: str, routes: Iterable[Route]) -> str | None:
    """Returns the pattern of a route that is spelled like this one."""
    patterns = {re.sub(r"{[^}]*}", "*", route.path).casefold(): re.sub(r"{[^}]*}", "*", route.path) for route in routes}
    near = get_close_matches(pattern.casefold(), patterns, n=1)
    return patterns[near[0]] if near else None

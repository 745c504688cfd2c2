r"""Denies paths of the upstream that two servers can interpret differently. Pure.

API Gateway forwards these paths itself, so no code of the service decides a second time. A REST API decodes a path
parameter before it passes the parameter on. The upstream can therefore receive another path than the one that was
authorized. Servers also read paths in different ways: `//`, `..`, `\` as a slash, a path parameter after `;`, the end
of the path at `#`, a final slash.
Source:  API Gateway Developer Guide, "Important notes for REST APIs"
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from chalicelib.core import origin
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.statement import METHODS, Effect, Statement

PREFIX = "/upstream"
_SAFE = ("GET", "HEAD")

# A pattern that begins with `*` covers every method, see `authorizers.policy_document`.
AMBIGUOUS = Statement(
    sid="ambiguous-path",
    effect=Effect.DENY,
    methods=METHODS,
    paths=tuple(f"*{PREFIX}*{part}*" for part in ("%", "//", "/.", "\\", ";", "#")),
)


def guarded(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Returns the statements, and a statement that denies every ambiguous path of the upstream.

    A Deny that covers a path of the upstream also covers it with a final slash, because many servers read both alike.
    """
    return (*map(_with_final_slash, statements), AMBIGUOUS)


def is_upstream(pattern: str) -> bool:
    """Returns whether a path pattern concerns only paths of the upstream."""
    return pattern == PREFIX or pattern.startswith(f"{PREFIX}/")


def routes(read_scope: str | None = None, write_scope: str | None = None) -> tuple[Route, ...]:
    """Returns the routes of the upstream, sorted by path and method.

    read_scope, write_scope  with one of them, scopes decide instead of policies. A method without its scope has no
                             route
    """
    paths = (PREFIX, f"{PREFIX}/{{proxy+}}")
    if not (read_scope or write_scope):
        return tuple(Route(path, method, Authorizer.POLICIES) for path in paths for method in origin.METHODS)
    scopes = {method: read_scope if method in _SAFE else write_scope for method in origin.METHODS}
    return tuple(
        Route(path, method, Authorizer.SCOPES, (scope,)) for path in paths for method, scope in scopes.items() if scope
    )


def _can_match_upstream(pattern: str) -> bool:
    literal = re.split(r"[*?]", pattern)[0]
    return (
        is_upstream(pattern) or literal.startswith(f"{PREFIX}/") or (literal != pattern and PREFIX.startswith(literal))
    )


def _with_final_slash(statement: Statement) -> Statement:
    if statement.effect is not Effect.DENY:
        return statement
    more = tuple(_other(path) for path in statement.paths if _can_match_upstream(path) and not path.endswith("*"))
    if not more:
        return statement
    paths = tuple(dict.fromkeys((*statement.paths, *more)))
    return replace(statement, paths=paths)


def _other(path: str) -> str:
    return path[:-1] if path.endswith("/") else f"{path}/"

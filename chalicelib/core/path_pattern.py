"""Path patterns: where `*` and `?` match what they match in an API Gateway policy. Pure."""

import re

# No `%`: AWS does not document the form of a percent sign in a method ARN. No `$`, `{` or `}`: they start a policy
# variable.
_ALLOWED = re.compile(r"/[A-Za-z0-9_.~!&'()+,;=:@/*?-]*")


def matches(pattern: str, path: str) -> bool:
    """Returns whether the pattern covers the path. `*` matches any characters, including `/`; `?` matches exactly one.

    The match is greedy and backtracks to the last `*` only. It takes at most len(pattern) x len(path) steps.
    """
    literal, star, rest = pattern.partition("*")
    if "?" not in pattern and not rest:  # the usual pattern: a literal path or a literal prefix
        return path.startswith(literal) if star else path == literal
    at, here, last_star, retry = 0, 0, -1, 0
    while here < len(path):
        if at < len(pattern) and pattern[at] == "*":
            last_star, retry = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", path[here]):
            at, here = at + 1, here + 1
        elif last_star >= 0:
            retry += 1
            at, here = last_star + 1, retry
        else:
            return False
    return not pattern[at:].strip("*")


def check(pattern: str) -> None:
    """Raises ValueError for a pattern that no request path can match or that an ARN cannot hold."""
    if not pattern.startswith("/"):
        raise ValueError("does not begin with a slash")
    if not _ALLOWED.fullmatch(pattern):
        raise ValueError("has a character that a path pattern may not have")
    if "//" in pattern or "." in pattern.split("/") or ".." in pattern.split("/"):
        raise ValueError("has an empty or relative segment, which no request has")

"""The path of a request, from the template of the route that serves it, and its percent-encoding. Pure.

API Gateway's REST APIs hand over paths and path parameters as they were received, percent-encoding included (reported:
aws/chalice #511 and #688, middleapi/standard-server #93).
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

_PARAMETER = re.compile(r"\{(\w+)\+?\}")
# A parameter is a whole segment; a greedy one, which takes several segments, is the last.
_TEMPLATE = re.compile(r"/|(?:/(?:[^/{}%+]+|\{\w+\}))*(?:/\{\w+\+\})?")

_MOST_SPELLINGS = 4
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNSOUND = re.compile(r"//|/\.{1,2}(?:/|$)")
_UNUSUAL = re.compile(r"[%\x00-\x1f\x7f-\x9f]|//|/\.|/$")  # most paths need no closer look


def check_template(template: str) -> None:
    """Raises ValueError for a template that `fill` and API Gateway could read differently."""
    names = _PARAMETER.findall(template)
    if not template or not _TEMPLATE.fullmatch(template):
        raise ValueError("a parameter must be a whole segment, and a greedy one ({name+}) the last segment")
    if len(set(names)) != len(names):
        raise ValueError("two parameters have the same name")


def fill(template: str, parameters: Mapping[str, str]) -> str:
    """Fill the parameters of a request into its route's template. Raises KeyError for one that is missing."""
    return _PARAMETER.sub(lambda found: parameters[found[1]], template)


def decode(text: str) -> str:
    """Decode percent-encoded characters, once. Raises ValueError unless they are UTF-8 without control characters."""
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("is not percent-encoded UTF-8") from None
    if _CONTROL.search(decoded):
        raise ValueError("holds a control character")
    return decoded


def spellings(path: str) -> tuple[str, ...]:
    """List every path that a view may take a request's path for: as it is, and decoded until nothing changes.

    Raises:  ValueError for a path that no sound request has
    """
    if not _UNUSUAL.search(path):
        return (path,)
    found = [path]
    while "%" in path and (decoded := decode(path)) != path:
        path = decoded
        found.append(path)
        if len(found) > _MOST_SPELLINGS:
            raise ValueError("is percent-encoded too many times")
    for spelling in found:
        if _CONTROL.search(spelling) or _UNSOUND.search(spelling):
            raise ValueError("holds a control character, or an empty or relative segment")
    return (*found, *(spelling.removesuffix("/") for spelling in found if spelling.endswith("/") and spelling != "/"))

"""Builds the path of a request from its route's template, and decodes its percent-encoding. Pure.

A REST API of API Gateway passes paths and path parameters on as received, still percent-encoded (reported in
aws/chalice #511 and #688, middleapi/standard-server #93).
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

_PARAMETER = re.compile(r"\{(\w+)\+?\}")
# A parameter is a whole segment. A greedy parameter matches several segments and must be the last one.
_TEMPLATE = re.compile(r"/|(?:/(?:[^/{}%+]+|\{\w+\}))*(?:/\{\w+\+\})?")

_MAX_SPELLINGS = 4
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNSOUND = re.compile(r"//|/\.{1,2}(?:/|$)")
_UNUSUAL = re.compile(r"[%\x00-\x1f\x7f-\x9f]|//|/\.|/$")  # a path without a match needs no further checks


def check_template(template: str) -> None:
    """Raises ValueError for a template that `fill` and API Gateway could interpret differently."""
    names = _PARAMETER.findall(template)
    if not template or not _TEMPLATE.fullmatch(template):
        raise ValueError("a parameter must be a whole segment, and a greedy one ({name+}) the last segment")
    if len(set(names)) != len(names):
        raise ValueError("two parameters have the same name")


def fill(template: str, parameters: Mapping[str, str]) -> str:
    """Returns the template with the parameters of a request filled in. Raises KeyError for a missing parameter."""
    return _PARAMETER.sub(lambda found: parameters[found[1]], template)


def decode(text: str) -> str:
    """Percent-decodes once. Raises ValueError unless the result is UTF-8 without control characters."""
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("is not percent-encoded UTF-8") from None
    if _CONTROL.search(decoded):
        raise ValueError("holds a control character")
    return decoded


def spellings(path: str) -> tuple[str, ...]:
    """Returns every path that a view can derive from the received path: the path itself and each decoded form of it.

    Raises:  ValueError for a path with a control character, an empty segment or a relative segment
    """
    if not _UNUSUAL.search(path):
        return (path,)
    found = [path]
    while "%" in path and (decoded := decode(path)) != path:
        path = decoded
        found.append(path)
        if len(found) > _MAX_SPELLINGS:
            raise ValueError("is percent-encoded too many times")
    for spelling in found:
        if _CONTROL.search(spelling) or _UNSOUND.search(spelling):
            raise ValueError("holds a control character, or an empty or relative segment")
    return (*found, *(spelling.removesuffix("/") for spelling in found if spelling.endswith("/") and spelling != "/"))

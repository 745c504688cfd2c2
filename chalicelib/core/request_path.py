"""The path of a request, from the template of the route that serves it. Pure."""

import re
from collections.abc import Mapping

_PARAMETER = re.compile(r"\{(\w+)\+?\}")
# A parameter is a whole segment; a greedy one, which takes several segments, is the last.
_TEMPLATE = re.compile(r"/|(?:/(?:[^/{}%+]+|\{\w+\}))*(?:/\{\w+\+\})?")


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

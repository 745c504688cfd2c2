"""A route of the API: its method, its path template and its authorizer. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_PARAMETER = re.compile(r"\\\{\w+(\\\+)?\\\}")


class Authorizer(StrEnum):
    """What decides on the requests of a route."""

    NONE = "none"
    SCOPES = "scopes"
    POLICIES = "policies"


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """One method of one path template, such as `/reports/{id}`.

    scopes  for `Authorizer.SCOPES`: a token must carry one of them
    """

    path: str
    method: str
    authorizer: Authorizer
    scopes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form."""
        return {
            "method": self.method,
            "path": self.path,
            "authorizer": self.authorizer.value,
            "scopes": list(self.scopes),
            "public": self.authorizer is Authorizer.NONE,
        }

    def covers(self, path: str) -> bool:
        """Returns whether a request with this path can reach the route. A parameter has at least one character."""
        pattern = _PARAMETER.sub(lambda found: ".+" if found[1] else "[^/]+", re.escape(self.path))
        return re.fullmatch(pattern, path, re.DOTALL) is not None


def find_route(routes: Iterable[Route], method: str, path: str) -> Route | None:
    """Returns the route that API Gateway selects. A literal segment takes precedence over a parameter.

    Source:  docs.aws.amazon.com/apigateway → "Set up REST API methods": the most specific resource is selected
    """
    covering = [route for route in routes if route.method == method and route.covers(path)]
    return min(covering, key=_generality, default=None)


def _generality(route: Route) -> list[int]:
    return [2 if segment.endswith("+}") else int(segment.startswith("{")) for segment in route.path.split("/")]

"""Describes the body, the query and the answer of a route, for the OpenAPI document.

A form is a TypedDict. The parser of a body takes its field names from the form (`request_body.fields_of`), so the
document and the service agree on them. A route without a description is in the document with its path and authorizer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NotRequired, Required, TypeVar, get_origin, get_type_hints

View = TypeVar("View", bound=Callable[..., Any])
_ATTRIBUTE = "description_of_the_route"


@dataclass(frozen=True, slots=True)
class Description:
    """The request and the response of a route. `json_schema` lists the possible types.

    body      the form of the request's body; None if the route takes no body
    optional  whether the caller can omit the body
    path      a TypedDict with the path parameters that accept only certain texts
    query     a TypedDict with the parameters of the query string; None if the route takes no parameter
    answer    the form of the response with the status `status`; None for a response without content
    errors    further error statuses. The authorizer, the parameters and the body imply the common ones
    """

    body: Any = None
    optional: bool = False
    path: Any = None
    query: Any = None
    answer: Any = None
    status: int = 200
    errors: tuple[int, ...] = ()


def describe(**what: Any) -> Callable[[View], View]:
    """Returns a decorator that attaches a Description. Write it below the decorator of the route."""
    description = Description(**what)

    def attach(view: View) -> View:
        setattr(view, _ATTRIBUTE, description)
        return view

    return attach


def description_of(view: Callable[..., Any]) -> Description | None:
    """Returns the description of a view, or None."""
    found: Description | None = getattr(view, _ATTRIBUTE, None)
    return found


@cache
def required_fields(form: Any) -> frozenset[str]:
    """Returns the names of the fields of a TypedDict that must be present.

    `__required_keys__` alone is wrong in a module with `from __future__ import annotations`.
    """
    kinds = {name: get_origin(hint) for name, hint in get_type_hints(form, include_extras=True).items()}
    return frozenset(
        name
        for name, kind in kinds.items()
        if kind is Required or (name in form.__required_keys__ and kind is not NotRequired)
    )

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
    """What a route takes and answers. Types are those that `json_schema` accepts.

    body      of the request; None: no body
    optional  whether the request can be without a body
    path      the types of parameters of the path that are not any text, a TypedDict
    query     the parameters of the query string, a TypedDict; None: none
    answer    of the status `status`; None: no content
    errors    statuses of this route besides those that follow from its authorizer, parameters and body
    """

    body: Any = None
    optional: bool = False
    path: Any = None
    query: Any = None
    answer: Any = None
    status: int = 200
    errors: tuple[int, ...] = ()


def describe(**what: Any) -> Callable[[View], View]:
    """Returns a decorator that attaches a Description. It stands below the decorator of the route."""
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

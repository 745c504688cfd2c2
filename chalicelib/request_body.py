"""Reads a request: its caller, its query string, and its body: strict JSON with exactly the fields of a form."""

import re
from collections.abc import Collection, Mapping
from typing import Any, cast

from chalice.app import Request

from chalicelib.core import strict_json
from chalicelib.core.errors import InvalidInput, TooLarge
from chalicelib.describe import required_fields


def read_json(request: Request, most_bytes: int | None = None) -> Any:
    """Returns the body of a request as a JSON value. Raises InvalidInput, and TooLarge above `most_bytes`."""
    body = cast(bytes, request.raw_body)
    if most_bytes is not None and len(body) > most_bytes:
        raise TooLarge("body", f"{len(body)} bytes, at most {most_bytes} are accepted")
    try:
        return strict_json.parse(body)
    except ValueError as error:
        raise InvalidInput("body", f"is not JSON: {error}") from None


def read_optional_json(request: Request, most_bytes: int) -> Any:
    """Returns the body of a request as `read_json` does, and an empty object for a request without a body."""
    return read_json(request, most_bytes) if request.raw_body else {}


def caller_id(request: Request) -> str:
    """Returns the `sub` or the client id that the authorizer gave."""
    return cast(str, request.context["authorizer"]["principalId"])


def fields(body: Any, required: Collection[str] = (), optional: Collection[str] = ()) -> Mapping[str, Any]:
    """Returns the fields of a JSON object. Raises InvalidInput for an unknown field and for a missing field."""
    if not isinstance(body, Mapping):
        raise InvalidInput("body", "expected a JSON object")
    for name in sorted(set(body) - set(required) - set(optional)):
        raise InvalidInput(name, "there is no such field")
    for name in sorted(set(required) - set(body)):
        raise InvalidInput(name, "is missing")
    return body


def fields_of(body: Any, form: Any) -> Mapping[str, Any]:
    """Returns the fields of a JSON object as `fields` does. The form, a TypedDict, names them."""
    required = required_fields(form)
    return fields(body, required, form.__annotations__.keys() - required)


def query_of(query: Any, form: Any) -> Mapping[str, str]:
    """Returns the parameters of a query string, each at most once. Raises InvalidInput.

    query  Chalice's MultiDict; None without a query string
    form   a TypedDict that names the parameters
    """
    read = fields_of({name: query.getlist(name) for name in query or {}}, form)
    for name, values in read.items():
        if len(values) != 1:
            raise InvalidInput(name, "expected one value")
    return {name: values[0] for name, values in read.items()}


def page_size(read: Mapping[str, str], default: int, largest: int) -> int:
    """Returns the parameter `limit` of a query string: a number from 1 to `largest`. Raises InvalidInput."""
    limit = read.get("limit", str(default))
    if not re.fullmatch(f"[0-9]{{1,{len(str(largest))}}}", limit) or not 1 <= int(limit) <= largest:
        raise InvalidInput("limit", f"expected a number from 1 to {largest}")
    return int(limit)


def flag(read: Mapping[str, Any], name: str) -> bool:
    """Returns an optional field that is true or false. A missing field is false. Raises InvalidInput."""
    value = read.get(name, False)
    if not isinstance(value, bool):
        raise InvalidInput(name, "expected true or false")
    return value


def texts(body: Any, form: Any) -> dict[str, str]:
    """Returns the fields of a JSON object that has exactly the fields of a form, each of them a text.

    form     a TypedDict
    Raises:  InvalidInput
    """
    read = fields(body, optional=form.__annotations__)
    for name in form.__annotations__:  # in their order
        if not isinstance(read.get(name), str):
            raise InvalidInput(name, "expected a text")
    return dict(read)

"""The JSON form of a policy's statements: parsing with every check of the form, and writing. Pure.

The size of a policy is not checked here. It depends on API Gateway's ARNs: see `authorizers/policy_document.py`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.core import path_pattern, strict_json
from chalicelib.core.errors import InvalidInput
from chalicelib.core.statement import METHODS, Effect, Statement

_MAX_STATEMENTS = 100
SHORTEST_SIGN_IN, LONGEST_SIGN_IN = 60, 2_592_000  # seconds: one minute, 30 days
_LONGEST = 150_000  # characters; two texts of this length fit into one item of DynamoDB
_SID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")


def parse_statements(value: Any) -> tuple[Statement, ...]:
    """Returns the statements of a parsed JSON value. Raises InvalidInput, which names the first invalid field."""
    if not isinstance(value, list):
        raise InvalidInput("statements", f"expected a list, got {_kind(value)}")
    if len(value) > _MAX_STATEMENTS:
        raise InvalidInput("statements", f"{len(value)} statements, at most {_MAX_STATEMENTS} are allowed")
    statements = tuple(_statement(item, number) for number, item in enumerate(value))
    _refuse_duplicates("statements", [statement.sid for statement in statements], "the sid")
    size = len(to_json(statements))
    if size > _LONGEST:
        raise InvalidInput("statements", f"{size} characters of JSON, at most {_LONGEST} are allowed")
    return statements


def read_statements(text: str) -> tuple[Statement, ...] | None:
    """Returns the statements of the stored form, or None for another text, or one that is too long."""
    if len(text) > _LONGEST:
        return None
    try:
        return parse_statements(strict_json.parse(text.encode()))
    except (ValueError, InvalidInput):
        return None


def to_json(statements: Iterable[Statement]) -> str:
    """Returns the stored form, one JSON string. `parse_statements` returns equal statements for it."""
    return json.dumps([as_dict(statement) for statement in statements], separators=(",", ":"))


def as_dict(statement: Statement) -> dict[str, Any]:
    return {
        "sid": statement.sid,
        "effect": statement.effect.value,
        "methods": ["*"] if statement.methods == METHODS else list(statement.methods),
        "paths": list(statement.paths),
        **({"scopes": list(statement.scopes)} if statement.scopes else {}),
        **({} if statement.signed_in_within is None else {"signed_in_within": statement.signed_in_within}),
    }


def _statement(item: Any, number: int) -> Statement:
    field = f"statements[{number}]"
    if not isinstance(item, Mapping):
        raise InvalidInput(field, f"expected an object, got {_kind(item)}")
    unknown = sorted(set(item) - {"sid", "effect", "methods", "paths", "scopes", "signed_in_within"})
    if unknown:
        raise InvalidInput(f"{field}.{unknown[0]}", "there is no such field")
    return Statement(
        sid=_sid(item, number),
        effect=_effect(item, field),
        methods=_methods(item, f"{field}.methods"),
        paths=_paths(item, f"{field}.paths"),
        scopes=_scopes(item, f"{field}.scopes"),
        signed_in_within=_signed_in_within(item, f"{field}.signed_in_within"),
    )


def _sid(item: Mapping[str, Any], number: int) -> str:
    sid = item.get("sid", f"statement{number + 1}")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise InvalidInput(f"statements[{number}].sid", "expected 1 to 64 letters, digits or any of _.:-")
    return sid


def _effect(item: Mapping[str, Any], field: str) -> Effect:
    value = item.get("effect")
    if value not in ("Allow", "Deny"):
        raise InvalidInput(f"{field}.effect", f"expected Allow or Deny, got {_shown(value)}")
    return Effect(value)


def _methods(item: Mapping[str, Any], field: str) -> tuple[str, ...]:
    methods = _texts(item, "methods", field)
    for number, method in enumerate(methods):
        if method not in (*METHODS, "*"):
            raise InvalidInput(f"{field}[{number}]", f"{_shown(method)} is neither an HTTP method in upper case nor *")
    if "*" in methods:
        return METHODS
    return methods


def _paths(item: Mapping[str, Any], field: str) -> tuple[str, ...]:
    paths = _texts(item, "paths", field)
    for number, path in enumerate(paths):
        try:
            path_pattern.check(path)
        except ValueError as error:
            raise InvalidInput(f"{field}[{number}]", f"{_shown(path)} {error}") from None
    return paths


def _scopes(item: Mapping[str, Any], field: str) -> tuple[str, ...]:
    if "scopes" not in item:
        return ()
    scopes = _texts(item, "scopes", field)
    for number, scope in enumerate(scopes):
        if not _SCOPE.fullmatch(scope):
            raise InvalidInput(f"{field}[{number}]", f"{_shown(scope)} is not a scope")
    return scopes


def _signed_in_within(item: Mapping[str, Any], field: str) -> int | None:
    if "signed_in_within" not in item:
        return None
    value = item["signed_in_within"]
    if type(value) is not int or not SHORTEST_SIGN_IN <= value <= LONGEST_SIGN_IN:
        raise InvalidInput(field, f"expected a whole number of seconds from {SHORTEST_SIGN_IN} to {LONGEST_SIGN_IN}")
    if item["effect"] != Effect.ALLOW:
        # A Deny that ends with time would permit more to an old sign-in than to a recent one.
        raise InvalidInput(field, "only an Allow can require a recent sign-in. Remove this field")
    return value


def _texts(item: Mapping[str, Any], name: str, field: str) -> tuple[str, ...]:
    value = item.get(name)
    if not isinstance(value, list) or not value:
        raise InvalidInput(field, f"expected a list with at least one string, got {_shown(value)}")
    for number, text in enumerate(value):
        if not isinstance(text, str):
            raise InvalidInput(f"{field}[{number}]", f"expected a string, got {_kind(text)}")
    _refuse_duplicates(field, value, "the entry")
    return tuple(value)


def _refuse_duplicates(field: str, texts: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            raise InvalidInput(field, f"{what} {_shown(text)} appears twice")
        seen.add(text)


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, default=_kind)
    except RecursionError:  # Python parses a deeper value than it writes
        return _kind(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)

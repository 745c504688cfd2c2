"""What a group or a machine may do: statements, read from their JSON form and checked. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.core import group_name
from chalicelib.core.errors import InvalidInput

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# API Gateway takes ARNs of 512 characters in a policy, and 8 KB of authorizer result is what its documentation promises
# anywhere. When it is written, a policy is measured with the longest beginning of an ARN (arn:aws-us-gov:…/stage/, the
# stage's name having up to 28 characters) and the longest names of a holder.
MAX_ARN_CHARACTERS = 512
MAX_DOCUMENT_BYTES = 8192
LONGEST_ARN_BASE = 96
_LONGEST_NAMES = 1152

_MAX_STATEMENTS = 100
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_CLIENT_ID = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
# What a path may be made of, and the two wildcards. No `%`, whose form in a method ARN AWS does not document; no `$`,
# `{` and `}`, which would begin a policy variable.
_PATH = re.compile(r"/[A-Za-z0-9_.~!&'()+,;=:@/*?-]*")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Statement:
    """One rule. It counts only for tokens that carry one of `scopes`, unless `scopes` is empty.

    methods   HTTP verbs, `*` written out
    paths     `*` stands for any characters, `/` among them; `?` for exactly one: as in API Gateway's policies
    """

    sid: str
    effect: Effect
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    scopes: tuple[str, ...] = ()

    def covers(self, method: str, path: str) -> bool:
        return method in self.methods and any(_matches(pattern, path) for pattern in self.paths)

    def counts_for(self, scopes: frozenset[str]) -> bool:
        return not self.scopes or not scopes.isdisjoint(self.scopes)


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of one subject (`group:<name>` or `client:<app client id>`), as stored."""

    subject: str
    version: int
    statements: tuple[Statement, ...]
    updated_by: str
    updated_at: str


def _matches(pattern: str, path: str) -> bool:
    """Match greedily, stepping back to the last `*` only: no pattern takes more than pattern x path steps."""
    literal, star, rest = pattern.partition("*")
    if "?" not in pattern and not rest:  # most patterns: a literal, or a beginning
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


def check_subject(subject: str) -> str:
    """Give back a well-formed subject. Raises InvalidInput."""
    kind, _, name = subject.partition(":")
    if kind == "group" and not group_name.is_group_name(name):
        raise InvalidInput("subject", f"{subject[:80]!r} does not name a group: expected {group_name.EXPECTED}")
    if kind not in ("group", "client") or (kind == "client" and not _CLIENT_ID.fullmatch(name)):
        raise InvalidInput("subject", f"{subject[:80]!r} is neither group:<name> nor client:<app client id>")
    return subject


def parse_statements(value: Any) -> tuple[Statement, ...]:
    """Check the JSON form of a policy's statements, whole or not at all. Raises InvalidInput."""
    if not isinstance(value, list):
        raise InvalidInput("statements", f"expected a list, got {_kind(value)}")
    if len(value) > _MAX_STATEMENTS:
        raise InvalidInput("statements", f"{len(value)} statements, at most {_MAX_STATEMENTS} are allowed")
    statements = tuple(_statement(item, number) for number, item in enumerate(value))
    _refuse_duplicates("statements", [statement.sid for statement in statements], "the sid")
    size = document_bytes(statements)
    if size > MAX_DOCUMENT_BYTES:
        excess = size - MAX_DOCUMENT_BYTES
        raise InvalidInput("statements", f"{size} bytes as a document, {excess} over the {MAX_DOCUMENT_BYTES} allowed")
    return statements


def to_json(statements: Iterable[Statement]) -> str:
    """The stored form: one JSON string, which `parse_statements` reads back to equal statements."""
    return json.dumps([as_dict(statement) for statement in statements], separators=(",", ":"))


def as_dict(statement: Statement) -> dict[str, Any]:
    return {
        "sid": statement.sid,
        "effect": statement.effect.value,
        "methods": ["*"] if statement.methods == METHODS else list(statement.methods),
        "paths": list(statement.paths),
        **({"scopes": list(statement.scopes)} if statement.scopes else {}),
    }


def document_bytes(statements: Sequence[Statement]) -> int:
    """At most how many bytes the statements take as an authorizer's result: as ARNs, and once more in its context."""
    resources: set[tuple[Effect, str, str]] = set()
    rules: set[tuple[Effect, tuple[str, ...], str]] = set()
    for statement in statements:
        for path in statement.paths:
            rules.add((statement.effect, statement.methods, path))
            resources.update((statement.effect, method, path) for method in statement.methods)
    as_arns = sum(LONGEST_ARN_BASE + len(method) + len(path) + 3 for _, method, path in resources)
    in_context = sum(len(effect) + len(",".join(methods)) + len(path) + 3 for effect, methods, path in rules)
    return _LONGEST_NAMES + as_arns + in_context


def _statement(item: Any, number: int) -> Statement:
    field = f"statements[{number}]"
    if not isinstance(item, Mapping):
        raise InvalidInput(field, f"expected an object, got {_kind(item)}")
    unknown = sorted(set(item) - {"sid", "effect", "methods", "paths", "scopes"})
    if unknown:
        raise InvalidInput(f"{field}.{unknown[0]}", "there is no such field")
    return Statement(
        sid=_sid(item, number),
        effect=_effect(item, field),
        methods=_methods(item, f"{field}.methods"),
        paths=_paths(item, f"{field}.paths"),
        scopes=_scopes(item, f"{field}.scopes"),
    )


def _sid(item: Mapping[str, Any], number: int) -> str:
    sid = item.get("sid", f"statement{number + 1}")
    if not isinstance(sid, str) or not _NAME.fullmatch(sid):
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
            raise InvalidInput(f"{field}[{number}]", f"{_shown(method)} is no HTTP method (upper case) and not *")
    if "*" in methods:
        return METHODS
    return methods


def _paths(item: Mapping[str, Any], field: str) -> tuple[str, ...]:
    paths = _texts(item, "paths", field)
    longest = MAX_ARN_CHARACTERS - LONGEST_ARN_BASE - max(map(len, METHODS))
    for number, path in enumerate(paths):
        here = f"{field}[{number}]"
        if not path.startswith("/"):
            raise InvalidInput(here, f"{_shown(path)} does not begin with a slash")
        if not _PATH.fullmatch(path):
            raise InvalidInput(here, f"{_shown(path)} has a character that a path pattern may not have")
        if "//" in path or "." in path.split("/") or ".." in path.split("/"):
            raise InvalidInput(here, f"{_shown(path)} has an empty or relative segment, which no request has")
        if len(path) > longest:
            raise InvalidInput(here, f"{len(path)} characters, {len(path) - longest} over the {longest} an ARN leaves")
    return paths


def _scopes(item: Mapping[str, Any], field: str) -> tuple[str, ...]:
    if "scopes" not in item:
        return ()
    scopes = _texts(item, "scopes", field)
    for number, scope in enumerate(scopes):
        if not _SCOPE.fullmatch(scope):
            raise InvalidInput(f"{field}[{number}]", f"{_shown(scope)} is not a scope")
    return scopes


def _texts(item: Mapping[str, Any], name: str, field: str) -> tuple[str, ...]:
    value = item.get(name)
    if not isinstance(value, list) or not value:
        raise InvalidInput(field, f"expected a list with at least one text, got {_shown(value)}")
    for number, text in enumerate(value):
        if not isinstance(text, str):
            raise InvalidInput(f"{field}[{number}]", f"expected a text, got {_kind(text)}")
    _refuse_duplicates(field, value, "the entry")
    return tuple(value)


def _refuse_duplicates(field: str, texts: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            raise InvalidInput(field, f"{what} {_shown(text)} appears twice")
        seen.add(text)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=_kind)
    return text if len(text) <= 80 else text[:77] + "..."


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)

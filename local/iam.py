"""Evaluates an authorizer's policy document as API Gateway does. Pure. Refuses elements whose effect is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

INVOKE = "execute-api:invoke"
LONGEST_RESOURCE = 512  # characters: API Gateway's limit for one ARN

_DOCUMENT_KEYS = {"Version", "Id", "Statement"}
_STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource"}
_VERSIONS = ("2012-10-17", "2008-10-17", None)


class UnsupportedPolicy(ValueError):
    """A policy document contains an element whose effect on API Gateway is unknown."""


class Effect(Enum):
    """The effect of a statement on the requests that it covers."""

    ALLOW = "Allow"
    DENY = "Deny"


class Verdict(Enum):
    """The decision of a policy on one request. Only ALLOWED admits it. SILENT means that no statement covers it."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Its actions are in lower case: IAM ignores the case of actions, but not of resources."""

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def covers(self, method_arn: str) -> bool:
        """Returns whether the statement covers the invocation of this method."""
        return any(_matches(action, INVOKE) for action in self.actions) and any(
            _matches(resource, method_arn) for resource in self.resources
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of one document."""

    statements: tuple[Statement, ...]

    def verdict_on(self, method_arn: str) -> Verdict:
        """Evaluates one request. An explicit Deny overrides any Allow."""
        effects = {statement.effect for statement in self.statements if statement.covers(method_arn)}
        if Effect.DENY in effects:
            return Verdict.DENIED
        return Verdict.ALLOWED if Effect.ALLOW in effects else Verdict.SILENT


def read_policy(document: object) -> Policy:
    """Reads a policy document completely, also the statements that do not cover the request.

    Raises:  UnsupportedPolicy
    """
    fields = _object(document, "the policy document", _DOCUMENT_KEYS)
    if fields.get("Version") not in _VERSIONS:
        raise UnsupportedPolicy(f"Version is {fields['Version']!r}")
    if "Statement" not in fields:
        raise UnsupportedPolicy("the policy document has no Statement")
    statements = fields["Statement"]
    return Policy(tuple(_statement(s) for s in (statements if isinstance(statements, list) else [statements])))


def _statement(value: object) -> Statement:
    fields = _object(value, "a statement", _STATEMENT_KEYS)
    if missing := {"Effect", "Action", "Resource"} - fields.keys():
        raise UnsupportedPolicy(f"a statement has no {', '.join(sorted(missing))}")
    if fields["Effect"] not in ("Allow", "Deny"):
        raise UnsupportedPolicy(f"Effect is {fields['Effect']!r}, expected Allow or Deny")
    resources = _patterns(fields["Resource"], "Resource")
    for resource in resources:
        if resource != "*" and not resource.startswith("arn:"):
            raise UnsupportedPolicy(f"Resource {resource!r} is not an ARN")
        if len(resource) > LONGEST_RESOURCE:
            raise UnsupportedPolicy(f"a Resource has {len(resource)} characters, the limit is {LONGEST_RESOURCE}")
    actions = tuple(action.lower() for action in _patterns(fields["Action"], "Action"))
    return Statement(Effect(fields["Effect"]), actions, resources)


def _object(value: object, name: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnsupportedPolicy(f"{name} is a {type(value).__name__}, expected an object")
    if unknown := value.keys() - known:
        raise UnsupportedPolicy(f"{name} has {', '.join(sorted(map(str, unknown)))}")
    return value


def _patterns(value: object, name: str) -> tuple[str, ...]:
    patterns = value if isinstance(value, list) else [value]
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise UnsupportedPolicy(f"{name} contains a {type(pattern).__name__}, expected text")
        if "${" in pattern:
            raise UnsupportedPolicy(f"{name} {pattern!r} contains a policy variable")
    return tuple(patterns)


def _matches(pattern: str, text: str) -> bool:
    # In fnmatch, `*` and `?` match as in IAM, including `/` and the empty text. Brackets must be escaped.
    return fnmatchcase(text, pattern.replace("[", "[[]"))

"""API Gateway's reading of an authorizer's policy document. Pure, and refuses whatever it cannot vouch for."""

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


class NotUnderstood(ValueError):
    """A document says something whose effect on API Gateway is not established here."""


class Effect(Enum):
    """What a statement does to the requests it covers."""

    ALLOW = "Allow"
    DENY = "Deny"


class Verdict(Enum):
    """What a policy says about one request; only ALLOWED lets it in."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, its actions in lower case: IAM compares actions without case and resources with it."""

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def covers(self, method_arn: str) -> bool:
        """Say whether the statement speaks about invoking this method."""
        return any(_matches(action, INVOKE) for action in self.actions) and any(
            _matches(resource, method_arn) for resource in self.resources
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of one document."""

    statements: tuple[Statement, ...]

    def verdict_on(self, method_arn: str) -> Verdict:
        """Judge one request: an explicit Deny beats any Allow."""
        effects = {statement.effect for statement in self.statements if statement.covers(method_arn)}
        if Effect.DENY in effects:
            return Verdict.DENIED
        return Verdict.ALLOWED if Effect.ALLOW in effects else Verdict.SILENT


def read_policy(document: object) -> Policy:
    """Read a whole policy document, so that a part nobody asks about is refused as well.

    Raises:  NotUnderstood, saying what
    """
    fields = _object(document, "the policy document", _DOCUMENT_KEYS)
    if fields.get("Version") not in _VERSIONS:
        raise NotUnderstood(f"Version is {fields['Version']!r}")
    if "Statement" not in fields:
        raise NotUnderstood("the policy document has no Statement")
    statements = fields["Statement"]
    return Policy(tuple(_statement(s) for s in (statements if isinstance(statements, list) else [statements])))


def _statement(value: object) -> Statement:
    fields = _object(value, "a statement", _STATEMENT_KEYS)
    if missing := {"Effect", "Action", "Resource"} - fields.keys():
        raise NotUnderstood(f"a statement has no {', '.join(sorted(missing))}")
    if fields["Effect"] not in ("Allow", "Deny"):
        raise NotUnderstood(f"Effect is {fields['Effect']!r}, expected Allow or Deny")
    resources = _patterns(fields["Resource"], "Resource")
    for resource in resources:
        if resource != "*" and not resource.startswith("arn:"):
            raise NotUnderstood(f"Resource {resource!r} is no ARN")
        if len(resource) > LONGEST_RESOURCE:
            raise NotUnderstood(f"a Resource has {len(resource)} characters, the limit is {LONGEST_RESOURCE}")
    actions = tuple(action.lower() for action in _patterns(fields["Action"], "Action"))
    return Statement(Effect(fields["Effect"]), actions, resources)


def _object(value: object, name: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotUnderstood(f"{name} is a {type(value).__name__}, expected an object")
    if unknown := value.keys() - known:
        raise NotUnderstood(f"{name} has {', '.join(sorted(map(str, unknown)))}")
    return value


def _patterns(value: object, name: str) -> tuple[str, ...]:
    patterns = value if isinstance(value, list) else [value]
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise NotUnderstood(f"{name} contains a {type(pattern).__name__}, expected text")
        if "${" in pattern:
            raise NotUnderstood(f"{name} {pattern!r} contains a policy variable")
    return tuple(patterns)


def _matches(pattern: str, text: str) -> bool:
    # fnmatch's `*` and `?` are IAM's, `/` and the empty text included; only its brackets have to be made plain.
    return fnmatchcase(text, pattern.replace("[", "[[]"))

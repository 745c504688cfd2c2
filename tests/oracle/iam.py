"""What API Gateway makes of an authorizer's policy document. Pure, and a stranger to Gatehouse: it imports none of it.

An oracle for tests, written from the documented rules alone: a mistake in the project is not repeated here.
A document that uses something whose meaning in an authorizer's answer was not established is refused, never guessed.

Source:  IAM User Guide → "Policy evaluation logic", "IAM JSON policy elements: Resource"; API Gateway Developer Guide →
         "Output from an API Gateway Lambda authorizer"; as seen by users: facts/api-gateway.md → "execute-api ARNs"
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

INVOKE = "execute-api:Invoke"

DOCUMENT_KEYS = {"Version", "Statement"}
STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource"}


class Verdict(Enum):
    """The two ways to be refused differ: silence can be outvoted by an Allow elsewhere, an explicit Deny never."""

    ALLOWED = "an Allow applies, and no Deny"
    DENIED = "a Deny applies"
    SILENT = "nothing applies"


class NotUnderstood(ValueError):
    """The document says something this oracle has no documented rule for."""


def permits(document: Mapping[str, Any], arn: str, action: str = INVOKE) -> bool:
    """Tell whether the gateway lets a request for `arn` pass. Raises NotUnderstood."""
    return evaluate(document, arn, action) is Verdict.ALLOWED


def evaluate(document: Mapping[str, Any], arn: str, action: str = INVOKE) -> Verdict:
    """Judge one request: an explicit Deny beats every Allow, and silence denies. Raises NotUnderstood."""
    effects = {effect for effect, actions, resources in _rules(document) if _applies(actions, resources, action, arn)}
    if "Deny" in effects:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in effects else Verdict.SILENT


def matches(pattern: str, text: str) -> bool:
    """Tell whether all of `text` fits: `*` is any characters, `/` among them, or none; `?` is exactly one character.

    Reads the pattern once from left to right and keeps every length of the text's beginning that fits what was read.
    """
    fitting = {0}
    for symbol in pattern:
        if symbol == "*":
            fitting = set(range(min(fitting), len(text) + 1))
        else:
            fitting = {length + 1 for length in fitting if length < len(text) and symbol in ("?", text[length])}
        if not fitting:
            return False
    return len(text) in fitting


def _applies(actions: list[str], resources: list[str], action: str, arn: str) -> bool:
    return any(matches(pattern.lower(), action.lower()) for pattern in actions) and any(
        matches(pattern, arn) for pattern in resources
    )


def _rules(document: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """Read the whole document before judging anything, so that no rule after the first match goes unread."""
    _only(DOCUMENT_KEYS, document)
    statements: Any = document.get("Statement")
    return [_rule(statement) for statement in (statements if isinstance(statements, list) else [statements])]


def _rule(statement: Mapping[str, Any]) -> tuple[str, list[str], list[str]]:
    _only(STATEMENT_KEYS, statement)
    effect: Any = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise NotUnderstood(f"Effect is {effect!r}, expected 'Allow' or 'Deny'")
    return effect, _strings(statement, "Action"), _strings(statement, "Resource")


def _strings(statement: Mapping[str, Any], key: str) -> list[str]:
    value: Any = statement.get(key)
    strings: list[Any] = value if isinstance(value, list) else [value]
    if not strings or not all(isinstance(string, str) for string in strings):
        raise NotUnderstood(f"{key} is {value!r}, expected a string or a list of them")
    if any("${" in string for string in strings):
        raise NotUnderstood(f"{key} is {value!r}, which holds a policy variable")
    return strings


def _only(known: set[str], part: object) -> None:
    if not isinstance(part, Mapping):
        raise NotUnderstood(f"{part!r} is no JSON object")
    if unknown := sorted(set(part) - known):
        raise NotUnderstood(f"no rule is known for {', '.join(unknown)}")

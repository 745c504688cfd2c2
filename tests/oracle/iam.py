"""Evaluates an authorizer's policy document as API Gateway does. Pure, and it imports nothing of Gatehouse.

This is an oracle for tests. It follows only the documented rules, so it does not repeat a mistake of the project.
It refuses a policy document with an element whose effect in an authorizer's output is not documented.

Source:  IAM User Guide → "Policy evaluation logic", "IAM JSON policy elements: Resource"; API Gateway Developer Guide →
         "Output from an API Gateway Lambda authorizer"; observed: facts/api-gateway.md → "execute-api ARNs"
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

INVOKE = "execute-api:Invoke"

DOCUMENT_KEYS = {"Version", "Statement"}
STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource"}


class Verdict(Enum):
    """The result for one request. An Allow elsewhere can override an implicit denial, but not an explicit Deny."""

    ALLOWED = "an Allow applies and no Deny applies"
    DENIED = "a Deny applies"
    SILENT = "no statement applies"


class NotUnderstood(ValueError):
    """The policy document contains an element without a documented rule."""


def permits(document: Mapping[str, Any], arn: str, action: str = INVOKE) -> bool:
    """Returns whether the gateway allows a request for `arn`. Raises NotUnderstood."""
    return evaluate(document, arn, action) is Verdict.ALLOWED


def evaluate(document: Mapping[str, Any], arn: str, action: str = INVOKE) -> Verdict:
    """Evaluates one request. An explicit Deny overrides every Allow. Without an Allow, the request is denied.

    Raises NotUnderstood.
    """
    effects = {effect for effect, actions, resources in _rules(document) if _applies(actions, resources, action, arn)}
    if "Deny" in effects:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in effects else Verdict.SILENT


def matches(pattern: str, text: str) -> bool:
    """Returns whether the whole `text` matches. `*` is any number of characters, also `/`. `?` is one character.

    Reads the pattern once, from left to right. `fitting` holds the length of every prefix that matches so far.
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
    """Returns all rules. Reads the whole policy document first, so that an unknown element is always refused."""
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
        raise NotUnderstood(f"{key} is {value!r}, expected a string or a list of strings")
    if any("${" in string for string in strings):
        raise NotUnderstood(f"{key} is {value!r}, and policy variables are not supported")
    return strings


def _only(known: set[str], part: object) -> None:
    if not isinstance(part, Mapping):
        raise NotUnderstood(f"{part!r} is not a JSON object")
    if unknown := sorted(set(part) - known):
        raise NotUnderstood(f"no documented rule for {', '.join(unknown)}")

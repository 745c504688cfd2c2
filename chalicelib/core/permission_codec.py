"""Encodes statements as one line of text for the context from the authorizer to the service. Pure.

Shape:   "Allow GET,POST /reports/* Deny DELETE /reports/annual Allow@900 PUT /reports/*". Paths have no spaces. The
         number is the greatest age of the sign-in, in seconds.
"""

from collections.abc import Iterable

from chalicelib.core.statement import METHODS, Effect, Statement


def encode(statements: Iterable[Statement]) -> str:
    rules: dict[tuple[str, str], None] = {}
    for statement in statements:
        methods = "*" if statement.methods == METHODS else ",".join(statement.methods)
        limit = "" if statement.signed_in_within is None else f"@{statement.signed_in_within}"
        for path in statement.paths:
            rules[f"{statement.effect.value}{limit} {methods}", path] = None
    return " ".join(f"{rule} {path}" for rule, path in rules)


def decode(text: str) -> tuple[Statement, ...]:
    """Returns the statements of an encoded text. Raises ValueError for a text that `encode` does not write."""
    words = text.split()
    rules = zip(words[0::3], words[1::3], words[2::3], strict=True)
    return tuple(_statement(f"rule{number}", *rule) for number, rule in enumerate(rules))


def _statement(sid: str, effect: str, methods: str, path: str) -> Statement:
    name, limited, seconds = effect.partition("@")
    return Statement(
        sid=sid,
        effect=Effect(name),
        methods=METHODS if methods == "*" else tuple(methods.split(",")),
        paths=(path,),
        signed_in_within=int(seconds) if limited else None,
    )

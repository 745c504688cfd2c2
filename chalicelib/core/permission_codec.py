"""Encodes statements as one line of text for the context from the authorizer to the service. Pure.

Shape:   "Allow GET,POST /reports/* Deny DELETE /reports/annual". Paths have no spaces.
"""

from collections.abc import Iterable

from chalicelib.core.statement import METHODS, Effect, Statement


def encode(statements: Iterable[Statement]) -> str:
    rules: dict[tuple[str, str], None] = {}
    for statement in statements:
        methods = "*" if statement.methods == METHODS else ",".join(statement.methods)
        for path in statement.paths:
            rules[f"{statement.effect.value} {methods}", path] = None
    return " ".join(f"{rule} {path}" for rule, path in rules)


def decode(text: str) -> tuple[Statement, ...]:
    """Return the statements of an encoded text. Raises ValueError for a text that `encode` does not write."""
    words = text.split()
    rules = zip(words[0::3], words[1::3], words[2::3], strict=True)
    return tuple(
        Statement(
            sid=f"rule{number}",
            effect=Effect(effect),
            methods=METHODS if methods == "*" else tuple(methods.split(",")),
            paths=(path,),
        )
        for number, (effect, methods, path) in enumerate(rules)
    )

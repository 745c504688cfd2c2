"""The corpus of hostile tokens. Each token has exactly one fault, and every verifier must refuse it.

The expected code belongs to the first check that fails. The order of the checks is: size and characters, number of
parts, encoding of the signature, header, key, signature, encoding of the payload, claims.
"""

from typing import NamedTuple

from tests.tokens.attack import Attack, Pool
from tests.tokens.attacks import algorithms, claims, cross_use, encoding, keys, signatures, structure
from tests.tokens.unusual import Unusual, unusual_but_valid

__all__ = ["ATTACKS", "Attack", "Hostile", "Pool", "Unusual", "corpus", "unusual_but_valid"]

ATTACKS: list[Attack] = [
    *structure.ATTACKS,
    *encoding.ATTACKS,
    *algorithms.ATTACKS,
    *keys.ATTACKS,
    *signatures.ATTACKS,
    *claims.ATTACKS,
    *cross_use.ATTACKS,
]


class Hostile(NamedTuple):
    """A token made by an attack. `code` is the reason code with which it must be refused."""

    description: str
    token: str
    code: str


def corpus(pool: Pool) -> list[Hostile]:
    """Returns one token for every attack."""
    return [Hostile(attack.description, attack.make(pool), attack.code) for attack in ATTACKS]

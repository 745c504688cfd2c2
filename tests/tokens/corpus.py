"""The hostile tokens: every one is good but for one thing, and must be refused, wherever a token is judged.

The code is that of the first check to fail: size and characters, the parts, the signature's spelling, the header, its
key, the signature, the payload's spelling, and the claims.
"""

from typing import NamedTuple

from tests.tokens.attack import Attack, Pool
from tests.tokens.attacks import algorithms, claims, cross_use, encoding, keys, signatures, structure
from tests.tokens.strange import Strange, strange_but_valid

__all__ = ["ATTACKS", "Attack", "Hostile", "Pool", "Strange", "corpus", "strange_but_valid"]

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
    """An attack carried out: `sentence` says what the token is, `code` for which reason it must be refused."""

    sentence: str
    token: str
    code: str


def corpus(pool: Pool) -> list[Hostile]:
    """Attack a pool in every way."""
    return [Hostile(attack.sentence, attack.make(pool), attack.code) for attack in ATTACKS]

"""Compares Gatehouse with PyJWT on mutants of valid tokens: PyJWT must accept every accepted token, with equal claims.

About 4,700 of the 6,000 mutants are distinct. Both verifiers accept about 800 of them. Only PyJWT accepts 400 more,
because Gatehouse is stricter about form and purpose. Only PyJWT accepts 174 hostile tokens of the corpus.

PyJWT reads the real clock, so the tokens are valid around the real time. Their times are hours away from it. A mutation
of two characters can therefore not bring them close to the moment of verification.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.types import Options

from chalicelib.core.claims import Expectation
from chalicelib.core.errors import TokenRejected
from chalicelib.core.principal import Principal
from chalicelib.verify import VerifyToken
from tests import mint
from tests.fakes import Clock, FakeKeys
from tests.tokens.attack import ABSENT, Pool, encode, jwk, replaced
from tests.tokens.attacks.encoding import SIGNATURE, SPELLINGS
from tests.tokens.corpus import corpus, unusual_but_valid

MUTANTS = 1000  # of each kind
NOW = int(time.time())
HOURS = 4440  # seconds; a change of two digits does not bring such a time close to the current one

# --- the pool with two keys, and its tokens ---

POOLS = [
    Pool(mint.ISSUER, mint.WEB_CLIENT, mint.MACHINE_CLIENT, kid, mint.private_key(kid), NOW, slack=HOURS - 840)
    for kid in ("olympus-1", "olympus-2")
]
LIFE = {"iat": NOW - HOURS, "auth_time": NOW - HOURS, "exp": NOW + HOURS}
VARIATIONS: list[dict[str, Any]] = [
    {},
    {"sub": "another", "username": "editor", "cognito:groups": ["editors", "readers"]},
    {"username": ABSENT, "cognito:groups": ABSENT, "origin_jti": ABSENT},
    {"nbf": NOW - HOURS, "jti": ABSENT, "scope": ABSENT},
    {"iat": NOW - 2 * HOURS, "exp": NOW - HOURS},
    {"token_use": "id", "aud": mint.WEB_CLIENT, "client_id": ABSENT},
]


@cache
def seed_tokens() -> list[str]:
    """Returns tokens of the pool: most are valid, one has expired, one is an ID token."""
    return [pool.token({**LIFE, **variation}) for pool in POOLS for variation in VARIATIONS]


# --- the two verifiers ---

VERIFY = VerifyToken(
    FakeKeys(tuple(pool.kid for pool in POOLS)),
    Expectation(mint.ISSUER, frozenset({mint.WEB_CLIENT})),
    now=Clock(NOW),
)
JWKS = jwt.PyJWKSet.from_dict({"keys": [jwk(pool.private_key, pool.kid) for pool in POOLS]})
REQUIRED = ["exp", "iat", "iss", "sub", "client_id", "token_use"]
# Checks that PyJWT lacks or makes less strictly. The signature, the key, the issuer and the times are not among them.
STRICTER_ABOUT = {
    "malformed_token",
    "malformed_claims",
    "token_too_large",
    "wrong_audience",
    "wrong_client",
    "wrong_token_use",
}


def by_pyjwt(token: str) -> dict[str, Any] | None:
    """Returns the claims if PyJWT accepts the token. PyJWT is called as in its documentation."""
    try:
        key = JWKS[jwt.get_unverified_header(token)["kid"]].key
        jwt.decode(token, key, ["RS256"], issuer=mint.ISSUER, options={"require": REQUIRED, "verify_iat": False})
        # PyJWT applies one leeway to all times. Here only `iat` has a leeway.
        only_iat: Options = {"verify_exp": False, "verify_nbf": False}
        return jwt.decode(token, key, ["RS256"], issuer=mint.ISSUER, leeway=60, options=only_iat)
    except (jwt.PyJWTError, KeyError, UnicodeEncodeError):
        return None


def described_by(claims: dict[str, Any]) -> Principal:
    """Returns the principal for claims of the correct types."""
    username = claims.get("username", "")
    groups = dict.fromkeys(f"group:{name}" for name in claims.get("cognito:groups", []))
    return Principal(
        subject=claims["sub"],
        client_id=claims["client_id"],
        username=username,
        policy_subjects=tuple(groups) if username else (f"client:{claims['client_id']}",),
        scopes=frozenset(claims.get("scope", "").split()),
        session=claims.get("origin_jti", ""),
        issued_at=claims["iat"],
        expires_at=claims["exp"],
        signed_in_at=min(claims["auth_time"], claims["iat"]) if "auth_time" in claims else 0,
    )


@dataclass
class Tally:
    """The results of both verifiers.

    stricter       number of tokens that only PyJWT accepts, by our reason code
    disagreements  tokens that we accept, and that PyJWT refuses or reads differently
    """

    accepted: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    stricter: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def judge(self, token: str) -> None:
        claims = by_pyjwt(token)
        try:
            principal = VERIFY(token)
        except TokenRejected as refusal:
            if claims is not None and token not in self.refused:
                self.stricter[refusal.code] += 1
            self.refused.add(token)
            return
        self.accepted.add(token)
        if claims is None or described_by(claims) != principal:
            self.disagreements.append(f"{token}\n  Gatehouse: {principal}\n  PyJWT: {claims}")


# --- mutants ---

Mutate = Callable[[Random], str]
CHARACTERS = "ABYZabyz0189-_=.+/ \n!\0é"
JSON_CHARACTERS = '{}[]":,0123456789eE+-.\\utfnNIa \t\n\0\xff'
CLAIMS = [*mint.person(), "nbf", "aud", "more", ""]
VALUES: list[Any] = [
    *(ABSENT, None, True, False, 0, 1, -1, 0.5, 1e3, float("nan"), float("inf"), 2**64, 10**400),
    *("", " ", "x", "\ud800", [], [""], ["x"], ["x", "x"], [1], [None], [[]], {}, {"x": 1}),
    *(NOW - HOURS, NOW + HOURS, float(NOW - HOURS), NOW + HOURS + 0.5, str(NOW - HOURS), [NOW + HOURS]),
    *(mint.ISSUER, f"{mint.ISSUER}/", mint.WEB_CLIENT, mint.MACHINE_CLIENT, [mint.WEB_CLIENT], "access", "id"),
]
FIELDS = ["alg", "kid", "typ", "cty", "crit", "b64", "zip", "jwk", "jku", "x5c", "more", ""]
FIELD_VALUES: list[Any] = [
    *(ABSENT, None, True, False, 0, "", "RS256", "rs256", "RS512", "PS256", "HS256", "none", ["RS256"]),
    *(*(pool.kid for pool in POOLS), [POOLS[0].kid], ["b64"], ["exp"], [], {}, "JWT", "JWE", "DEF"),
]


def edited(random: Random, text: str, characters: str) -> str:
    """Replaces, inserts or removes up to two characters."""
    for _ in range(random.choice((0, 1, 1, 2))):
        at, character = random.randrange(len(text)), random.choice(characters)
        inserted, removed = random.choice(((character, 0), ("", 1), (character, 1)))
        text = text[:at] + inserted + text[at + removed :]
    return text


def chosen(random: Random, names: list[str], values: list[Any]) -> dict[str, Any]:
    return {random.choice(names): random.choice(values) for _ in range(random.choice((1, 1, 2)))}


def other_characters(random: Random) -> str:
    return edited(random, random.choice(seed_tokens()), CHARACTERS)


def parts_of_several(random: Random) -> str:
    parts = [random.choice(seed_tokens()).split(".")[part] for part in range(3)]
    return ".".join(parts if random.random() < 0.9 else random.choices(parts, k=random.choice((2, 3, 4))))


def other_claims(random: Random) -> str:
    variation = random.choice(VARIATIONS)
    return random.choice(POOLS).token({**LIFE, **variation, **chosen(random, CLAIMS, VALUES)})


def other_headers(random: Random) -> str:
    return random.choice(POOLS).token(LIFE, chosen(random, FIELDS, FIELD_VALUES))


def other_json(random: Random) -> str:
    pool = random.choice(POOLS)
    texts = [json.dumps(pool.header()), json.dumps(pool.claims(LIFE))]
    part = random.choice((0, 1, 1))
    texts = replaced(texts, part, edited(random, texts[part], JSON_CHARACTERS))
    header, payload = (text.encode(random.choice(("utf-8", "latin-1"))) for text in texts)
    return mint.sign(header, payload, pool.private_key)


def other_spellings(random: Random) -> str:
    pool, spaces = random.choice(POOLS), b" " * random.randrange(3)
    claims = pool.claims({**LIFE, "jti": str(random.randrange(100))})
    parts = mint.sign(encode(pool.header()) + spaces, encode(claims) + spaces, pool.private_key).split(".")
    part = random.randrange(3)
    spellings: tuple[Callable[[str], str], ...] = (str, *SPELLINGS.values())
    parts = replaced(parts, part, random.choice(spellings)(parts[part]))
    return ".".join(parts) if part == SIGNATURE else pool.signed(".".join(parts[:SIGNATURE]))


KINDS: list[Mutate] = [
    other_characters,
    parts_of_several,
    other_claims,
    other_headers,
    other_json,
    other_spellings,
]


@cache
def tally_of(mutate: Mutate) -> Tally:
    tally, random = Tally(), Random(mutate.__name__)  # noqa: S311 - the same mutants every time
    for _ in range(MUTANTS):
        tally.judge(mutate(random))
    return tally


# --- the tests ---

of_each_kind = pytest.mark.parametrize("mutate", KINDS, ids=lambda mutate: mutate.__name__)


@of_each_kind
def test_pyjwt_accepts_every_accepted_mutant_with_equal_claims(mutate: Mutate) -> None:
    assert tally_of(mutate).disagreements == []


@of_each_kind
def test_some_mutants_are_accepted_and_some_are_refused(mutate: Mutate) -> None:
    """Otherwise the comparison would not test both results."""
    tally = tally_of(mutate)

    assert tally.accepted
    assert tally.refused


@of_each_kind
def test_gatehouse_is_stricter_than_pyjwt_only_about_form_and_purpose(mutate: Mutate) -> None:
    assert set(tally_of(mutate).stricter) <= STRICTER_ABOUT


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, database=None, derandomize=True, deadline=None)
@given(
    claims=st.dictionaries(st.sampled_from(CLAIMS) | st.text(), ANYTHING | st.sampled_from(VALUES), max_size=2),
    header=st.dictionaries(st.text(), ANYTHING | st.sampled_from(FIELD_VALUES), max_size=2),
)
def test_pyjwt_accepts_every_generated_token_that_gatehouse_accepts(
    claims: dict[str, Any], header: dict[str, Any]
) -> None:
    tally = Tally()

    tally.judge(POOLS[0].token({**LIFE, **claims}, header))

    assert tally.disagreements == []


def test_pyjwt_accepts_every_unusual_valid_token() -> None:
    tally = Tally()
    for unusual in unusual_but_valid(POOLS[0]):
        tally.judge(unusual.token)

    assert (tally.refused, tally.disagreements) == (set(), [])


def test_every_hostile_token_that_pyjwt_accepts_has_a_wrong_form_or_purpose() -> None:
    tally = Tally()
    for hostile in corpus(POOLS[0]):
        tally.judge(hostile.token)

    assert tally.accepted == set()
    assert set(tally.stricter) <= STRICTER_ABOUT

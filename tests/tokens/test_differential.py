"""Whatever we accept, PyJWT accepts with equal claims: mutants of good tokens, judged by both.

Of 6,000 mutants about 4,700 differ: about 800 are accepted by both, and about 400 by PyJWT alone, since we are stricter
about form and purpose. For the same reasons PyJWT alone would accept 174 of the corpus's hostile tokens.

PyJWT reads the clock itself, so these tokens live around the real time. They begin and end hours away from it, so that
no mutant by two characters comes near the moment in which it is judged.
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

from chalicelib.core.claims import Expectation
from chalicelib.core.errors import TokenRejected
from chalicelib.core.principal import Principal
from chalicelib.verify import VerifyToken
from tests import mint
from tests.fakes import Clock, FakeKeys
from tests.tokens.attack import ABSENT, Pool, encode, jwk, replaced
from tests.tokens.attacks.encoding import SIGNATURE, SPELLINGS
from tests.tokens.corpus import corpus, strange_but_valid

MUTANTS = 1000  # of each kind
NOW = int(time.time())
HOURS = 4440  # seconds; no two digits changed make a time that is so far away one that is near

# --- the pool, which has two keys, and its tokens ---

POOLS = [
    Pool(mint.ISSUER, mint.WEB_CLIENT, mint.MACHINE_CLIENT, kid, mint.private_key(kid), NOW, slack=HOURS - 840)
    for kid in ("olympus-1", "olympus-2")
]
LIFE = {"iat": NOW - HOURS, "auth_time": NOW - HOURS, "exp": NOW + HOURS}
STORIES: list[dict[str, Any]] = [
    {},
    {"sub": "another", "username": "editor", "cognito:groups": ["editors", "readers"]},
    {"username": ABSENT, "cognito:groups": ABSENT, "origin_jti": ABSENT},
    {"nbf": NOW - HOURS, "jti": ABSENT, "scope": ABSENT},
    {"iat": NOW - 2 * HOURS, "exp": NOW - HOURS},
    {"token_use": "id", "aud": mint.WEB_CLIENT, "client_id": ABSENT},
]


@cache
def herd() -> list[str]:
    """Tokens of the pool: most are good, one has expired, one is an ID token."""
    return [pool.token({**LIFE, **story}) for pool in POOLS for story in STORIES]


# --- two judges ---

VERIFY = VerifyToken(
    FakeKeys(tuple(pool.kid for pool in POOLS)),
    Expectation(mint.ISSUER, frozenset({mint.WEB_CLIENT})),
    now=Clock(NOW),
)
JWKS = jwt.PyJWKSet.from_dict({"keys": [jwk(pool.private_key, pool.kid) for pool in POOLS]})
REQUIRED = ["exp", "iat", "iss", "sub", "client_id", "token_use"]
# What PyJWT does not ask, or asks more generously. Never the signature, the key, the issuer or the time.
STRICTER_ABOUT = {
    "malformed_token",
    "malformed_claims",
    "token_too_large",
    "wrong_audience",
    "wrong_client",
    "wrong_token_use",
}


def by_pyjwt(token: str) -> dict[str, Any] | None:
    """The claims of a token that PyJWT accepts, when used as its documentation says."""
    try:
        key = JWKS[jwt.get_unverified_header(token)["kid"]].key
        jwt.decode(token, key, ["RS256"], issuer=mint.ISSUER, options={"require": REQUIRED, "verify_iat": False})
        # PyJWT has one leeway for all times; here only `iat` has one.
        only_iat = {"verify_exp": False, "verify_nbf": False}
        return jwt.decode(token, key, ["RS256"], issuer=mint.ISSUER, leeway=60, options=only_iat)
    except (jwt.PyJWTError, KeyError, UnicodeEncodeError):
        return None


def said_by(claims: dict[str, Any]) -> Principal:
    """Whom claims describe, if they are of the types that they should be of."""
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
    )


@dataclass
class Tally:
    """How both have judged.

    stricter       why we refused what PyJWT accepts, and how often
    disagreements  tokens that we accept and PyJWT does not, or takes for somebody else's
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
        if claims is None or said_by(claims) != principal:
            self.disagreements.append(f"{token}\n  is to us {principal}\n  and to PyJWT {claims}")


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
    """A text with one or two characters replaced, put in or taken out, and sometimes none."""
    for _ in range(random.choice((0, 1, 1, 2))):
        at, character = random.randrange(len(text)), random.choice(characters)
        put_in, taken_out = random.choice(((character, 0), ("", 1), (character, 1)))
        text = text[:at] + put_in + text[at + taken_out :]
    return text


def chosen(random: Random, names: list[str], values: list[Any]) -> dict[str, Any]:
    return {random.choice(names): random.choice(values) for _ in range(random.choice((1, 1, 2)))}


def other_characters(random: Random) -> str:
    return edited(random, random.choice(herd()), CHARACTERS)


def parts_of_several(random: Random) -> str:
    parts = [random.choice(herd()).split(".")[part] for part in range(3)]
    return ".".join(parts if random.random() < 0.9 else random.choices(parts, k=random.choice((2, 3, 4))))


def other_claims(random: Random) -> str:
    story = random.choice(STORIES)
    return random.choice(POOLS).token({**LIFE, **story, **chosen(random, CLAIMS, VALUES)})


def other_headers(random: Random) -> str:
    return random.choice(POOLS).token(LIFE, chosen(random, FIELDS, FIELD_VALUES))


def other_json(random: Random) -> str:
    pool = random.choice(POOLS)
    texts = [json.dumps(pool.header()), json.dumps(pool.claims(LIFE))]
    part = random.choice((0, 1, 1))
    texts = replaced(texts, part, edited(random, texts[part], JSON_CHARACTERS))
    return mint.sign(*(text.encode(random.choice(("utf-8", "latin-1"))) for text in texts), pool.private_key)


def other_spellings(random: Random) -> str:
    pool, spaces = random.choice(POOLS), b" " * random.randrange(3)
    claims = pool.claims({**LIFE, "jti": str(random.randrange(100))})
    parts = mint.sign(encode(pool.header()) + spaces, encode(claims) + spaces, pool.private_key).split(".")
    part = random.randrange(3)
    parts = replaced(parts, part, random.choice((str, *SPELLINGS.values()))(parts[part]))
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


# --- the proof ---

of_each_kind = pytest.mark.parametrize("mutate", KINDS, ids=lambda mutate: mutate.__name__)


@of_each_kind
def test_no_mutant_that_we_accept_is_refused_by_pyjwt_or_taken_for_another(mutate: Mutate) -> None:
    assert tally_of(mutate).disagreements == []


@of_each_kind
def test_some_mutants_are_accepted_and_some_are_not(mutate: Mutate) -> None:
    """So the proof is not empty."""
    tally = tally_of(mutate)

    assert tally.accepted
    assert tally.refused


@of_each_kind
def test_where_we_are_stricter_it_is_about_form_and_purpose(mutate: Mutate) -> None:
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
def test_nothing_that_anyone_invents_is_accepted_by_us_alone(claims: dict[str, Any], header: dict[str, Any]) -> None:
    tally = Tally()

    tally.judge(POOLS[0].token({**LIFE, **claims}, header))

    assert tally.disagreements == []


def test_tokens_that_are_strange_but_valid_are_so_to_pyjwt() -> None:
    tally = Tally()
    for strange in strange_but_valid(POOLS[0]):
        tally.judge(strange.token)

    assert (tally.refused, tally.disagreements) == (set(), [])


def test_pyjwt_would_accept_hostile_tokens_only_for_their_form_or_purpose() -> None:
    tally = Tally()
    for hostile in corpus(POOLS[0]):
        tally.judge(hostile.token)

    assert tally.accepted == set()
    assert set(tally.stricter) <= STRICTER_ABOUT

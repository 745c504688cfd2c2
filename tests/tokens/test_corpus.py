"""Runs the corpus against the shipped verifier and the shipped key source."""

import json
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from authorizers.decision_log import DecisionLog
from authorizers.policy import Unauthorized, respond
from chalicelib.authorize import Authorize
from chalicelib.aws.jwks import JwksKeySource, parse_jwks
from chalicelib.core.claims import Expectation
from chalicelib.core.errors import TokenRejected
from chalicelib.verify import VerifyToken
from tests import mint
from tests.fakes import Clock, FakePolicies, FakeState
from tests.tokens.attack import jwk
from tests.tokens.attacks import signatures
from tests.tokens.corpus import ATTACKS, Attack, Pool, Unusual, corpus, unusual_but_valid
from tests.tokens.unusual import principal

POOL = Pool(
    issuer=mint.ISSUER,
    client_id=mint.WEB_CLIENT,
    other_client_id="merchantofolympus",
    kid=mint.KID,
    private_key=mint.private_key(),
    now=mint.NOW,
)
METHOD_ARN = "arn:aws:execute-api:mars-west-1:123456789012:olympus/v1/GET/reports"


def verifier_of(pool: Pool, seconds_later: int = 0, cache_size: int = 1024) -> VerifyToken:
    """Returns the authorizer's verifier, some seconds after the start of the attack."""
    document = json.dumps({"keys": [jwk(pool.private_key, pool.kid)]}).encode()
    keys = JwksKeySource(lambda: parse_jwks(document), now=Clock())
    return VerifyToken(
        keys, Expectation(pool.issuer, frozenset({pool.client_id})), cache_size, now=Clock(pool.now + seconds_later)
    )


def verifier(cache_size: int = 1024) -> VerifyToken:
    return verifier_of(POOL, cache_size=cache_size)


@pytest.fixture(scope="module")
def used_verifier() -> VerifyToken:
    """Returns a verifier that has accepted valid tokens and cached them and their headers."""
    verify = verifier()
    for unusual in unusual_but_valid(POOL):
        verify(unusual.token)
    verify(POOL.token())
    return verify


def refusal_of(verify: VerifyToken, token: str) -> TokenRejected:
    with pytest.raises(TokenRejected) as refusal:
        verify(token)
    return refusal.value


@cache
def token_of(attack: Attack) -> str:
    return attack.make(POOL)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.description)
def test_a_verifier_without_a_cache_refuses_the_token(attack: Attack) -> None:
    assert refusal_of(verifier(cache_size=0), token_of(attack)).code == attack.code


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.description)
def test_a_verifier_with_cached_valid_tokens_refuses_the_token(attack: Attack, used_verifier: VerifyToken) -> None:
    assert refusal_of(used_verifier, token_of(attack)).code == attack.code


@pytest.mark.parametrize("cache_size", [0, 1024])
def test_the_unchanged_token_of_the_pool_is_valid(cache_size: int) -> None:
    verify = verifier(cache_size)

    assert [verify(POOL.token()) for _ in range(2)] == [principal(POOL)] * 2


@pytest.mark.parametrize("unusual", unusual_but_valid(POOL), ids=lambda unusual: unusual.description)
def test_an_unusual_valid_token_is_accepted(unusual: Unusual) -> None:
    assert verifier()(unusual.token) == unusual.principal


@pytest.mark.parametrize(("kid", "written"), [("7", 7), ("None", None), ("True", True), ("['a']", ["a"])])
def test_a_key_id_of_another_type_is_not_converted_to_a_string(kid: str, written: object) -> None:
    pool = replace(POOL, kid=kid)

    assert verifier_of(pool)(pool.token()) == principal(POOL)
    assert refusal_of(verifier_of(pool), pool.token(header={"kid": written})).code == "unknown_key"


def test_no_two_attacks_have_the_same_description_or_token() -> None:
    for values in (Counter(attack.description for attack in ATTACKS), Counter(map(token_of, ATTACKS))):
        assert [value for value, times in values.items() if times > 1] == []


def test_the_attack_on_the_signature_block_with_a_correct_block_makes_a_valid_token() -> None:
    """Therefore the other signature attacks are refused because of their wrong blocks."""
    make_allowed = signatures.raised(lambda size, digest: signatures.block(size, signatures.SHA256_INFO + digest))

    assert make_allowed(POOL) == POOL.token()


def test_a_refusal_contains_no_part_of_its_token_and_no_claim(used_verifier: VerifyToken) -> None:
    claims = [text for text in POOL.claims().values() if isinstance(text, str) and len(text) >= 8]
    leaks = []
    for attack in ATTACKS:
        message = refusal_of(used_verifier, token_of(attack)).message
        parts = [part[:8] for part in token_of(attack).split(".") if len(part) >= 8]
        leaks += [attack.description for text in (*parts, *claims) if text in message]

    assert leaks == []


def test_the_authorizer_rejects_every_attack_without_a_table_read() -> None:
    state, policies, lines = FakeState(), FakePolicies(), list[str]()
    authorize = Authorize(verifier(), state, policies)
    # A space before a token belongs to the separator, so that attack becomes a valid token here.
    attacks = [attack for attack in ATTACKS if attack.description != "a valid token with a leading space"]
    assert len(ATTACKS) - len(attacks) == 1
    for attack in attacks:
        with pytest.raises(Unauthorized):
            respond(f"Bearer {token_of(attack)}", METHOD_ARN, lambda: authorize, DecisionLog(write_line=lines.append))

    assert (state.reads, policies.reads) == (0, 0)
    assert Counter(json.loads(line)["decision"] for line in lines) == {"rejected": len(attacks)}


@pytest.mark.parametrize("seconds_later", [0, 600])
def test_the_corpus_of_another_pool_is_refused_at_the_start_and_at_the_end_of_its_slack(seconds_later: int) -> None:
    pool = Pool(
        issuer="http://localhost:4566/us-east-1_Hades",
        client_id="0a1b2c3d4e5f6g7h8i9j0k1l2m",
        other_client_id="9z8y7x6w5v4u3t2s1r0q9p8o7n",
        kid="w7Ck+Lx/0hQ9vAq1f8pWm2=",
        private_key=mint.private_key("hades-1"),
        now=1_700_000_000,
        slack=600,
        groups=("readers",),
    )
    verify = verifier_of(pool, seconds_later)

    assert verify(pool.token()).policy_subjects == ("group:readers",)
    for hostile in corpus(pool):
        assert refusal_of(verify, hostile.token).code == hostile.code, hostile.description

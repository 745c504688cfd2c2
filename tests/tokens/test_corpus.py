"""The corpus against the shipped verifier, with the shipped key source behind it."""

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
from tests.tokens.corpus import ATTACKS, Attack, Pool, Strange, corpus, strange_but_valid
from tests.tokens.strange import principal

POOL = Pool(
    issuer=mint.ISSUER,
    client_id=mint.WEB_CLIENT,
    other_client_id="merchantofolympus",
    kid=mint.KID,
    private_key=mint.private_key(),
    now=mint.NOW,
)
METHOD_ARN = "arn:aws:execute-api:mars-west-1:123456789012:olympus/v1/GET/reports"


def verifier_of(pool: Pool, late: int = 0, remember: int = 1024) -> VerifyToken:
    """What the authorizer would be made of, some seconds after the attack has begun."""
    document = json.dumps({"keys": [jwk(pool.private_key, pool.kid)]}).encode()
    keys = JwksKeySource(lambda: parse_jwks(document), now=Clock())
    return VerifyToken(
        keys, Expectation(pool.issuer, frozenset({pool.client_id})), remember, now=Clock(pool.now + late)
    )


def verifier(remember: int = 1024) -> VerifyToken:
    return verifier_of(POOL, remember=remember)


@pytest.fixture(scope="module")
def experienced() -> VerifyToken:
    """A verifier that has admitted good tokens, remembers them, and knows their headers."""
    verify = verifier()
    for strange in strange_but_valid(POOL):
        verify(strange.token)
    verify(POOL.token())
    return verify


def refusal_of(verify: VerifyToken, token: str) -> TokenRejected:
    with pytest.raises(TokenRejected) as refusal:
        verify(token)
    return refusal.value


@cache
def token_of(attack: Attack) -> str:
    return attack.make(POOL)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.sentence)
def test_a_verifier_that_knows_nothing_refuses(attack: Attack) -> None:
    assert refusal_of(verifier(remember=0), token_of(attack)).code == attack.code


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.sentence)
def test_a_verifier_that_remembers_good_tokens_refuses(attack: Attack, experienced: VerifyToken) -> None:
    assert refusal_of(experienced, token_of(attack)).code == attack.code


@pytest.mark.parametrize("remember", [0, 1024])
def test_the_token_that_all_attacks_begin_with_is_good(remember: int) -> None:
    verify = verifier(remember)

    assert [verify(POOL.token()) for _ in range(2)] == [principal(POOL)] * 2


@pytest.mark.parametrize("strange", strange_but_valid(POOL), ids=lambda strange: strange.sentence)
def test_a_token_is_taken_for_what_it_says_in_spite_of(strange: Strange) -> None:
    assert verifier()(strange.token) == strange.principal


@pytest.mark.parametrize(("kid", "written"), [("7", 7), ("None", None), ("True", True), ("['a']", ["a"])])
def test_a_key_id_that_is_no_text_is_not_read_as_one(kid: str, written: object) -> None:
    pool = replace(POOL, kid=kid)

    assert verifier_of(pool)(pool.token()) == principal(POOL)
    assert refusal_of(verifier_of(pool), pool.token(header={"kid": written})).code == "unknown_key"


def test_no_two_attacks_are_the_same() -> None:
    for said in (Counter(attack.sentence for attack in ATTACKS), Counter(map(token_of, ATTACKS))):
        assert [twice for twice, times in said.items() if times > 1] == []


def test_a_block_that_pkcs1_allows_makes_a_good_token() -> None:
    """So it is the block that the attacks on it are refused for."""
    allowed = signatures.raised(lambda size, digest: signatures.block(size, signatures.SHA256_INFO + digest))

    assert allowed(POOL) == POOL.token()


def test_no_refusal_repeats_a_part_of_its_token_or_a_claim(experienced: VerifyToken) -> None:
    claims = [text for text in POOL.claims().values() if isinstance(text, str) and len(text) >= 8]
    told = []
    for attack in ATTACKS:
        message = refusal_of(experienced, token_of(attack)).message
        parts = [part[:8] for part in token_of(attack).split(".") if len(part) >= 8]
        told += [attack.sentence for text in (*parts, *claims) if text in message]

    assert told == []


def test_the_authorizer_answers_unauthorized_to_every_attack_and_reads_no_table_for_it() -> None:
    state, policies, lines = FakeState(), FakePolicies(), list[str]()
    authorize = Authorize(verifier(), state, policies)
    # A space in front of a token is a part of the separator: the token behind it is a good one.
    attacks = [attack for attack in ATTACKS if attack.sentence != "a good token with a space in front"]
    assert len(ATTACKS) - len(attacks) == 1
    for attack in attacks:
        with pytest.raises(Unauthorized):
            respond(f"Bearer {token_of(attack)}", METHOD_ARN, lambda: authorize, DecisionLog(write_line=lines.append))

    assert (state.reads, policies.reads) == (0, 0)
    assert Counter(json.loads(line)["decision"] for line in lines) == {"rejected": len(attacks)}


@pytest.mark.parametrize("late", [0, 600])
def test_another_pool_is_attacked_as_well_until_its_time_is_up(late: int) -> None:
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
    verify = verifier_of(pool, late)

    assert verify(pool.token()).policy_subjects == ("group:readers",)
    for hostile in corpus(pool):
        assert refusal_of(verify, hostile.token).code == hostile.code, hostile.sentence

"""A token is verified once and cached until it expires or the keys change."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chalicelib.core.errors import CannotDecide, TokenRejected
from chalicelib.verify import VerifyToken
from tests import mint
from tests.fakes import Clock, FakeKeys, principal


class CountedKeys(FakeKeys):
    """Counts the requests for keys, which is the number of verified signatures."""

    checks = 0

    def key(self, kid: str) -> RSAPublicKey:
        self.checks += 1
        return super().key(kid)


class System:
    def __init__(self, **settings: Any) -> None:
        self.keys, self.clock = CountedKeys(kids=("olympus-1", "olympus-2")), Clock()
        self.verify = VerifyToken(self.keys, mint.EXPECTED, now=self.clock, **settings)

    def checks(self, token: str) -> int:
        """Returns the number of signatures that one call verifies."""
        before = self.keys.checks
        self.verify(token)
        return self.keys.checks - before

    def code(self, token: str) -> str:
        try:
            self.verify(token)
        except TokenRejected as rejected:
            return rejected.code
        return "accepted"


CLERK = mint.token(mint.person())


# --- the verification ---


def test_a_valid_token_returns_its_principal() -> None:
    assert System().verify(CLERK) == principal()


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(
            mint.token(mint.person(), key=mint.private_key("mallory")), "bad_signature", id="the key of another issuer"
        ),
        pytest.param(mint.token(mint.person(), kid="mallory"), "unknown_key", id="an unknown key"),
        pytest.param(
            mint.token(mint.person(), kid="olympus-2", key=mint.private_key("olympus-1")),
            "bad_signature",
            id="another key of the pool",
        ),
        pytest.param(mint.token(mint.person(exp=mint.NOW)), "token_expired", id="expired"),
        pytest.param(mint.token(mint.person(token_use="id")), "wrong_token_use", id="an ID token"),
        pytest.param(mint.token(mint.person(), alg="HS256"), "wrong_algorithm", id="another algorithm"),
        pytest.param("nonsense", "malformed_token", id="not a token"),
        pytest.param("", "malformed_token", id="an empty string"),
        pytest.param("\ud800.\ud800.\ud800", "malformed_token", id="a lone surrogate"),
        pytest.param("A" * 20_000, "token_too_large", id="a token that is too large"),
    ],
)
def test_an_invalid_token_is_refused_every_time(token: str, code: str) -> None:
    system = System()
    assert [system.code(token) for _ in range(2)] == [code, code]


@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "payload", "signature"])
def test_a_token_with_one_part_of_another_token_is_refused(part: int) -> None:
    system = System()
    parts, others = CLERK.split("."), mint.token(mint.person(sub="mallory"), kid="olympus-2").split(".")
    system.verify(CLERK)
    parts[part] = others[part]
    assert system.code(".".join(parts)) == "bad_signature"


def test_the_signature_is_verified_before_the_claims() -> None:
    forged = mint.token(mint.person(exp=0), key=mint.private_key("mallory"))
    assert System().code(forged) == "bad_signature"


def test_unreachable_keys_raise_cannot_decide_and_not_a_rejection() -> None:
    class Unreachable(FakeKeys):
        def key(self, kid: str) -> RSAPublicKey:
            raise CannotDecide("keys_unreachable", "no answer")

    with pytest.raises(CannotDecide):
        VerifyToken(Unreachable(), mint.EXPECTED, now=Clock())(CLERK)


# --- cache ---


def test_a_cached_token_is_not_verified_again() -> None:
    system = System()
    assert system.checks(CLERK) == 1
    assert [system.checks(CLERK) for _ in range(3)] == [0, 0, 0]
    assert system.verify(CLERK) == principal()


def test_a_cached_token_is_refused_from_the_second_of_its_expiry() -> None:
    system = System()
    token = mint.token(mint.person(exp=mint.NOW + 60))
    system.verify(token)
    system.clock.advance(59.999)
    assert system.checks(token) == 0
    system.clock.advance(0.001)
    assert system.code(token) == "token_expired"


def test_a_change_of_the_keys_removes_every_cached_token() -> None:
    system = System()
    system.verify(CLERK)
    system.keys.revision += 1
    assert system.checks(CLERK) == 1
    assert system.checks(CLERK) == 0


def test_a_cached_token_of_a_withdrawn_key_is_refused() -> None:
    system = System()
    system.verify(CLERK)
    system.keys.kids, system.keys.revision = ("olympus-2",), 2
    assert system.code(CLERK) == "unknown_key"


def test_a_rejected_token_is_not_cached() -> None:
    system = System()
    early = mint.token(mint.person(iat=mint.NOW + 65))
    assert system.code(early) == "token_not_yet_valid"
    system.clock.advance(5)
    assert system.code(early) == "accepted"


def test_the_number_of_cached_tokens_is_bounded() -> None:
    system = System(remember=2)
    clerk, boss, auditor = (mint.token(mint.person(sub=name)) for name in ("clerk", "boss", "auditor"))
    for token in (clerk, boss, clerk, auditor):
        system.verify(token)
    assert [system.checks(token) for token in (clerk, auditor)] == [0, 0]
    assert system.checks(boss) == 1, "it was the least recently used"


def test_a_verifier_without_a_cache_verifies_every_token() -> None:
    system = System(remember=0)
    assert [system.checks(CLERK) for _ in range(3)] == [1, 1, 1]


def test_the_second_token_of_a_user_is_verified_separately() -> None:
    system = System()
    system.verify(CLERK)
    assert system.checks(mint.token(mint.person(jti="another"))) == 1


def test_a_token_with_a_cached_header_and_another_signing_key_is_refused() -> None:
    system = System()
    system.verify(CLERK)
    forged = mint.token(mint.person(sub="mallory"), kid="olympus-1", key=mint.private_key("mallory"))
    assert system.code(forged) == "bad_signature"

"""The state is read before the policies. Policies are cached under the generation of the state."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from chalicelib.authorize import Authorize
from chalicelib.core.claims import principal_from
from chalicelib.core.decision import Decision
from chalicelib.core.errors import CannotDecide, TokenRejected
from chalicelib.core.policy import Policy
from chalicelib.core.principal import Principal
from chalicelib.ports import Revocation, RevocationKind
from chalicelib.verify import VerifyToken
from tests import mint
from tests.fakes import Clock, FakeKeys, FakePolicies, FakeState, Journal, allow, deny, principal, statements

GREATEST_AGE = 60
READ, WRITE = allow("/reports", sid="read"), allow("/reports", methods=["PUT"], sid="write")
KEEP = deny("/reports", sid="keep")
NOTHING = ()
REQUEST = ("GET", "/reports")


class System:
    """The use case with fakes. The name of a caller serves as the token and needs no verification."""

    def __init__(self, max_staleness: float = 0, **callers: Principal) -> None:
        self.callers = {"clerk": principal(), **callers}
        self.clock, self.state, self.policies, self.journal = Clock(), FakeState(), FakePolicies(), Journal()
        self.authorize = Authorize(
            verify=self.callers.__getitem__,
            state=self.journal.of("state", self.state),
            policies=self.journal.of("policies", self.policies),
            max_staleness=max_staleness,
            now=self.clock,
        )

    def write(self, *rules: dict[str, Any], subject: str = "group:clerks") -> None:
        """Stores a policy as the writer does: the policy first, then the generation."""
        self.policies.put(subject, statements(*rules), "admin", None)
        self.state.bump()

    def sids(self, caller: str = "clerk") -> tuple[str, ...]:
        return tuple(statement.sid for statement in self.authorize(caller, *REQUEST).permissions.statements)

    def reads(self, ask: Callable[[], object]) -> list[str]:
        """Returns the reads of one request in their order."""
        before = len(self.journal.calls)
        ask()
        return self.journal.calls[before:]


STATE_ONLY, STATE_THEN_POLICIES = ["state.read"], ["state.read", "policies.read"]


# --- the order and the number of reads ---


def test_the_state_is_read_before_the_policies() -> None:
    assert (system := System()).reads(lambda: system.authorize("clerk", *REQUEST)) == STATE_THEN_POLICIES


def test_a_cached_authorization_reads_only_the_state() -> None:
    system = System()
    system.authorize("clerk", *REQUEST)
    assert system.reads(lambda: system.authorize("clerk", *REQUEST)) == STATE_ONLY


def test_nothing_is_read_within_the_allowed_staleness() -> None:
    system = System(max_staleness=5)
    system.authorize("clerk", *REQUEST)
    system.clock.advance(4.999)
    assert system.reads(lambda: system.authorize("clerk", *REQUEST)) == []
    system.clock.advance(0.001)
    assert system.reads(lambda: system.authorize("clerk", *REQUEST)) == STATE_ONLY


def test_without_staleness_every_request_reads_the_state() -> None:
    system = System(max_staleness=0)
    for _ in range(3):
        system.authorize("clerk", *REQUEST)
    assert system.state.reads == 3


def test_a_rejected_token_causes_no_read() -> None:
    def rejects(_: str) -> Principal:
        raise TokenRejected("token_expired", "the token has expired")

    system = System()
    authorize = Authorize(
        rejects, system.journal.of("state", system.state), system.journal.of("policies", system.policies)
    )
    with pytest.raises(TokenRejected):
        authorize("token", *REQUEST)
    assert system.journal.calls == []


def test_a_revoked_token_causes_no_read_of_policies() -> None:
    system = System()
    system.state.put(Revocation("sub", system.callers["clerk"].subject, mint.NOW, "admin"))
    with pytest.raises(TokenRejected):
        system.authorize("clerk", *REQUEST)
    assert system.journal.calls == STATE_ONLY


# --- the cache ---


def test_the_next_request_does_not_use_a_removed_statement() -> None:
    system = System()
    system.write(READ, WRITE)
    assert system.sids() == ("read", "write")
    system.write(READ)
    assert system.sids() == ("read",)


def test_the_next_request_does_not_use_a_deleted_policy() -> None:
    system = System()
    system.write(READ)
    system.authorize("clerk", *REQUEST)
    system.policies.delete("group:clerks", "admin", None)
    system.state.bump()
    assert system.authorize("clerk", *REQUEST).permissions.policies == NOTHING


def test_the_next_request_uses_a_new_policy_after_a_cached_missing_policy() -> None:
    system = System()
    assert system.sids() == NOTHING
    system.write(READ)
    assert system.sids() == ("read",)


@pytest.mark.parametrize(
    "generation", [0, 2, 1_800_000_000_000], ids=["a lower generation", "a higher generation", "a restarted generation"]
)
def test_cached_policies_are_used_only_under_the_same_generation(generation: int) -> None:
    system = System()
    system.authorize("clerk", *REQUEST)
    system.state.generation = generation
    assert system.reads(lambda: system.authorize("clerk", *REQUEST)) == STATE_THEN_POLICIES


def test_without_an_increment_of_the_generation_a_change_applies_after_60_seconds() -> None:
    system = System()
    system.write(READ, WRITE)
    system.authorize("clerk", *REQUEST)
    system.policies.put("group:clerks", statements(READ), "admin", None)
    system.clock.advance(GREATEST_AGE - 0.001)
    assert system.sids() == ("read", "write")
    system.clock.advance(0.001)
    assert system.sids() == ("read",)


def test_the_use_of_a_cached_policy_does_not_extend_its_lifetime() -> None:
    system = System()
    system.write(READ)
    for _ in range(GREATEST_AGE):
        system.authorize("clerk", *REQUEST)
        system.clock.advance(1)
    assert system.reads(lambda: system.authorize("clerk", *REQUEST)) == STATE_THEN_POLICIES


class WritesWhileReading(FakePolicies):
    """Runs a write after a read of policies and before the read returns them."""

    def __init__(self, write: Callable[[], None]) -> None:
        super().__init__()
        self.write: Callable[[], None] | None = write

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        found = super().read(subjects)
        if self.write:
            write, self.write = self.write, None
            write()
        return found


def test_an_old_policy_is_never_cached_under_a_new_generation() -> None:
    def remove_write() -> None:
        policies.put("group:clerks", statements(READ), "admin", None)
        state.bump()

    state, policies = FakeState(), WritesWhileReading(remove_write)
    policies.policies["group:clerks"] = Policy("group:clerks", 1, statements(READ, WRITE), "admin", "")
    authorize = Authorize(lambda _: principal(), state, policies, now=Clock(0))
    assert len(authorize("clerk", *REQUEST).permissions.statements) == 2, (
        "the request started before the change was acknowledged"
    )
    assert [statement.sid for statement in authorize("clerk", *REQUEST).permissions.statements] == ["read"]


class Slow:
    """Delegates to another reader and takes three seconds. The result is from the start of the read."""

    def __init__(self, reader: Any, clock: Clock) -> None:
        self._reader, self._clock = reader, clock

    def read(self, *arguments: Any) -> Any:
        answer = self._reader.read(*arguments)
        self._clock.advance(3)
        return answer


def test_staleness_counts_from_the_start_of_the_state_read() -> None:
    state, clock = FakeState(), Clock(0)
    authorize = Authorize(lambda _: principal(), Slow(state, clock), FakePolicies(), max_staleness=5, now=clock)
    authorize("clerk", *REQUEST)
    clock.advance(1.999)
    authorize("clerk", *REQUEST)
    assert state.reads == 1
    clock.advance(0.001)
    authorize("clerk", *REQUEST)
    assert state.reads == 2


def test_the_age_of_a_cached_entry_counts_from_the_start_of_the_policy_read() -> None:
    policies, clock = FakePolicies(), Clock(0)
    authorize = Authorize(lambda _: principal(), FakeState(), Slow(policies, clock), now=clock)
    authorize("clerk", *REQUEST)
    clock.advance(GREATEST_AGE - 3 - 0.001)
    authorize("clerk", *REQUEST)
    assert policies.reads == 1
    clock.advance(0.001)
    authorize("clerk", *REQUEST)
    assert policies.reads == 2


def test_the_permissions_are_the_same_object_until_the_generation_changes() -> None:
    system = System()
    system.write(READ)
    before = system.authorize("clerk", *REQUEST).permissions
    assert system.authorize("clerk", *REQUEST).permissions is before
    system.write(READ)
    after = system.authorize("clerk", *REQUEST).permissions
    assert after is not before


# --- failures ---


class FailsOnce:
    """Delegates to another reader. The first call fails."""

    def __init__(self, reader: Any) -> None:
        self._reader, self._failed = reader, False

    def read(self, *arguments: Any) -> Any:
        if not self._failed:
            self._failed = True
            raise CannotDecide("unreachable", "DynamoDB: timeout")
        return self._reader.read(*arguments)


@pytest.mark.parametrize("max_staleness", [0, 5])
def test_a_failed_state_read_fails_the_request_and_is_not_cached(max_staleness: int) -> None:
    state, policies = FakeState(), FakePolicies()
    authorize = Authorize(lambda _: principal(), FailsOnce(state), policies, max_staleness, now=Clock(0))
    with pytest.raises(CannotDecide):
        authorize("clerk", *REQUEST)
    assert (state.reads, policies.reads) == (0, 0)
    authorize("clerk", *REQUEST)
    assert (state.reads, policies.reads) == (1, 1)


@pytest.mark.parametrize("max_staleness", [0, 5])
def test_a_failed_policy_read_fails_the_request_and_is_not_cached(max_staleness: int) -> None:
    policies = FakePolicies()
    policies.put("group:clerks", statements(READ), "admin", None)
    authorize = Authorize(lambda _: principal(), FakeState(), FailsOnce(policies), max_staleness, now=Clock(0))
    with pytest.raises(CannotDecide):
        authorize("clerk", *REQUEST)
    assert [statement.sid for statement in authorize("clerk", *REQUEST).permissions.statements] == ["read"]


# --- revocations ---

REVOKED_AT = mint.NOW - 60
REVOCATIONS = [("sub", principal().subject), ("client", mint.WEB_CLIENT)]


def is_refused(system: System, caller: str = "clerk") -> bool:
    try:
        system.authorize(caller, *REQUEST)
    except TokenRejected as rejected:
        return rejected.code == "revoked"
    return False


@pytest.mark.parametrize(("kind", "value"), REVOCATIONS)
@pytest.mark.parametrize(
    ("issued_at", "refused"),
    [(REVOKED_AT - 1, True), (REVOKED_AT, True), (REVOKED_AT + 1, False)],
    ids=["a second before", "in the same second", "a second after"],
)
def test_a_revocation_refuses_tokens_up_to_its_own_second(
    kind: RevocationKind, value: str, issued_at: int, refused: bool
) -> None:
    system = System(clerk=principal(iat=issued_at))
    system.state.put(Revocation(kind, value, REVOKED_AT, "admin"))
    assert is_refused(system) is refused


@pytest.mark.parametrize(("kind", "value"), REVOCATIONS)
@pytest.mark.parametrize(
    ("revoked", "issued", "now", "refused"),
    [
        pytest.param(0, 1, 0, True, id="issued one second after the revocation, used at the revocation"),
        pytest.param(0, 1, 0.9, True, id="issued one second after the revocation, used 0.9 s after it"),
        pytest.param(0, 60, 0, True, id="issued 60 s after the revocation, used at the revocation"),
        pytest.param(0, 60, 59, True, id="issued 60 s after the revocation, used 59 s after it"),
        pytest.param(0, 61, 1, False, id="issued 61 s after the revocation, used 1 s after it"),
        pytest.param(-3600, 30, 0, False, id="issued 30 s in the future, an hour after the revocation"),
        pytest.param(0, 1, 1, False, id="issued and used one second after the revocation"),
        pytest.param(10, 5, 0, True, id="issued 5 s and revoked 10 s in the future"),
    ],
)
def test_a_token_with_a_future_iat_has_no_leeway_after_a_revocation(
    kind: RevocationKind, value: str, revoked: int, issued: int, now: float, refused: bool
) -> None:
    system = System(clerk=principal(iat=mint.NOW + issued - 3600, exp=mint.NOW + 3600))
    system.state.put(Revocation(kind, value, mint.NOW + revoked - 3600, "admin"))
    system.clock.now = mint.NOW + now - 3600
    assert is_refused(system) is refused


def test_a_token_with_a_future_iat_is_accepted_without_a_revocation() -> None:
    system = System(clerk=principal(iat=mint.NOW))
    system.clock.now = mint.NOW - 30
    assert not is_refused(system)


def test_a_revoked_session_refuses_tokens_of_any_age() -> None:
    system = System(clerk=principal(iat=mint.NOW))
    system.state.put(Revocation("session", principal().session, REVOKED_AT, "admin"))
    assert is_refused(system)


@pytest.mark.parametrize("kind", ["sub", "client", "session"])
def test_a_revocation_of_another_value_refuses_no_token(kind: RevocationKind) -> None:
    system = System()
    system.state.put(Revocation(kind, "another", mint.NOW, "admin"))
    assert not is_refused(system)


def test_a_revocation_refuses_the_next_request_also_with_a_cached_policy() -> None:
    system = System()
    system.authorize("clerk", *REQUEST)
    system.state.put(Revocation("sub", principal().subject, mint.NOW, "admin"))
    assert is_refused(system)
    system.state.lift("sub", principal().subject)
    assert not is_refused(system)


def test_a_cached_token_is_refused_after_its_revocation() -> None:
    state = FakeState()
    authorize = Authorize(VerifyToken(FakeKeys(), mint.EXPECTED, now=Clock()), state, FakePolicies(), now=Clock(0))
    token = mint.token(mint.person())
    authorize(token, *REQUEST)
    state.put(Revocation("sub", principal().subject, mint.NOW, "admin"))
    with pytest.raises(TokenRejected):
        authorize(token, *REQUEST)


def test_a_revocation_applies_after_the_allowed_staleness_at_the_latest() -> None:
    system = System(max_staleness=5)
    system.authorize("clerk", *REQUEST)
    system.state.put(Revocation("sub", principal().subject, mint.NOW, "admin"))
    system.clock.advance(4.999)
    assert not is_refused(system)
    system.clock.advance(0.001)
    assert is_refused(system)


def test_a_policy_change_applies_after_the_allowed_staleness_at_the_latest() -> None:
    system = System(max_staleness=5)
    system.write(READ, WRITE)
    system.authorize("clerk", *REQUEST)
    system.write(READ)
    system.clock.advance(4.999)
    assert system.sids() == ("read", "write")
    system.clock.advance(0.001)
    assert system.sids() == ("read",)


@pytest.mark.parametrize(
    ("kind", "value", "claims"),
    [
        ("sub", "another", {"sub": "another"}),
        ("session", "another", {"origin_jti": "another"}),
        ("client", mint.MACHINE_CLIENT, {"client_id": mint.MACHINE_CLIENT}),
    ],
)
def test_a_state_read_within_the_staleness_is_not_used_for_another_caller(
    kind: RevocationKind, value: str, claims: dict[str, object]
) -> None:
    system = System(max_staleness=5, other=principal(**claims))
    system.authorize("clerk", *REQUEST)
    system.state.put(Revocation(kind, value, mint.NOW, "admin"))
    assert is_refused(system, "other")


# --- the effective permissions ---


def test_a_user_has_the_policies_of_all_groups_in_the_order_of_the_token() -> None:
    clerk_and_auditor = principal(**{"cognito:groups": ["auditors", "clerks"]})
    system = System(both=clerk_and_auditor)
    system.write(READ)
    system.write(WRITE, subject="group:auditors")
    system.write(WRITE, subject="group:auditors")
    authorization = system.authorize("both", *REQUEST)
    assert authorization.permissions.policies == ("group:auditors@2", "group:clerks@1")
    assert system.sids("both") == ("write", "read")
    assert (authorization.principal, authorization.permissions.generation) == (
        clerk_and_auditor,
        system.state.generation,
    )


def test_a_group_without_a_policy_adds_no_permission() -> None:
    system = System(sso=principal(**{"cognito:groups": ["mars-west-1_Olympus_Okta", "clerks"]}))
    system.write(READ)
    assert system.authorize("sso", *REQUEST).permissions.policies == ("group:clerks@1",)


def test_a_user_without_groups_does_not_get_the_policy_of_the_app_client() -> None:
    system = System(nobody=principal(**{"cognito:groups": None}))
    system.write(READ, subject=f"client:{mint.WEB_CLIENT}")
    assert system.authorize("nobody", *REQUEST).permissions.policies == NOTHING


def test_a_machine_has_only_the_policy_of_its_app_client() -> None:
    claims = mint.machine(**{"cognito:groups": ["clerks"]})
    system = System(robot=principal_from(claims, mint.EXPECTED, mint.NOW))
    system.write(READ)
    system.write(WRITE, subject=f"client:{mint.MACHINE_CLIENT}")
    assert system.sids("robot") == ("write",)


def test_a_statement_with_scopes_applies_only_to_a_token_with_one_of_them() -> None:
    system = System(bare=principal(scope="openid"))
    system.write(READ, {**WRITE, "scopes": ["https://gatehouse.example/file.read", "another"]})
    assert system.sids("clerk") == ("read", "write")
    assert system.sids("bare") == ("read",)
    assert system.sids("clerk") == ("read", "write"), "the cached permissions of one caller are not used for another"


def test_a_deny_with_a_scope_does_not_apply_to_a_token_without_the_scope() -> None:
    system = System(bare=principal(scope="openid"))
    system.write(READ, deny("/reports", sid="keep", scopes=["https://gatehouse.example/file.read"]))
    assert system.sids("clerk") == ("read", "keep")
    assert system.sids("bare") == ("read",)


def test_a_policy_whose_statements_do_not_apply_is_still_listed() -> None:
    system = System(bare=principal(scope="openid"))
    system.write({**READ, "scopes": ["another"]})
    assert system.authorize("bare", *REQUEST).permissions.policies == ("group:clerks@1",)
    assert system.sids("bare") == NOTHING


# --- the decision ---


@pytest.mark.parametrize(
    ("rules", "request_", "decision"),
    [
        pytest.param([READ], ("GET", "/reports"), Decision(True, "allowed_by", ("read",)), id="an allow"),
        pytest.param([READ], ("PUT", "/reports"), Decision(False, "not_permitted"), id="no statement for the method"),
        pytest.param([READ], ("GET", "/files"), Decision(False, "not_permitted"), id="no statement for the path"),
        pytest.param([READ, KEEP], ("GET", "/reports"), Decision(False, "denied_by", ("keep",)), id="a deny"),
        pytest.param([], ("GET", "/reports"), Decision(False, "not_permitted"), id="a policy without statements"),
        pytest.param(None, ("GET", "/reports"), Decision(False, "no_policy"), id="no policy"),
    ],
)
def test_the_authorization_contains_the_decision_for_the_request(
    rules: list[dict[str, Any]] | None, request_: tuple[str, str], decision: Decision
) -> None:
    system = System()
    if rules is not None:
        system.write(*rules)
    assert system.authorize("clerk", *request_).decision == decision


def test_cached_permissions_give_each_request_its_own_decision() -> None:
    system = System()
    system.write(READ)
    first, second = system.authorize("clerk", "GET", "/reports"), system.authorize("clerk", "PUT", "/reports")
    assert (first.decision.allowed, second.decision.allowed) == (True, False)
    assert first.permissions is second.permissions

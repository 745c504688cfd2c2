"""A freeze refuses policy changes, and a lockdown denies every request, for a limited time."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from chalicelib.administer import Administer
from chalicelib.audit import Audit
from chalicelib.authorize import Authorize
from chalicelib.core.decision import Decision
from chalicelib.core.errors import CannotDecide, Conflict, InternalError, InvalidInput, TokenRejected
from chalicelib.core.principal import Principal
from chalicelib.ports import AuthorizationState, Restriction, RestrictionKind
from chalicelib.restrict import LONGEST_REASON, LONGEST_SECONDS, RefuseFrozen, Restrict, moment
from tests import mint
from tests.fakes import Clock, FakeAuditLog, FakePolicies, FakeRestrictions, FakeState, allow, principal, statements

HOUR = 3600
CLERK = principal()
KINDS: tuple[RestrictionKind, ...] = ("freeze", "lockdown")
LOCKED, ALLOWED = Decision(False, "locked_down"), Decision(True, "allowed_by", ("allow",))


class Stage:
    """One stage with the use cases that a restriction concerns."""

    def __init__(self) -> None:
        self.clock, self.state, self.policies = Clock(), FakeState(), FakePolicies()
        self.log, self.warnings = FakeAuditLog(), list[str]()
        self.restrictions = FakeRestrictions(self.state)
        self.audit = Audit(self.log, "cli", now=self.clock, suffix=map("{:08x}".format, count()).__next__)
        self.restrict = Restrict(self.restrictions, self.audit, "trial", self.warnings.append, self.clock)
        self.administer = Administer(
            self.policies,
            self.state,
            self.state,
            Audit(FakeAuditLog()),
            check_size=lambda _: None,
            refuse_frozen=RefuseFrozen(self.restrictions, self.clock),
        )
        self.administer.put_policy("group:clerks", statements(allow("/reports")), "admin")

    def decide(self, verify: Callable[[str], Principal] = lambda _: CLERK, staleness: float = 0) -> Decision:
        return Authorize(verify, self.state, self.policies, staleness, self.clock)("token", "GET", "/reports").decision


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_lockdown_denies_a_permitted_request_until_it_ends(stage: Stage) -> None:
    assert stage.decide() == ALLOWED
    stage.restrict.restrict("lockdown", HOUR, "a leak", "zeus")
    assert stage.decide() == LOCKED
    stage.clock.advance(HOUR - 1)
    assert stage.decide() == LOCKED
    stage.clock.advance(1)
    assert stage.decide() == ALLOWED


def test_a_lifted_lockdown_denies_no_request(stage: Stage) -> None:
    stage.restrict.restrict("lockdown", HOUR, "a leak", "zeus")
    stage.restrict.lift("lockdown", "closed", "hera")
    assert stage.decide() == ALLOWED


def test_a_lockdown_denies_on_cached_policies_and_leaves_them_in_the_cache(stage: Stage) -> None:
    authorize = Authorize(lambda _: CLERK, stage.state, stage.policies, now=stage.clock)
    authorize("token", "GET", "/reports")
    reads = stage.policies.reads
    stage.restrict.restrict("lockdown", HOUR, "a leak", "zeus")
    assert authorize("token", "GET", "/reports").decision == LOCKED
    stage.restrict.lift("lockdown", "closed", "zeus")
    assert authorize("token", "GET", "/reports").decision == ALLOWED
    assert stage.policies.reads == reads


def test_a_reused_state_reading_does_not_extend_a_lockdown(stage: Stage) -> None:
    stage.restrict.restrict("lockdown", 60, "a leak", "zeus")
    authorize = Authorize(lambda _: CLERK, stage.state, stage.policies, max_staleness=600, now=stage.clock)
    assert authorize("token", "GET", "/reports").decision == LOCKED
    stage.clock.advance(60)
    assert authorize("token", "GET", "/reports").decision == ALLOWED
    assert stage.state.reads == 1


def test_an_instance_whose_clock_is_ahead_ends_a_lockdown_early_by_that_difference(stage: Stage) -> None:
    stage.restrict.restrict("lockdown", HOUR, "a leak", "zeus")
    ahead = Clock(stage.clock.now + 120)
    authorize = Authorize(lambda _: CLERK, stage.state, stage.policies, now=ahead)
    stage.clock.advance(HOUR - 121)
    ahead.advance(HOUR - 121)
    assert authorize("token", "GET", "/reports").decision == LOCKED
    ahead.advance(1)
    assert authorize("token", "GET", "/reports").decision == ALLOWED


def test_a_revoked_token_is_still_rejected_during_a_lockdown(stage: Stage) -> None:
    stage.administer.revoke("session", CLERK.session, "admin")
    stage.restrict.restrict("lockdown", HOUR, "a leak", "zeus")
    with pytest.raises(TokenRejected):
        stage.decide()


def test_a_state_that_cannot_be_read_is_a_failure_during_a_lockdown(stage: Stage) -> None:
    class Unreadable(FakeState):
        def read(self, principal: Principal) -> AuthorizationState:
            raise CannotDecide("state_unreachable", "DynamoDB: ThrottlingException")

    stage.state = Unreadable(locked_until=mint.NOW + HOUR)
    with pytest.raises(CannotDecide):
        stage.decide()


def test_a_freeze_refuses_every_policy_change_and_says_until_when_and_why(stage: Stage) -> None:
    stage.restrict.restrict("freeze", HOUR, "an audit", "zeus")
    with pytest.raises(Conflict, match="an audit") as refused:
        stage.administer.put_policy("group:clerks", statements(allow("/*")), "admin")
    assert refused.value.code == "policies_frozen"
    assert moment(mint.NOW + HOUR) in refused.value.message
    with pytest.raises(Conflict):
        stage.administer.delete_policy("group:clerks", "admin", force=True)
    assert stage.policies.get("group:clerks").version == 1
    assert stage.decide() == ALLOWED


def test_tokens_can_be_revoked_during_a_freeze(stage: Stage) -> None:
    stage.restrict.restrict("freeze", HOUR, "an audit", "zeus")
    stage.administer.revoke("sub", CLERK.subject, "admin")
    stage.administer.lift("sub", CLERK.subject, "admin")


@pytest.mark.parametrize(
    "ends", [lambda stage: stage.clock.advance(HOUR), lambda stage: stage.restrict.lift("freeze", "over", "zeus")]
)
def test_policies_can_change_after_a_freeze(stage: Stage, ends: Callable[[Stage], object]) -> None:
    stage.restrict.restrict("freeze", HOUR, "an audit", "zeus")
    ends(stage)
    assert stage.administer.put_policy("group:clerks", statements(allow("/*")), "admin").version == 2


def test_each_change_is_recorded_before_it_is_written(stage: Stage) -> None:
    for kind in KINDS:
        stage.restrict.restrict(kind, HOUR, "a leak at jane@example.com", "zeus")
        stage.restrict.lift(kind, "closed", "hera")
    until = {"until": moment(mint.NOW + HOUR)}
    assert [(it.action, it.subject, it.by, it.way, it.detail) for it in stage.log.entries] == [
        ("stage.freeze", "stage:trial", "zeus", "cli", {"reason": "a leak at jane@***", **until}),
        ("stage.lift_freeze", "stage:trial", "hera", "cli", {"reason": "closed"}),
        ("stage.lockdown", "stage:trial", "zeus", "cli", {"reason": "a leak at jane@***", **until}),
        ("stage.lift_lockdown", "stage:trial", "hera", "cli", {"reason": "closed"}),
    ]


@pytest.mark.parametrize("kind", ["freeze", "lockdown"])
def test_a_restriction_that_fails_is_recorded_as_an_attempt_and_as_failed(stage: Stage, kind: RestrictionKind) -> None:
    class Failing(FakeRestrictions):
        def put(self, restriction: Restriction) -> None:
            raise InternalError("state_unreachable", str(restriction))

    use_case = replace(stage.restrict, restrictions=Failing())
    with pytest.raises(InternalError, match="a leak"):
        use_case.restrict(kind, HOUR, "a leak", "zeus")
    assert [it.detail.get("failed") for it in stage.log.entries] == [None, "state_unreachable"]


def test_a_lockdown_does_not_need_the_audit_table_and_says_that_it_is_not_recorded(stage: Stage) -> None:
    stage.log.failure = InternalError("audit_unreachable", "DynamoDB: ThrottlingException")
    stage.restrict.restrict("lockdown", HOUR, "a leak", "zeus")
    assert stage.decide() == LOCKED
    (warning,) = stage.warnings
    assert "audit_unreachable: DynamoDB: ThrottlingException" in warning


@pytest.mark.parametrize("kind", ["freeze", "lockdown"])
def test_a_freeze_and_the_end_of_a_restriction_need_the_audit_table(stage: Stage, kind: RestrictionKind) -> None:
    stage.restrict.restrict("lockdown", HOUR, "a leak", "zeus")
    stage.log.failure = InternalError("audit_unreachable", "DynamoDB: ThrottlingException")
    before = dict(stage.restrictions.stored)
    with pytest.raises(InternalError):
        stage.restrict.lift(kind, "closed", "zeus")
    with pytest.raises(InternalError):
        stage.restrict.restrict("freeze", HOUR, "a leak", "zeus")
    assert (stage.restrictions.stored, stage.warnings) == (before, [])


@pytest.mark.parametrize("seconds", [0, 59, LONGEST_SECONDS + 1, -HOUR])
@pytest.mark.parametrize("kind", ["freeze", "lockdown"])
def test_a_restriction_without_a_sensible_limit_is_refused(stage: Stage, kind: RestrictionKind, seconds: int) -> None:
    with pytest.raises(InvalidInput):
        stage.restrict.restrict(kind, seconds, "a leak", "zeus")
    assert stage.restrictions.stored == {}


@pytest.mark.parametrize("reason", ["", "   ", "x" * (LONGEST_REASON + 1), "two\nlines"])
def test_a_restriction_without_a_reason_of_one_line_is_refused(stage: Stage, reason: str) -> None:
    with pytest.raises(InvalidInput):
        stage.restrict.restrict("freeze", HOUR, reason, "zeus")

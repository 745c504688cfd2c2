"""A write stores the policy, increments the generation and acknowledges. A revocation covers whole seconds."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.administer import Administer
from chalicelib.audit import Audit
from chalicelib.core.errors import InternalError, InvalidInput, NotFound, VersionConflict
from chalicelib.core.policy import Policy
from chalicelib.core.statement import Statement
from chalicelib.ports import Revocation, RevocationKind
from tests import mint
from tests.fakes import Clock, FakeAuditLog, FakePolicies, FakeState, Journal, allow, statements

READ = allow("/reports", sid="read")
CLERKS = "group:clerks"
SUBJECT, SESSION = "c1e7c000-0000-4000-8000-00000000c1e7", "0b1e55ed-90e1-70cd-8000-000000000001"
REVOCABLE = [("sub", SUBJECT), ("client", mint.WEB_CLIENT), ("session", SESSION)]


def at_most_two(policy: Sequence[Statement]) -> None:
    if len(policy) > 2:
        raise InvalidInput("statements", "too large")


def administer(policies: Any, generation: Any, revocations: Any) -> Administer:
    return Administer(policies, generation, revocations, Audit(FakeAuditLog()), at_most_two)


class System:
    def __init__(self) -> None:
        self.policies, self.state, self.journal, self.clock = FakePolicies(), FakeState(), Journal(), Clock()
        self.audit_log = FakeAuditLog()
        self.administer = Administer(
            policies=self.journal.of("policies", self.policies),
            generation=self.journal.of("generation", self.state),
            revocations=self.state,
            audit=Audit(self.audit_log, now=self.clock),
            check_size=at_most_two,
            clients=lambda: frozenset({mint.WEB_CLIENT, mint.MACHINE_CLIENT}),
            now=self.clock,
        )

    def put(self, *rules: dict[str, Any], version: int | None = None) -> Policy:
        return self.administer.put_policy(CLERKS, statements(*rules), "admin", version)


# --- policies ---


def test_a_policy_is_stored_before_the_generation_is_incremented() -> None:
    system = System()
    put = system.put(READ)
    assert system.journal.calls == ["policies.put", "generation.bump"]
    assert system.policies.get(CLERKS) == put
    assert (put.version, put.statements, put.updated_by) == (1, statements(READ), "admin")


def test_a_policy_is_deleted_before_the_generation_is_incremented() -> None:
    system = System()
    system.put(READ)
    system.journal.calls.clear()
    system.administer.delete_policy(CLERKS, "admin")
    assert system.journal.calls == ["policies.delete", "generation.bump"]
    assert system.administer.list_policies() == []


class UnreachableGeneration:
    """A Generation that is unreachable."""

    def bump(self) -> int:
        raise InternalError("state_unreachable", "DynamoDB: timeout")


@pytest.mark.parametrize(
    "change",
    [lambda a: a.put_policy(CLERKS, (), "admin"), lambda a: a.delete_policy(CLERKS, "admin")],
    ids=["put", "delete"],
)
def test_a_change_is_not_acknowledged_if_the_increment_fails(change: Callable[[Administer], object]) -> None:
    system = System()
    system.put(READ)
    with pytest.raises(InternalError):
        change(administer(system.policies, UnreachableGeneration(), system.state))


def test_a_policy_can_be_replaced_at_the_version_that_was_read() -> None:
    system = System()
    system.put(READ, version=0)
    assert system.put(version=1).version == 2


@pytest.mark.parametrize("version", [0, 2])
def test_a_change_at_an_outdated_version_is_refused(version: int) -> None:
    system = System()
    system.put(READ)
    with pytest.raises(VersionConflict):
        system.put(version=version)
    with pytest.raises(VersionConflict):
        system.administer.delete_policy(CLERKS, "admin", version)
    assert system.administer.get_policy(CLERKS).version == 1


class ResponseLost(FakePolicies):
    """Stores every change and loses the response."""

    def put(self, *change: Any) -> Policy:
        super().put(*change)
        raise InternalError("policies_unreachable", "the response was lost")

    def delete(self, *change: Any) -> None:
        super().delete(*change)
        raise InternalError("policies_unreachable", "the response was lost")


@pytest.mark.parametrize(
    "change",
    [lambda a: a.put_policy(CLERKS, (), "admin"), lambda a: a.delete_policy(CLERKS, "admin")],
    ids=["put", "delete"],
)
def test_a_change_with_a_lost_response_increments_the_generation(change: Callable[[Administer], object]) -> None:
    policies, state = ResponseLost(), FakeState(generation=7)
    policies.policies[CLERKS] = Policy(CLERKS, 1, (), "admin", "2027-01-15T08:00:00+00:00")
    with pytest.raises(InternalError):
        change(administer(policies, state, state))
    assert state.generation == 8


def test_a_policy_that_is_too_large_is_refused_before_anything_is_stored_or_incremented() -> None:
    system = System()
    with pytest.raises(InvalidInput) as refused:
        system.put(*({**READ, "sid": str(number)} for number in range(3)))
    assert refused.value.field == "statements"
    assert system.journal.calls == []


def test_a_write_without_a_version_replaces_any_version() -> None:
    system = System()
    system.put(READ)
    assert system.put(version=None).version == 2


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, subject: a.get_policy(subject),
        lambda a, subject: a.put_policy(subject, (), "admin"),
        lambda a, subject: a.delete_policy(subject, "admin"),
    ],
    ids=["get", "put", "delete"],
)
@pytest.mark.parametrize("subject", ["clerks", "user:clerk", "group:", "group:a b"])
def test_an_invalid_subject_is_refused_before_any_read(
    operation: Callable[[Administer, str], object], subject: str
) -> None:
    system = System()
    with pytest.raises(InvalidInput) as refused:
        operation(system.administer, subject)
    assert refused.value.field == "subject"
    assert system.journal.calls == []


def test_a_missing_policy_is_not_found() -> None:
    administer = System().administer
    with pytest.raises(NotFound):
        administer.get_policy(CLERKS)


def test_a_policy_can_be_read_by_its_subject_and_in_the_list() -> None:
    system = System()
    put = system.put(READ)
    assert system.administer.get_policy(CLERKS) == put
    assert system.administer.list_policies() == [put]


# --- history and rollback ---


def test_a_rollback_writes_the_statements_of_the_version_as_a_new_version() -> None:
    system = System()
    for version, rules in ((1, [READ]), (2, [])):
        entry = system.administer.audit.policy_entry(CLERKS, "admin", version, None, statements(*rules))
        system.audit_log.add(entry)
    system.put(READ)
    system.put()
    restored = system.administer.rollback(CLERKS, 1, "auditor", version=2)
    assert (restored.version, restored.statements, restored.updated_by) == (3, statements(READ), "auditor")
    assert system.journal.calls[-2:] == ["policies.put", "generation.bump"]


def test_a_version_without_an_entry_is_the_one_that_the_next_version_replaced() -> None:
    system = System()
    system.audit_log.add(system.administer.audit.policy_entry(CLERKS, "admin", 8, statements(READ), ()))
    assert system.administer.statements_at(CLERKS, 7) == statements(READ)
    with pytest.raises(NotFound):
        system.administer.statements_at(CLERKS, 6)


def many_versions(*versions: int | None) -> System:
    """Records one entry for each version, the oldest first. None is an edit by another tool."""
    system = System()
    for version in versions:
        system.clock.advance(1)
        entry = system.administer.audit.policy_entry(CLERKS, "admin", version or 0, None, statements(READ))
        after = statements({**READ, "sid": f"v{version}"})
        system.audit_log.add(replace(entry, version=version, after=after))
    return system


@pytest.mark.parametrize(("version", "pages"), [(120, 1), (71, 1), (70, 2), (3, 3), (1, 3)])
def test_a_version_is_found_behind_many_later_ones(version: int, pages: int) -> None:
    system = many_versions(*range(1, 121))
    assert system.administer.statements_at(CLERKS, version)[0].sid == f"v{version}"
    assert system.audit_log.pages_read == pages


@pytest.mark.parametrize(("first", "version", "pages"), [(1, 121, 1), (1, 10**9, 1), (200, 150, 1), (200, 198, 1)])
def test_an_unknown_version_is_refused_without_reading_the_history_and_names_the_known_ones(
    first: int, version: int, pages: int
) -> None:
    system = many_versions(*range(first, first + 120))
    with pytest.raises(NotFound, match=rf"The recorded versions are {first} to {first + 119}$"):
        system.administer.statements_at(CLERKS, version)
    assert system.audit_log.pages_read == pages


def test_without_any_entry_no_version_is_recorded() -> None:
    with pytest.raises(NotFound, match="No version of it is recorded"):
        System().administer.statements_at(CLERKS, 1)


def test_a_version_is_found_behind_an_edit_that_lowered_the_number() -> None:
    """Another tool can write any version into the item. The stream handler records such an edit without a version."""
    system = many_versions(*range(1, 201), None, *range(2, 10))
    assert system.administer.statements_at(CLERKS, 120)[0].sid == "v120"
    assert system.administer.statements_at(CLERKS, 9)[0].sid == "v9"


@pytest.mark.parametrize("change", ["revoke", "lift"])
def test_a_revocation_is_recorded_before_it_is_made(change: str) -> None:
    system = System()
    system.administer.revoke("sub", SUBJECT, "admin")
    system.audit_log.failure = InternalError("audit_unreachable", "DynamoDB: timeout")
    with pytest.raises(InternalError):
        getattr(system.administer, change)("session" if change == "revoke" else "sub", SUBJECT, "admin")
    assert [it.kind for it in system.administer.list_revocations()] == ["sub"]


# --- revocations ---


@pytest.mark.parametrize(("kind", "value"), REVOCABLE)
def test_a_revocation_covers_tokens_issued_up_to_the_current_second(kind: RevocationKind, value: str) -> None:
    system = System()
    system.clock.advance(0.999)
    revocation = system.administer.revoke(kind, value, "admin")
    assert revocation == Revocation(kind, value, mint.NOW, "admin")
    assert system.administer.list_revocations() == [revocation]


def test_a_revocation_is_not_acknowledged_if_it_was_not_stored() -> None:
    class Unreachable(FakeState):
        def put(self, revocation: Revocation) -> None:
            raise InternalError("state_unreachable", "DynamoDB: timeout")

    state = Unreachable()
    with pytest.raises(InternalError):
        administer(FakePolicies(), state, state).revoke("sub", SUBJECT, "admin")


@pytest.mark.parametrize(("kind", "value"), REVOCABLE)
def test_a_revocation_is_lifted_by_its_kind_and_value(kind: RevocationKind, value: str) -> None:
    system = System()
    system.administer.revoke(kind, value, "admin")
    system.administer.lift(kind, value, "admin")
    assert system.administer.list_revocations() == []
    with pytest.raises(NotFound):
        system.administer.lift(kind, value, "admin")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("client", "*", id="every client"),
        pytest.param("client", "another", id="a client of another app"),
        pytest.param("client", mint.WEB_CLIENT.upper(), id="a client in upper case"),
        pytest.param("client", f"{mint.WEB_CLIENT},{mint.MACHINE_CLIENT}", id="two clients"),
        pytest.param("client", SUBJECT, id="a subject as a client"),
        pytest.param("sub", "*", id="every subject"),
        pytest.param("sub", "clerk", id="a username"),
        pytest.param("sub", mint.MACHINE_CLIENT, id="a machine, which is revoked by its client"),
        pytest.param("sub", SUBJECT.upper(), id="a subject in upper case"),
        pytest.param("sub", f"{SUBJECT} ", id="a trailing space"),
        pytest.param("sub", SUBJECT.replace("-", ""), id="a subject without its hyphens"),
        pytest.param("sub", "s" * 256, id="a string of 256 characters"),
        pytest.param("session", "*", id="every session"),
        pytest.param("session", SESSION[:-1], id="a truncated session"),
        pytest.param("session", f"{{{SESSION}}}", id="a session in braces"),
    ],
)
def test_a_value_that_no_token_carries_cannot_be_revoked(kind: RevocationKind, value: str) -> None:
    system = System()
    with pytest.raises(InvalidInput) as refused:
        system.administer.revoke(kind, value, "admin")
    assert refused.value.field == kind
    assert system.administer.list_revocations() == []


def test_an_invalid_stored_revocation_can_be_lifted() -> None:
    system = System()
    system.state.put(Revocation("client", "*", mint.NOW, "admin"))
    system.administer.lift("client", "*", "admin")
    assert system.administer.list_revocations() == []


def test_without_app_clients_only_users_and_sessions_can_be_revoked() -> None:
    state = FakeState()
    without_clients = administer(FakePolicies(), state, state)
    without_clients.revoke("sub", SUBJECT, "admin")
    with pytest.raises(InvalidInput):
        without_clients.revoke("client", mint.WEB_CLIENT, "admin")


def test_a_revocation_of_a_value_with_256_characters_can_be_lifted() -> None:
    system = System()
    system.state.put(Revocation("sub", "s" * 256, mint.NOW, "admin"))
    system.administer.lift("sub", "s" * 256, "admin")
    assert system.administer.list_revocations() == []

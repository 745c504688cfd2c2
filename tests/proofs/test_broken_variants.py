"""Checks that the invalidation machine finds faults: in broken code, and in guarantees that are too strong.

Each variant breaks one thing only. If the machine missed one, its search of the shipped code would prove little.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, cast

import pytest

from authorizers import policy_document
from authorizers.decision_log import DecisionLog
from chalicelib.administer import Administer
from chalicelib.authorize import Authorization, Authorize
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.audit import PolicyEdit
from chalicelib.core.errors import CannotDecide
from chalicelib.core.policy import Policy
from chalicelib.core.principal import Principal
from chalicelib.ports import AuthorizationState, GatewayCache
from tests.proofs.invalidation_machine import (
    ARN_BASE,
    AUDITS,
    AUTHORIZER_TIMEOUT_SECONDS,
    CHANGE,
    EDIT,
    FIRST_GENERATION,
    LOSE_GENERATION,
    REVOKE,
    SEND,
    SIGN_IN,
    STREAM,
    SUBJECTS,
    WAIT,
    Now,
    Setting,
    Shipped,
    Verify,
    explore,
    setting,
)
from tests.proofs.ledger import Guarantee, Violation
from tests.proofs.world import POLICIES, STATE


def search(code: Shipped, where: Setting, capabilities: tuple[str, ...]) -> None:
    """Search with a new seed every few runs. Hypothesis varies earlier runs, and that rarely finds a rare fault.

    The first seed is the one that finds most variants in the first round. A change of the machine can make another
    seed the better one. The result does not depend on it: the rarest variants have more than 50 rounds.
    """
    for random_seed in range(17, 71):
        explore(code, where, 60, moves=25, capabilities=(SEND, *capabilities), random_seed=random_seed, shrink=False)


# --------------------------------------------------------------------------------------------- broken authorizers


@dataclass
class OneBatch:
    """A client that reads the policies in one batch with the state, and returns them when they are requested."""

    client: Any
    read_along: threading.local = field(default_factory=threading.local)

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        if POLICIES in RequestItems:
            subjects = [key["subject"] for key in RequestItems[POLICIES]["Keys"]]
            policies = [policy for policy in self.read_along.policies if policy["subject"] in subjects]
            return {"Responses": {POLICIES: policies}, "UnprocessedKeys": {}}
        all_policies = {"Keys": [{"subject": {"S": subject}} for subject in SUBJECTS], "ConsistentRead": True}
        answer = self.client.batch_get_item(RequestItems={**RequestItems, POLICIES: all_policies})
        if answer["UnprocessedKeys"]:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        self.read_along.policies = answer["Responses"].get(POLICIES, [])
        return {"Responses": {STATE: answer["Responses"].get(STATE, [])}, "UnprocessedKeys": {}}


class StateAndPoliciesInOneBatch(Shipped):
    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        return super().authorize(OneBatch(client), verify, staleness, now)


class PoliciesBeforeTheState(Shipped):
    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        policies, early = PolicyTable(client, POLICIES, now), threading.local()

        class LateState(StateTable):
            def read(self, principal: Principal) -> AuthorizationState:
                early.policies = policies.read(principal.policy_subjects)
                return super().read(principal)

        class EarlyPolicies(PolicyTable):
            def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
                read_before: Mapping[str, Policy] = early.policies
                return read_before

        return Authorize(verify, LateState(client, STATE, now), EarlyPolicies(client, POLICIES, now), staleness, now)


class CacheThatIgnoresTheGeneration(Shipped):
    def state(self, client: Any, now: Now) -> StateTable:
        class Constant(StateTable):
            def read(self, principal: Principal) -> AuthorizationState:
                return super().read(principal)._replace(generation=1)

        return Constant(client, STATE, now)


class CacheWithoutMaximumAge(Shipped):
    """As if the clock of a container stood still while the container is frozen."""

    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        return super().authorize(client, verify, staleness, now=lambda: 0.0)


class CacheThatIgnoresScopes(Shipped):
    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        first: dict[tuple[str, ...], frozenset[str]] = {}

        def verify_as_the_first(token: str) -> Principal:
            principal = verify(token)
            return replace(principal, scopes=first.setdefault(principal.policy_subjects, principal.scopes))

        return super().authorize(client, verify_as_the_first, staleness, now)


@dataclass
class WeakReads:
    """A client that reads without consistency, or ignores unprocessed keys."""

    client: Any
    is_consistent: bool = True
    is_complete: bool = True

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        requests = {table: {**keys, "ConsistentRead": self.is_consistent} for table, keys in RequestItems.items()}
        answer = self.client.batch_get_item(RequestItems=requests)
        return answer if self.is_complete else {**answer, "UnprocessedKeys": {}}


class EventuallyConsistentState(Shipped):
    def state(self, client: Any, now: Now) -> StateTable:
        return StateTable(cast(Any, WeakReads(client, is_consistent=False)), STATE, now)


class EventuallyConsistentPolicies(Shipped):
    def policies(self, client: Any, now: Now) -> PolicyTable:
        return PolicyTable(cast(Any, WeakReads(client, is_consistent=False)), POLICIES, now)


class StateThatIgnoresUnprocessedKeys(Shipped):
    def state(self, client: Any, now: Now) -> StateTable:
        return StateTable(cast(Any, WeakReads(client, is_complete=False)), STATE, now)


class PoliciesThatIgnoreUnprocessedKeys(Shipped):
    def policies(self, client: Any, now: Now) -> PolicyTable:
        return PolicyTable(cast(Any, WeakReads(client, is_complete=False)), POLICIES, now)


class RevocationsWithoutTheirSecond(Shipped):
    """Uses `<` where `<=` is necessary."""

    def state(self, client: Any, now: Now) -> StateTable:
        class OneSecondLess(StateTable):
            def read(self, principal: Principal) -> AuthorizationState:
                reading = super().read(principal)
                return reading._replace(revoked_before=reading.revoked_before - 1)

        return OneSecondLess(client, STATE, now)


class SessionsNotRead(Shipped):
    def state(self, client: Any, now: Now) -> StateTable:
        class Sessionless(StateTable):
            def read(self, principal: Principal) -> AuthorizationState:
                return super().read(replace(principal, session=""))

        return Sessionless(client, STATE, now)


class FallbackToTheLastReading(Shipped):
    """Uses the last state reading when the state cannot be read."""

    def state(self, client: Any, now: Now) -> StateTable:
        last: dict[str, AuthorizationState] = {}

        class Fallback(StateTable):
            def read(self, principal: Principal) -> AuthorizationState:
                try:
                    last[principal.subject] = super().read(principal)
                except CannotDecide:
                    if principal.subject not in last:
                        raise
                return last[principal.subject]

        return Fallback(client, STATE, now)


class DenialOnFailure(Shipped):
    def respond(
        self, header: str, authorize: Callable[[str, str, str], Authorization], decision_log: DecisionLog
    ) -> dict[str, Any]:
        try:
            return super().respond(header, authorize, decision_log)
        except CannotDecide:
            return policy_document.result("unknown", policy_document.build((), ARN_BASE), {})


# ------------------------------------------------------------------------------------------------- broken writers


class NoGeneration:
    def bump(self) -> int:
        return 0


class BumpBeforePut(Shipped):
    def administer(self, client: Any, now: Now) -> Administer:
        state = StateTable(client, STATE, now)

        class EarlyBump(PolicyTable):
            def put(self, *change: Any, **more: Any) -> Policy:
                state.bump()
                return super().put(*change, **more)

        return replace(
            super().administer(client, now), policies=EarlyBump(client, POLICIES, now), generation=NoGeneration()
        )


class AcknowledgementBeforeBump(Shipped):
    """Assumes that the stream handler bumps the generation soon enough."""

    def administer(self, client: Any, now: Now) -> Administer:
        return replace(super().administer(client, now), generation=NoGeneration())


class DeletionWithoutBump(Shipped):
    def administer(self, client: Any, now: Now) -> Administer:
        class NoBumpOnDelete(Administer):
            def delete_policy(self, subject: str, author: str, version: int | None = None, force: bool = False) -> None:
                self.policies.delete(subject, author, version)

        shipped = super().administer(client, now)
        return NoBumpOnDelete(
            shipped.policies,
            shipped.generation,
            shipped.revocations,
            shipped.audit,
            shipped.check_size,
            shipped.clients,
            now=now,
        )


class LostGenerationRestarts(Shipped):
    """A lost generation restarts at the first value."""

    def administer(self, client: Any, now: Now) -> Administer:
        first = StateTable(client, STATE, now=lambda: FIRST_GENERATION / 1000)
        return replace(super().administer(client, now), generation=first)


# ----------------------------------------------------------------------------------------- broken stream handlers


class HandlerThatOnlyLogs(Shipped):
    def invalidate(self, client: Any, gateway_cache: GatewayCache | None, now: Now) -> Callable[[], int]:
        return NoGeneration().bump


class HandlerThatReportsNoFailure(Shipped):
    def handle_policy_changes(
        self, event: dict[str, Any], invalidate: Callable[[], int], record_edit: Callable[[PolicyEdit], bool]
    ) -> dict[str, Any]:
        super().handle_policy_changes(event, invalidate, record_edit)
        return {"batchItemFailures": []}


class HandlerThatReportsTheLastRecord(Shipped):
    """Lambda restarts at the named record, and treats the records before it as processed."""

    def handle_policy_changes(
        self, event: dict[str, Any], invalidate: Callable[[], int], record_edit: Callable[[PolicyEdit], bool]
    ) -> dict[str, Any]:
        failures = super().handle_policy_changes(event, invalidate, record_edit)["batchItemFailures"]
        last = event["Records"][-1]["dynamodb"]["SequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": last}] if failures else []}


# --------------------------------------------------------------------------------------------------- broken audit logs


class EntryAfterThePolicy(Shipped):
    """The writer stores the entry with a second call."""

    def administer(self, client: Any, now: Now) -> Administer:
        shipped = super().administer(client, now)

        class Twice(PolicyTable):
            def put(self, subject: str, *change: Any) -> Policy:
                written = super().put(subject, *change)
                entry = shipped.audit.policy_entry(subject, "registrar", written.version, None, written.statements)
                shipped.audit.log.add(entry)
                return written

        return replace(shipped, policies=Twice(client, POLICIES, now))


class EditsNotRecorded(Shipped):
    def record_edit(self, client: Any) -> Callable[[PolicyEdit], bool]:
        return lambda _: False


class EditsOfUnknownAuthors(Shipped):
    """The handler believes every item that names an entry."""

    def record_edit(self, client: Any) -> Callable[[PolicyEdit], bool]:
        shipped = super().record_edit(client)
        return lambda edit: not (edit.after and edit.after.audit_id) and shipped(edit)


class EveryDeliveryIsRecorded(Shipped):
    """A repeated delivery of a record gets another entry."""

    def record_edit(self, client: Any) -> Callable[[PolicyEdit], bool]:
        shipped, deliveries = super().record_edit(client), count()
        return lambda edit: shipped(replace(edit, event_id=f"{edit.event_id}-{next(deliveries)}"))


# --------------------------------------------------------------------------------------- guarantees that are too strong


def guaranteeing(where: Setting, after: float, after_write: float = 1_000_000) -> Setting:
    return replace(where, guarantee=Guarantee(after, after_write))


DEFAULT, STALE, CACHED, CACHED_FOR_LONG = setting(), setting(0, 10), setting(2), setting(AUTHORIZER_TIMEOUT_SECONDS * 2)

UNRECORDED = {"a writer stores the entry with the policy", "each policy change has one entry"}
REVOKED, FAILED = {"a revoked token is refused"}, {"a failed request gets no decision"}
# A decision on an old policy allows too much or too little. It fails if that policy cannot be parsed.
OLD = {"a revoked permission is refused", "a granted permission is allowed", "every failure has a cause"}


@pytest.mark.parametrize(
    ("code", "capabilities", "rules"),
    [
        pytest.param(StateAndPoliciesInOneBatch(), (CHANGE,), OLD, id="state and policies are read in one batch"),
        pytest.param(PoliciesBeforeTheState(), (CHANGE,), OLD, id="the policies are read before the state"),
        pytest.param(CacheThatIgnoresTheGeneration(), (CHANGE,), OLD, id="the cache ignores the generation"),
        pytest.param(CacheWithoutMaximumAge(), (EDIT, WAIT), OLD, id="the cache has no maximum age"),
        pytest.param(CacheThatIgnoresScopes(), (CHANGE, SIGN_IN), OLD, id="the cache ignores the scopes"),
        pytest.param(EventuallyConsistentState(), (REVOKE,), OLD | REVOKED, id="the state is read without consistency"),
        pytest.param(EventuallyConsistentPolicies(), (CHANGE,), OLD, id="policies are read without consistency"),
        pytest.param(StateThatIgnoresUnprocessedKeys(), (REVOKE,), FAILED, id="an unprocessed revocation is ignored"),
        pytest.param(PoliciesThatIgnoreUnprocessedKeys(), (), FAILED, id="an unprocessed policy is ignored"),
        pytest.param(
            RevocationsWithoutTheirSecond(),
            (REVOKE, SIGN_IN),
            REVOKED,
            id="tokens of the revocation second are accepted",
        ),
        pytest.param(SessionsNotRead(), (REVOKE,), REVOKED, id="revoked sessions are not read"),
        pytest.param(FallbackToTheLastReading(), (), FAILED, id="the last reading replaces a failed one"),
        pytest.param(DenialOnFailure(), (), FAILED, id="a failure is answered with a denial"),
        pytest.param(BumpBeforePut(), (CHANGE,), OLD, id="the generation is bumped before the policy is put"),
        pytest.param(AcknowledgementBeforeBump(), (CHANGE,), OLD, id="a change is acknowledged before the bump"),
        pytest.param(DeletionWithoutBump(), (CHANGE,), OLD, id="a deletion does not bump the generation"),
        pytest.param(LostGenerationRestarts(), (CHANGE, LOSE_GENERATION), OLD, id="a lost generation restarts"),
        pytest.param(HandlerThatOnlyLogs(), (EDIT, STREAM), OLD, id="the stream handler does not bump"),
        pytest.param(HandlerThatReportsNoFailure(), (EDIT, STREAM), OLD, id="the stream handler hides its failures"),
        pytest.param(HandlerThatReportsTheLastRecord(), (EDIT, STREAM), OLD, id="the wrong record is reported"),
        pytest.param(EntryAfterThePolicy(), (CHANGE, AUDITS), UNRECORDED, id="an entry is stored after its policy"),
        pytest.param(EditsNotRecorded(), (EDIT, AUDITS), UNRECORDED, id="edits by hand are not recorded"),
        pytest.param(
            EditsOfUnknownAuthors(), (CHANGE, EDIT, AUDITS), UNRECORDED, id="a copied reference hides an edit"
        ),
        pytest.param(
            EveryDeliveryIsRecorded(), (EDIT, STREAM, AUDITS), UNRECORDED, id="a repeated delivery is recorded again"
        ),
    ],
)
def test_the_machine_finds_that(code: Shipped, capabilities: tuple[str, ...], rules: set[str]) -> None:
    with pytest.raises(Violation) as found:
        search(code, DEFAULT, capabilities)
    assert found.value.rule in rules


@pytest.mark.parametrize(
    ("where", "capabilities"),
    [
        pytest.param(guaranteeing(CACHED, after=0), (CHANGE,), id="the gateway's cache has no effect"),
        pytest.param(guaranteeing(CACHED, after=2), (CHANGE, WAIT), id="no request was in progress"),
        pytest.param(
            guaranteeing(CACHED_FOR_LONG, after=AUTHORIZER_TIMEOUT_SECONDS), (CHANGE, WAIT), id="the cache is flushed"
        ),
        pytest.param(guaranteeing(STALE, after=0), (REVOKE,), id="state readings are never reused"),
        pytest.param(
            guaranteeing(DEFAULT, after=0, after_write=30),
            (EDIT, WAIT),
            id="cached policies expire after half a minute",
        ),
    ],
)
def test_the_machine_refutes_a_guarantee_that_assumes_that(where: Setting, capabilities: tuple[str, ...]) -> None:
    with pytest.raises(Violation) as found:
        search(Shipped(), where, capabilities)
    assert found.value.rule in OLD | REVOKED

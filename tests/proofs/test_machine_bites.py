"""The invalidation machine finds what is wrong: code that was broken on purpose, and promises that are too good.

Each breaks one thing only, as a person in a hurry might. Were one of them not found, the machine would be no proof of
anything that it does not find in what ships.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from authorizers import document
from authorizers.record import Record
from chalicelib.administer import Administer
from chalicelib.authorize import Authorize, Grant
from chalicelib.aws.guard import GuardTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.errors import CannotDecide
from chalicelib.core.policy import Policy, Statement
from chalicelib.core.principal import Principal
from chalicelib.ports import GatewayCache, GuardReading
from tests.proofs.invalidation_machine import (
    ARN_BASE,
    AUTHORIZER_TIMEOUT_SECONDS,
    SUBJECTS,
    Setting,
    Shipped,
    Verify,
    explore,
    setting,
)
from tests.proofs.ledger import Terms, Violated
from tests.proofs.world import GUARD, POLICIES

ENOUGH_STORIES = 4000

# --------------------------------------------------------------------------------------------- authorizers that are wrong

Now = Callable[[], float]


@dataclass
class OneBatch:
    """A client that reads the policies along with the guard, and hands them out when they are asked for."""

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
        return {"Responses": {GUARD: answer["Responses"].get(GUARD, [])}, "UnprocessedKeys": {}}


class GuardAndPoliciesInOneBatch(Shipped):
    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        return super().authorize(OneBatch(client), verify, staleness, now)


class PoliciesBeforeTheGuard(Shipped):
    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        policies, early = PolicyTable(client, POLICIES, now), threading.local()

        class LateGuard(GuardTable):
            def read(self, principal: Principal) -> GuardReading:
                early.policies = policies.read(principal.policy_subjects)
                return super().read(principal)

        class EarlyPolicies(PolicyTable):
            def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
                return early.policies

        return Authorize(verify, LateGuard(client, GUARD, now), EarlyPolicies(client, POLICIES, now), staleness, now)


class MemoryThatIgnoresTheGeneration(Shipped):
    def guard(self, client: Any, now: Now) -> GuardTable:
        class Constant(GuardTable):
            def read(self, principal: Principal) -> GuardReading:
                return super().read(principal)._replace(generation=1)

        return Constant(client, GUARD, now)


class MemoryWithoutAnEnd(Shipped):
    """As in a container whose clock stands still while it is frozen."""

    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        return super().authorize(client, verify, staleness, now=lambda: 0.0)


class MemoryThatIgnoresScopes(Shipped):
    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        first: dict[tuple[str, ...], frozenset[str]] = {}

        def verify_as_the_first(token: str) -> Principal:
            principal = verify(token)
            return replace(principal, scopes=first.setdefault(principal.policy_subjects, principal.scopes))

        return super().authorize(client, verify_as_the_first, staleness, now)


@dataclass
class Careless:
    """A client that reads as cheaply as it can, or takes what it got for all there is."""

    client: Any
    is_consistent: bool = True
    is_complete: bool = True

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        requests = {table: {**keys, "ConsistentRead": self.is_consistent} for table, keys in RequestItems.items()}
        answer = self.client.batch_get_item(RequestItems=requests)
        return answer if self.is_complete else {**answer, "UnprocessedKeys": {}}


class EventuallyConsistentGuard(Shipped):
    def guard(self, client: Any, now: Now) -> GuardTable:
        return GuardTable(Careless(client, is_consistent=False), GUARD, now)


class EventuallyConsistentPolicies(Shipped):
    def policies(self, client: Any, now: Now) -> PolicyTable:
        return PolicyTable(Careless(client, is_consistent=False), POLICIES, now)


class GuardThatIgnoresUnprocessedKeys(Shipped):
    def guard(self, client: Any, now: Now) -> GuardTable:
        return GuardTable(Careless(client, is_complete=False), GUARD, now)


class PoliciesThatIgnoreUnprocessedKeys(Shipped):
    def policies(self, client: Any, now: Now) -> PolicyTable:
        return PolicyTable(Careless(client, is_complete=False), POLICIES, now)


class RevocationsThatSpareTheSecond(Shipped):
    """`<` where it must be `<=`."""

    def guard(self, client: Any, now: Now) -> GuardTable:
        class OneSecondLess(GuardTable):
            def read(self, principal: Principal) -> GuardReading:
                reading = super().read(principal)
                return reading._replace(revoked_before=reading.revoked_before - 1)

        return OneSecondLess(client, GUARD, now)


class SessionsNotRead(Shipped):
    def guard(self, client: Any, now: Now) -> GuardTable:
        class Sessionless(GuardTable):
            def read(self, principal: Principal) -> GuardReading:
                return super().read(replace(principal, session=""))

        return Sessionless(client, GUARD, now)


class ResilienceByTheLastReading(Shipped):
    """When the guard cannot be read, what it said last will do."""

    def guard(self, client: Any, now: Now) -> GuardTable:
        last: dict[str, GuardReading] = {}

        class Resilient(GuardTable):
            def read(self, principal: Principal) -> GuardReading:
                try:
                    last[principal.subject] = super().read(principal)
                except CannotDecide:
                    if principal.subject not in last:
                        raise
                return last[principal.subject]

        return Resilient(client, GUARD, now)


class DenialForAFailure(Shipped):
    def answer(self, header: str, authorize: Callable[[str], Grant], record: Record) -> dict[str, Any]:
        try:
            return super().answer(header, authorize, record)
        except CannotDecide:
            return document.build("unknown", (), ARN_BASE, {})


# ------------------------------------------------------------------------------------------------- writers that are wrong


class NoGeneration:
    def bump(self) -> int:
        return 0


class BumpBeforePut(Shipped):
    def administer(self, client: Any, now: Now) -> Administer:
        guard = GuardTable(client, GUARD, now)

        class Hasty(PolicyTable):
            def put(self, subject: str, statements: tuple[Statement, ...], author: str, version: int | None) -> Policy:
                guard.bump()
                return super().put(subject, statements, author, version)

        return replace(
            super().administer(client, now), policies=Hasty(client, POLICIES, now), generation=NoGeneration()
        )


class AcknowledgementBeforeBump(Shipped):
    """The stream handler bumps soon enough, somebody thought."""

    def administer(self, client: Any, now: Now) -> Administer:
        return replace(super().administer(client, now), generation=NoGeneration())


class DeletionWithoutBump(Shipped):
    def administer(self, client: Any, now: Now) -> Administer:
        class Forgetful(Administer):
            def delete_policy(self, subject: str, author: str, version: int | None = None) -> None:
                self.policies.delete(subject, author, version)

        shipped = super().administer(client, now)
        return Forgetful(shipped.policies, shipped.generation, shipped.revocations, now)


class GenerationFromOne(Shipped):
    """A generation that was lost begins at 1 again, and not at the time."""

    def administer(self, client: Any, now: Now) -> Administer:
        return replace(super().administer(client, now), generation=GuardTable(client, GUARD, now=lambda: 0.0))

    def invalidate(self, client: Any, gateway_cache: GatewayCache | None, now: Now) -> Callable[[], int]:
        return super().invalidate(client, gateway_cache, now=lambda: 0.0)


# ----------------------------------------------------------------------------------------- stream handlers that are wrong


class HandlerThatOnlyLogs(Shipped):
    def invalidate(self, client: Any, gateway_cache: GatewayCache | None, now: Now) -> Callable[[], int]:
        return NoGeneration().bump


class HandlerThatReportsNoFailure(Shipped):
    def follow(self, event: dict[str, Any], invalidate: Callable[[], int]) -> dict[str, Any]:
        super().follow(event, invalidate)
        return {"batchItemFailures": []}


class HandlerThatReportsTheLastRecord(Shipped):
    """Lambda begins again with the record that is named, and takes those before it for done."""

    def follow(self, event: dict[str, Any], invalidate: Callable[[], int]) -> dict[str, Any]:
        failures = super().follow(event, invalidate)["batchItemFailures"]
        last = event["Records"][-1]["dynamodb"]["SequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": last}] if failures else []}


# ---------------------------------------------------------------------------------------------- settings that are wrong


def promising(where: Setting, after: float, healed_after: float = 1_000_000) -> Setting:
    return replace(where, terms=Terms(after, healed_after))


CACHE, STALENESS = 5, 10

TAKEN, GRANTED, REVOKED, FAILED = (
    "what was taken away is refused",
    "what is granted is granted",
    "a revoked token is refused",
    "a failure is no answer",
)
OLD = {TAKEN, GRANTED}  # whoever decides on what is old refuses too much as often as too little
DEFAULT = setting()


@pytest.mark.parametrize(
    ("code", "where", "promises"),
    [
        pytest.param(GuardAndPoliciesInOneBatch(), DEFAULT, OLD, id="guard and policies are read in one batch"),
        pytest.param(PoliciesBeforeTheGuard(), DEFAULT, OLD, id="the policies are read before the guard"),
        pytest.param(MemoryThatIgnoresTheGeneration(), DEFAULT, OLD, id="memory ignores the generation"),
        pytest.param(MemoryWithoutAnEnd(), DEFAULT, OLD, id="memory is not bounded in time"),
        pytest.param(MemoryThatIgnoresScopes(), DEFAULT, OLD, id="memory ignores the scopes"),
        pytest.param(EventuallyConsistentGuard(), DEFAULT, OLD | {REVOKED}, id="the guard is read without consistency"),
        pytest.param(EventuallyConsistentPolicies(), DEFAULT, OLD, id="policies are read without consistency"),
        pytest.param(GuardThatIgnoresUnprocessedKeys(), DEFAULT, {FAILED}, id="an unread revocation counts as none"),
        pytest.param(PoliciesThatIgnoreUnprocessedKeys(), DEFAULT, {FAILED}, id="an unread policy counts as none"),
        pytest.param(RevocationsThatSpareTheSecond(), DEFAULT, {REVOKED}, id="tokens of the very second are spared"),
        pytest.param(SessionsNotRead(), DEFAULT, {REVOKED}, id="revoked sessions are not read"),
        pytest.param(ResilienceByTheLastReading(), DEFAULT, {FAILED}, id="the last reading stands in for a failed one"),
        pytest.param(DenialForAFailure(), DEFAULT, {FAILED}, id="a failure is answered with a denial"),
        pytest.param(BumpBeforePut(), DEFAULT, OLD, id="the generation is bumped before the policy is put"),
        pytest.param(AcknowledgementBeforeBump(), DEFAULT, OLD, id="a change is acknowledged before the bump"),
        pytest.param(DeletionWithoutBump(), DEFAULT, OLD, id="a deletion is not bumped"),
        pytest.param(GenerationFromOne(), DEFAULT, OLD, id="a lost generation begins at one"),
        pytest.param(HandlerThatOnlyLogs(), DEFAULT, OLD, id="the stream handler does not bump"),
        pytest.param(HandlerThatReportsNoFailure(), DEFAULT, OLD, id="the stream handler hides its failures"),
        pytest.param(HandlerThatReportsTheLastRecord(), DEFAULT, OLD, id="the stream handler reports the wrong record"),
    ],
)
def test_the_machine_finds_that(code, where, promises):
    with pytest.raises(Violated) as found:
        explore(code, where, ENOUGH_STORIES, shrink=False)
    assert found.value.promise in promises


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(promising(setting(cache_seconds=CACHE), after=0), id="a gateway's cache makes no difference"),
        pytest.param(
            promising(setting(cache_seconds=CACHE), after=CACHE), id="no request was under way when it happened"
        ),
        pytest.param(
            promising(setting(cache_seconds=CACHE), after=AUTHORIZER_TIMEOUT_SECONDS), id="a flush empties the cache"
        ),
        pytest.param(promising(setting(staleness_seconds=STALENESS), after=0), id="guard readings are never reused"),
        pytest.param(promising(DEFAULT, after=0, healed_after=30), id="memory is healed in half a minute"),
    ],
)
def test_the_machine_finds_it_too_good_to_promise_that(where):
    with pytest.raises(Violated) as found:
        explore(Shipped(), where, ENOUGH_STORIES, shrink=False)
    assert found.value.promise in {TAKEN, GRANTED, REVOKED}

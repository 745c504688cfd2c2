"""Runs the shipped code against injected faults, in an order chosen by Hypothesis, and checks every decision.

The code under test is the shipped code: use cases, DynamoDB adapters, and the entry points of the authorizer and of
the stream handler. `tests/proofs/world.py` simulates AWS. `tests/proofs/ledger.py` holds the guarantee. The independent
evaluator `tests/oracle/iam.py` reads the policy documents. Hypothesis decides which task runs, and how far.

`python -m tests.proofs.invalidation_machine MINUTES [SEED]` runs for that time and prints what it has covered.
"""

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import count
from math import inf
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from aws_lambda_powertools import Logger
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from authorizers.decision_log import DecisionLog
from authorizers.policy import Unauthorized, respond
from authorizers.policy_document import check_size
from chalicelib.administer import Administer
from chalicelib.audit import Audit, RecordEdit
from chalicelib.authorize import Authorization, Authorize
from chalicelib.aws.audit import AuditTable
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.gateway import StageCache
from chalicelib.aws.policies import PolicyTable
from chalicelib.aws.policy_writes import AuditedWrites
from chalicelib.core.audit import PolicyEdit
from chalicelib.core.claims import principal_from
from chalicelib.core.errors import CannotDecide, GatehouseError
from chalicelib.core.principal import Principal
from chalicelib.invalidate import Invalidate
from chalicelib.ports import GatewayCache, PolicyReader, RevocationKind, StateReader
from chalicelib.triggers.policy_changed import handle_policy_changes
from tests import mint
from tests.fakes import Clock, allow, deny, statements
from tests.oracle import iam
from tests.proofs.ledger import Bound, Guarantee, Key, Ledger, PolicyContent, Version, Violation, possible_routes
from tests.proofs.reproducible import no_constants_of_modules
from tests.proofs.world import (
    AUDIT,
    COPY,
    GENERATION,
    POLICIES,
    STATE,
    ApiGateway,
    DynamoDb,
    Fault,
    Instruction,
    Item,
    Node,
    Stream,
    Task,
    Write,
)

# ------------------------------------------------------------------------------------------------- the code under test

Now = Callable[[], float]
Verify = Callable[[str], Principal]


class Shipped:
    """Wires the code under test as `chalicelib/wiring.py` does. The broken variants inherit from this class."""

    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        return Authorize(verify, self.state(client, now), self.policies(client, now), staleness, now)

    def state(self, client: Any, now: Now) -> StateReader:
        """Returns the authorization state, which the authorizer reads first."""
        return StateTable(client, STATE, now)

    def policies(self, client: Any, now: Now) -> PolicyReader:
        """Returns the policies, which the authorizer reads second."""
        return PolicyTable(client, POLICIES, now)

    def administer(self, client: Any, now: Now) -> Administer:
        state, log = StateTable(client, STATE, now), self.audit_log(client)
        audit = Audit(log, now=now, suffix=partial(_text_of, count(1)))
        return Administer(
            PolicyTable(client, POLICIES, now, audited=AuditedWrites(log, audit.policy_entry)),
            state,
            state,
            audit,
            check_size,
            clients=lambda: mint.EXPECTED.client_ids,
            now=now,
        )

    def audit_log(self, client: Any) -> AuditTable:
        return AuditTable(client, AUDIT, retention_days=365, write_line=lambda line: None)

    def record_edit(self, client: Any) -> Callable[[PolicyEdit], bool]:
        return RecordEdit(self.audit_log(client))

    def invalidate(self, client: Any, gateway_cache: GatewayCache | None, now: Now) -> Callable[[], int]:
        return Invalidate(StateTable(client, STATE, now), gateway_cache)

    def respond(
        self, header: str, authorize: Callable[[str, str, str], Authorization], decision_log: DecisionLog
    ) -> dict[str, Any]:
        return respond(header, f"{ARN_BASE}GET/reports", lambda: authorize, decision_log)

    def handle_policy_changes(
        self, event: dict[str, Any], invalidate: Callable[[], int], record_edit: Callable[[PolicyEdit], bool]
    ) -> dict[str, Any]:
        return handle_policy_changes(event, lambda: invalidate, lambda: record_edit, LOGGER)


def _text_of(numbers: Iterator[int]) -> str:
    return str(next(numbers))


_TEMPLATE = json.loads((Path(__file__).parents[2] / ".chalice" / "package.json").read_text(encoding="utf-8"))
AUTHORIZER_TIMEOUT_SECONDS = _TEMPLATE["Resources"]["PolicyAuthorizer"]["Properties"]["Timeout"]
CACHE_MAX_AGE_SECONDS = 60  # as docs/architecture.md says


@dataclass(frozen=True, slots=True)
class Setting:
    """The deployed settings and the guarantee that they give."""

    cache_seconds: float
    staleness_seconds: float
    guarantee: Guarantee


def setting(cache_seconds: float = 0, staleness_seconds: float = 0) -> Setting:
    """Returns a setting with its documented guarantee."""
    replayed = AUTHORIZER_TIMEOUT_SECONDS + cache_seconds if cache_seconds else 0
    guarantee = Guarantee(
        after_acknowledgement=replayed + staleness_seconds, after_write=replayed + CACHE_MAX_AGE_SECONDS
    )
    return Setting(cache_seconds, staleness_seconds, guarantee)


SETTINGS = {
    "the defaults": setting(),
    "state readings are reused": setting(staleness_seconds=10),
    "the gateway caches answers": setting(cache_seconds=5),
    "both": setting(cache_seconds=5, staleness_seconds=10),
}

# -------------------------------------------------------------------------------------------------------- the test data

ARN_BASE = "arn:aws:execute-api:mars-west-1:123456789012:olympus/v1/"
ROUTES = ("GET/reports", "POST/reports", "DELETE/reports/7")
OFFICER = "https://gatehouse.example/officer"
LOGGER = Logger(service="machine", level="CRITICAL")

_READS, _WRITES = frozenset(ROUTES[:1]), frozenset(ROUTES[1:])
_ANYWHERE, _WRITING = ("/reports", "/reports/*"), ("POST", "DELETE")
EVERYTHING, READING, NOTHING = PolicyContent(allows=_READS | _WRITES), PolicyContent(allows=_READS), PolicyContent()
STATEMENTS: Mapping[PolicyContent, list[dict[str, Any]]] = {
    EVERYTHING: [allow("/reports"), allow(*_ANYWHERE, methods=_WRITING, sid="write")],
    READING: [allow("/reports")],
    PolicyContent(allows=_WRITES, scope=OFFICER): [allow(*_ANYWHERE, methods=_WRITING, scopes=[OFFICER])],
    PolicyContent(denies=_WRITES): [deny(*_ANYWHERE, methods=_WRITING)],
    NOTHING: [],
}
UNREADABLE = PolicyContent(is_readable=False)

CLERKS, AUDITORS, MACHINE = SUBJECTS = ("group:clerks", "group:auditors", f"client:{mint.MACHINE_CLIENT}")


def _uuid(number: int) -> str:
    """Returns a subject or session id in the form that Cognito uses."""
    return str(UUID(int=number))


CALLERS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    ((CLERKS,), mint.person(sub=_uuid(101), **{"cognito:groups": ["clerks"]})),
    ((CLERKS, AUDITORS), mint.person(sub=_uuid(102), **{"cognito:groups": ["clerks", "auditors"]})),
    ((MACHINE,), mint.machine()),
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token with the policies that apply to it and the revocations that can refuse it."""

    text: str
    claims: Mapping[str, Any]
    policies: tuple[Key, ...]
    revocations: tuple[Key, ...]

    @property
    def scopes(self) -> list[str]:
        return cast("list[str]", self.claims["scope"].split())

    def is_refused_by(self, revoked: float) -> bool:
        """Returns whether a revocation with this last refused second refuses the token (infinity for a session)."""
        return bool(self.claims["iat"] <= revoked)


# ----------------------------------------------------------------------------------------------------------- the actors


@dataclass(eq=False, slots=True)
class Container:
    """A warm Lambda environment with its own cache."""

    authorize: Callable[[str, str, str], Authorization]


@dataclass(eq=False, slots=True)
class Request:
    """A request at one of the gateway's nodes, and the versions that bind it."""

    token: Token
    node: Node
    started_at: float
    bound: Bound


@dataclass(eq=False, slots=True)
class Change:
    """The content that a writer wants to store for an item, and the versions that resulted."""

    key: Key
    content: Any
    versions: list[Version] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Job:
    """A task that has not ended, and the callback for its end."""

    task: Task
    ended: Callable[[Task], None]
    change: Change | None
    container: Container | None


@dataclass(frozen=True, slots=True)
class Execution:
    """How far a task runs before another task may run.

    stops   number of stops that the task passes without a fault; at each one, a batch picks its next key
    fault   the fault at the stop after them
    to_end  whether the task then runs to its end
    """

    stops: int
    pick: int
    fault: Fault | None
    to_end: bool


TO_END = Execution(0, 0, None, to_end=True)

_PICK = st.integers(0, 7)
_KEYS = st.sampled_from((0, -1, 0, -1, 1, 2))  # index in a batch: mostly the first or the last key


def _interrupted(*stops: int) -> st.SearchStrategy[Execution]:
    passed = st.sampled_from(stops)
    paused = st.builds(Execution, passed, _KEYS, st.none(), st.just(False))
    return paused | st.builds(Execution, passed, _KEYS, st.sampled_from(Fault), st.booleans())


# A decision has six to eight stops, or four to five if the policies are cached. A change of a policy has four: two of
# the read, then the transaction and the generation. A revocation has two.
_AUTHORIZER_EXECUTIONS = _interrupted(0, 1, 2, 3, 4, 5, 6, 7, 4, 6, 6, 6)
_WRITER_EXECUTIONS = st.just(TO_END) | st.just(TO_END) | _interrupted(2, 3, 2, 3, 5)
_HANDLER_EXECUTIONS = st.just(TO_END) | _interrupted(0, 0, 1, 2)
_SECONDS = st.sampled_from((0.5, 1.0, 2.0, 2.0, 5.0, 5.0, 10.0, 30.0, 60.0))

# The capabilities of the adversary. A search with only the relevant ones finds a fault sooner.
SEND, CHANGE, REVOKE, WAIT, EDIT, STREAM, SIGN_IN, CRASH, FLUSH, LOSE_GENERATION, AUDITS = CAPABILITIES = (
    "send requests",
    "change policies",
    "revoke and lift",
    "advance the clock",
    "edit policies by hand",
    "deliver stream records",
    "sign callers in",
    "replace containers",
    "flush the gateway",
    "lose the generation",
    "read the audit log",
)

Method = TypeVar("Method", bound=Callable[..., None])


def capability(name: str, **arguments: st.SearchStrategy[Any]) -> Callable[[Method], Method]:
    """Declares a move that needs one of the capabilities."""
    return lambda method: precondition(lambda self: name in self.capabilities)(cast(Any, rule)(**arguments)(method))


class InvalidationMachine(RuleBasedStateMachine):
    """Each rule is a move of the adversary. The counts show that a run has covered the cases that matter."""

    code: ClassVar[Shipped] = Shipped()
    setting: ClassVar[Setting] = setting()
    capabilities: ClassVar[tuple[str, ...]] = CAPABILITIES
    counts: ClassVar[Counter[str]] = Counter()
    database: ClassVar[type[DynamoDb]] = DynamoDb

    def __init__(self) -> None:
        """Starts with clerks who may do everything, a machine that may read, and no revocations."""
        super().__init__()
        self.clock = Clock()
        self.ledger = Ledger(self.setting.guarantee)
        self.stream = Stream()
        self.nodes = [Node(), Node()]
        self.dynamodb = self.database(self._written)
        self.administer = self.code.administer(self.dynamodb, self.clock)
        stage = StageCache(cast(Any, ApiGateway(self.nodes)), "olympus", "v1") if self.setting.cache_seconds else None
        self.invalidate = self.code.invalidate(self.dynamodb, stage, self.clock)
        self.record_edit = self.code.record_edit(self.dynamodb)
        self.changed_policies = 0
        self.audit_ids: list[tuple[str, str]] = []
        self.entries: defaultdict[str, list[str]] = defaultdict(list)
        self.tokens: list[Token] = []
        self.containers = [self._container(), self._container()]
        self.jobs: list[Job] = []
        self.acting: Change | None = None
        self.broken: Violation | None = None
        self.dynamodb.begin(STATE, GENERATION, {"id": {"S": GENERATION}, "n": {"N": str(FIRST_GENERATION)}})
        for subject, content in ((CLERKS, EVERYTHING), (AUDITORS, NOTHING), (MACHINE, READING)):
            self.ledger.begin(("policy", subject), content)
            self.dynamodb.begin(POLICIES, subject, _item(subject, content))
        for caller in range(len(CALLERS)):
            self._issue(caller, _uuid(caller), has_scope=False)
        self.clock.advance(1)
        self.counts["runs"] += 1

    def _container(self) -> Container:
        return Container(
            self.code.authorize(self.dynamodb, self._verify, self.setting.staleness_seconds, self.clock),
        )

    def _verify(self, text: str) -> Principal:
        return principal_from(self.tokens[int(text)].claims, mint.EXPECTED, self.clock())

    def _issue(self, caller: int, session: str, has_scope: bool) -> None:
        subjects, person = CALLERS[caller]
        claims = person | {"iat": int(self.clock()), "exp": mint.NOW + 86_400, "scope": OFFICER if has_scope else ""}
        revocations = [("client", claims["client_id"])]
        if "username" in person:  # a machine is revoked by its client
            revocations.append(("sub", claims["sub"]))
        if "origin_jti" in person:
            claims["origin_jti"] = session
            revocations.append(("session", session))
        for revocation in revocations:
            self.ledger.begin(revocation, -inf)
        policies = tuple(("policy", subject) for subject in subjects)
        self.tokens.append(Token(str(len(self.tokens)), claims, policies, tuple(revocations)))

    # Requests

    @capability(SEND, token=_PICK, container=_PICK, node=_PICK, execution=_AUTHORIZER_EXECUTIONS)
    def request(self, token: int, container: int, node: int, execution: Execution) -> None:
        """Starts a request that may stop at any point or meet a fault."""
        self._send_request(
            self.tokens[token % len(self.tokens)], self.containers[container % 2], self.nodes[node % 2], execution
        )

    @capability(SEND, node=_PICK)
    def every_token_is_used(self, node: int) -> None:
        """Sends requests with each token to each container, one after the other, so that every cached value is used."""
        self._use_every_token(self.nodes[node % 2])

    def _use_every_token(self, node: Node) -> None:
        for token in self.tokens[-5:]:
            for container in self.containers:
                self._send_request(token, container, node, TO_END)

    def _send_request(self, token: Token, container: Container, node: Node, execution: Execution) -> None:
        now = self.clock()
        request = Request(token, node, now, self.ledger.bound(now))
        replayed = node.replay(token.text, now, self.setting.cache_seconds)
        if replayed is not None:
            self.counts["answers replayed from the gateway's cache"] += 1
            self._check_answer(request, replayed)
            return
        decision_log = DecisionLog(write_line=lambda line: None, now=self.clock)
        self._start(
            lambda: self.code.respond(f"Bearer {token.text}", container.authorize, decision_log),
            lambda task: self._answered(request, task),
            execution,
            container=container,
        )

    def _answered(self, request: Request, task: Task) -> None:
        if task.has_crashed:
            self.counts["crashes while deciding"] += 1
            return
        if self.setting.cache_seconds and self.clock() - request.started_at > AUTHORIZER_TIMEOUT_SECONDS:
            self.counts["answers that exceeded the authorizer timeout"] += 1
            return
        injected_fault = task.injected_fault or (f"{sorted(task.unread)} were not read" if task.unread else "")
        if isinstance(task.failure, CannotDecide):
            self._check_failure(request, injected_fault)
        elif injected_fault:
            raise Violation(
                "a failed request gets no decision", f"{request.token} got a decision although {injected_fault}"
            )
        elif isinstance(task.failure, Unauthorized):
            self._check_rejection(request)
        elif task.failure:
            raise task.failure
        else:
            self.counts["decisions on cached policies"] += POLICIES not in task.tables_read
            self.counts["decisions on a cached state reading"] += STATE not in task.tables_read
            self.counts["decisions after unprocessed keys"] += task.was_short
            self._check_answer(request, task.value)
            if self.setting.cache_seconds:
                request.node.answers[request.token.text] = (task.value, self.clock())

    # Checks

    def _check_failure(self, request: Request, injected_fault: str) -> None:
        self.counts["failures without a decision"] += 1
        windows = [self.ledger.since(request.bound, key) for key in request.token.policies]
        if not injected_fault and all(policy.is_readable for window in windows for policy in window):
            raise Violation("every failure has a cause", f"{request.token} got no decision")

    def _check_rejection(self, request: Request) -> None:
        self.counts["rejections of a revoked token"] += 1
        if not any(True in refusals for refusals in self._refusals(request)):
            raise Violation("a granted permission is allowed", f"{request.token} was rejected without a revocation")

    def _check_answer(self, request: Request, document: dict[str, Any]) -> None:
        allowed = _allowed_routes(json.dumps(document["policyDocument"]))
        windows = [self.ledger.since(request.bound, key) for key in request.token.policies]
        possible = possible_routes(windows, request.token.scopes)
        self.counts["decisions"] += 1
        self.counts["decisions during a change"] += len(possible) > 1
        details = f"{request.token} may use {sorted(allowed)}, expected one of {[sorted(p) for p in possible]}"
        if not all(False in refusals for refusals in self._refusals(request)):
            raise Violation("a revoked token is refused", details)
        if not any(allowed <= routes for routes in possible):
            raise Violation("a revoked permission is refused", details)
        if allowed not in possible:
            raise Violation("a granted permission is allowed", details)

    def _refusals(self, request: Request) -> list[set[bool]]:
        """Return, for each revocation of the token, whether it refused the token since the request started."""
        return [
            {request.token.is_refused_by(revoked) for revoked in self.ledger.since(request.bound, key)}
            for key in request.token.revocations
        ]

    # Changes

    @capability(
        CHANGE,
        subject=st.sampled_from(SUBJECTS),
        content=_PICK,
        is_conditional=st.booleans(),
        execution=_WRITER_EXECUTIONS,
    )
    def change_policy(self, subject: str, content: int, is_conditional: bool, execution: Execution) -> None:
        """Puts a policy that differs from the latest one, or deletes it."""
        chosen = self._another((*STATEMENTS, None), subject, content)
        change = Change(("policy", subject), chosen or NOTHING)
        item = self.dynamodb.peek(POLICIES, subject)
        version = int(item["version"]["N"]) if item and "deleted" not in item else 0
        if chosen is None:
            read = version if is_conditional else None
            self._change(lambda: self.administer.delete_policy(subject, "registrar", read), change, execution)
        else:
            policy, replaced = statements(*STATEMENTS[chosen]), version if is_conditional else None
            self._change(lambda: self.administer.put_policy(subject, policy, "registrar", replaced), change, execution)

    def _another(self, contents: tuple[PolicyContent | None, ...], subject: str, pick: int) -> PolicyContent | None:
        latest = self.ledger.latest(("policy", subject))
        others = [content for content in contents if (content or NOTHING) != latest]
        return others[pick % len(others)]

    @capability(REVOKE, token=_PICK, what=st.integers(0, 2), lifts=st.booleans(), execution=_WRITER_EXECUTIONS)
    def change_revocation(self, token: int, what: int, lifts: bool, execution: Execution) -> None:
        """Revokes the subject, client or session of a token, or lifts that revocation."""
        revocations = self.tokens[token % len(self.tokens)].revocations
        kind, value = cast("tuple[RevocationKind, str]", revocations[what % len(revocations)])
        if lifts:
            self._change(lambda: self.administer.lift(kind, value, "registrar"), Change((kind, value), -inf), execution)
        else:
            change = Change((kind, value), inf if kind == "session" else int(self.clock()))
            self._change(lambda: self.administer.revoke(kind, value, "registrar"), change, execution)

    def _change(self, do: Callable[[], Any], change: Change, execution: Execution) -> None:
        bound = self.ledger.bound(self.clock())

        def ended(task: Task) -> None:
            if task.has_crashed:
                self.counts["changes that crashed before the acknowledgement"] += bool(change.versions)
            elif task.failure:
                self.counts["changes that were stored and reported as failed"] += bool(change.versions)
                if not isinstance(task.failure, GatehouseError):
                    raise task.failure
            else:
                self.counts["acknowledged changes"] += 1
                self._acknowledge(change.versions or self.ledger.versions_since(bound, change.key, change.content))
                if not change.versions and not self._is_already_stored(change, bound):
                    raise Violation("an acknowledged change is stored", f"nothing was written for {change.key}")

        self._start(do, ended, execution, change=change)

    def _is_already_stored(self, change: Change, bound: Bound) -> bool:
        """Returns whether a stored revocation already refuses the same tokens. Such a revocation needs no write."""
        is_revocation = isinstance(change.content, int | float)
        return is_revocation and any(revoked >= change.content for revoked in self.ledger.since(bound, change.key))

    def _acknowledge(self, versions: list[Version]) -> None:
        for version in versions:
            version.acknowledged_at = min(version.acknowledged_at, self.clock())

    def _written(self, write: Write) -> None:
        """Records a write in the ledger. Only one task runs at a time, so the writer is known."""
        if write.key == GENERATION or write.key.startswith(COPY):
            return
        if write.table == AUDIT:
            self._recorded(write)
            return
        if self.acting is None:
            self.broken = Violation("only writers write", f"a reader or the stream handler wrote {write.key}")
            return
        version = self.ledger.write(self.acting.key, self.acting.content, self.clock())
        self.acting.versions.append(version)
        if write.table == POLICIES:
            self.stream.append(write, version)
            self.changed_policies += 1
            if self.jobs and write.new and self.acting in [job.change for job in self.jobs]:
                self.audit_ids.append((write.key, write.new.get("audit_id", {}).get("S", "")))
        elif self._is_one_write(self.acting.key):
            self._acknowledge([version])  # it binds the next decision

    def _is_one_write(self, key: Key) -> bool:  # the machine of shards distinguishes keys
        """Returns whether a change of an item other than a policy is complete with its first write."""
        return True

    def _recorded(self, write: Write) -> None:
        """Checks one write of the audit table: it adds an entry, and changes and deletes none."""
        if write.old is not None or write.new is None:
            self.broken = Violation("the audit log only grows", f"the entry {write.key} was changed")
        elif write.new["action"]["S"].startswith("policy."):
            self.entries[write.new["subject"]["S"]].append(write.new["id"]["S"])

    def _check_audit(self) -> None:
        """Checks the entries of the writers. Delivers the rest of the stream: then each change has one entry."""
        for subject, audit_id in self.audit_ids:
            if audit_id not in self.entries[subject]:
                raise Violation("a writer stores the entry with the policy", f"{subject} has no entry {audit_id}")
        while keys := self.stream.deliverable:
            batch = self.stream.take(keys, 10)
            event = {"Records": [record.event for record in batch]}
            task = Task(partial(self.code.handle_policy_changes, event, self.invalidate, self.record_edit))
            task.run()
            if task.failure:
                raise task.failure
            self.stream.complete(batch, task.value, delivered_again=False)
        entries = sum(map(len, self.entries.values()))
        self.counts["audited policy changes"] += entries
        if entries != self.changed_policies:
            raise Violation("each policy change has one entry", f"{self.changed_policies} changes, {entries} entries")

    # Other events

    @precondition(lambda self: self.jobs)
    @rule(job=_PICK, execution=st.just(TO_END) | _AUTHORIZER_EXECUTIONS)
    def resume(self, job: int, execution: Execution) -> None:
        """Resumes a stopped task."""
        self._resume(self.jobs[job % len(self.jobs)], execution)

    @capability(WAIT, seconds=_SECONDS)
    def time_passes(self, seconds: float) -> None:
        """Advances the clock. Stopped tasks do not run."""
        self.clock.advance(seconds)

    @capability(EDIT, subject=st.sampled_from(SUBJECTS), content=_PICK, is_copy=st.booleans())
    def edit_by_hand(self, subject: str, content: int, is_copy: bool) -> None:
        """Changes a policy as another tool would: writes another one, writes an unreadable one, or removes it."""
        chosen = self._another((*STATEMENTS, UNREADABLE, None), subject, content)
        self.counts["edits by hand"] += 1
        self.acting = Change(("policy", subject), chosen or NOTHING)
        item = None if chosen is None else _item(subject, chosen)
        if item and (entries := self.entries[subject]) and is_copy:  # of an earlier item, with the next version
            current = self.dynamodb.peek(POLICIES, subject) or {"version": {"N": "0"}}
            item |= {
                "audit_id": {"S": entries[content % len(entries)]},
                "version": {"N": str(int(current["version"]["N"]) + 1)},
            }
        self.dynamodb.edit(POLICIES, subject, item)
        self.acting = None

    @precondition(lambda self: self.stream.deliverable)
    @capability(
        STREAM,
        subjects=st.sampled_from((7, 7, 1, 2, 6)),
        most=st.sampled_from((3, 3, 1)),
        delivered_again=st.booleans(),
        execution=_HANDLER_EXECUTIONS,
    )
    def deliver(self, subjects: int, most: int, delivered_again: bool, execution: Execution) -> None:
        """Delivers some stream records: late, in any order across subjects, and sometimes again later."""
        keys = self.stream.deliverable
        batch = self.stream.take([key for n, key in enumerate(keys) if subjects >> n & 1] or keys, most)

        def ended(task: Task) -> None:
            processed = self.stream.complete(batch, task.value, delivered_again)
            self.counts["repeated stream records"] += delivered_again or len(processed) < len(batch)
            self.counts["invalidations by the stream handler alone"] += any(
                record.version.acknowledged_at == inf for record in processed
            )
            self._acknowledge([record.version for record in processed])

        event = {"Records": [record.event for record in batch]}
        self._start(lambda: self.code.handle_policy_changes(event, self.invalidate, self.record_edit), ended, execution)

    @capability(SIGN_IN, caller=st.integers(0, len(CALLERS) - 1), is_refresh=st.booleans(), has_scope=st.booleans())
    def sign_in(self, caller: int, is_refresh: bool, has_scope: bool) -> None:
        self._issue(caller, _uuid(caller if is_refresh else len(self.tokens)), has_scope)

    @capability(CRASH, container=_PICK)
    def replace_container(self, container: int) -> None:
        """Crashes a container with its running requests, and starts a new one."""
        number = container % 2
        for job in [job for job in self.jobs if job.container is self.containers[number]]:
            self._act(job, job.task.crash)
        self.containers[number] = self._container()

    @precondition(lambda self: any(node.must_flush or node.flushed for node in self.nodes))
    @capability(FLUSH, node=_PICK)
    def flush(self, node: int) -> None:
        self._flush(self.nodes[node % 2])

    @capability(LOSE_GENERATION, luck=st.integers(0, 3))
    def lose_generation(self, luck: int) -> None:
        """Deletes the generation, as a restore from an old backup would. This happens rarely and takes a second."""
        if luck == 0:
            self.counts["lost generations"] += 1
            self.clock.advance(1)
            self.dynamodb.edit(STATE, GENERATION, None)

    def _flush(self, node: Node) -> None:
        """Executes the ordered flush of a node, or restores the answers that the node had flushed."""
        self.counts["flushed nodes"] += node.must_flush
        self.counts["restored answers after a flush"] += bool(node.flushed) and not node.must_flush
        if node.must_flush:
            node.flush()
        else:
            node.restore()

    # Tasks

    def _start(
        self,
        work: Callable[[], Any],
        ended: Callable[[Task], None],
        execution: Execution,
        change: Change | None = None,
        container: Container | None = None,
    ) -> None:
        job = Job(Task(work), ended, change, container)
        self.jobs.append(job)
        if execution == TO_END:
            self._act(job, job.task.run)
        else:
            self._act(job, job.task.start)
            self._resume(job, execution)

    def _resume(self, job: Job, execution: Execution) -> None:
        self.counts["faults"] += execution.fault is not None
        instructions = [Instruction(execution.pick)] * execution.stops + (
            [Instruction(execution.pick, execution.fault)] if execution.fault else []
        )
        for instruction in instructions:
            if not job.task.is_over:
                self._act(job, partial(job.task.move, instruction))
        if execution.to_end and not job.task.is_over:
            self._act(job, job.task.finish)

    def _act(self, job: Job, do: Callable[[], None]) -> None:
        """Runs one job, and finishes it if its task has ended."""
        self.counts["steps"] += 1
        self.acting = job.change
        do()
        self.acting = None
        if job.task.is_over:
            self.jobs.remove(job)
            job.ended(job.task)
        if self.broken:
            raise self.broken

    def teardown(self) -> None:
        """Finish all tasks, changes before requests, and use every token once more.

        After a violation, only stops all tasks.
        """
        try:
            if sys.exc_info()[0] is None:
                for job in sorted(self.jobs, key=lambda job: job.container is not None):
                    self._act(job, job.task.finish)
                for node in self.nodes if self.setting.cache_seconds else self.nodes[:1]:
                    self._use_every_token(node)
                if AUDITS in self.capabilities:
                    self._check_audit()
        finally:
            for job in self.jobs:
                job.task.crash()


FIRST_GENERATION = 1000 * (mint.NOW - 86_400)  # yesterday, in milliseconds


def _item(subject: str, content: PolicyContent) -> Item:
    """Returns a policy as it is stored. An unreadable policy has no statements."""
    texts = {"subject": subject, "updated_by": "me", "updated_at": "today"}
    if content.is_readable:
        texts["statements"] = json.dumps(STATEMENTS[content])
    return {"version": {"N": "1"}, **{name: {"S": text} for name, text in texts.items()}}


@cache
def _allowed_routes(document: str) -> frozenset[str]:
    read = json.loads(document)
    return frozenset(route for route in ROUTES if iam.permits(read, ARN_BASE + route))


# ----------------------------------------------------------------------------------------------------------- the search


def explore(
    code: Shipped,
    where: Setting,
    runs: int,
    moves: int,
    capabilities: tuple[str, ...] = CAPABILITIES,
    random_seed: int = 0,
    shrink: bool = True,
    machine: type[InvalidationMachine] = InvalidationMachine,
) -> Counter[str]:
    """Runs `runs` sequences of `moves` moves each, chosen by the seed. Raises Violation."""
    counts: Counter[str] = Counter()
    attributes = {"code": code, "setting": where, "capabilities": capabilities, "counts": counts}
    machine = seed(random_seed)(type("Machine", (machine,), attributes))
    chosen = settings(
        max_examples=runs,
        stateful_step_count=moves,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    with no_constants_of_modules():
        run_state_machine_as_test(machine, settings=chosen)
    return counts


def main(minutes: float, first_seed: int = 1) -> None:
    counts = {name: Counter[str]() for name in SETTINGS}
    until = time.monotonic() + 60 * minutes
    for number in count(first_seed):
        if time.monotonic() > until:
            break
        for name, where in SETTINGS.items():
            for moves in (8, 20, 60):
                counts[name] += explore(Shipped(), where, 100, moves, random_seed=number)
    print(f"No violation was found with seeds {first_seed} to {number - 1}.\n")
    kinds = sorted({kind for counted in counts.values() for kind in counted})
    print(f"| | {' | '.join(SETTINGS)} | all |\n|---|{'---|' * (len(SETTINGS) + 1)}")
    for kind in kinds:
        counted = [counts[name][kind] for name in SETTINGS]
        print(f"| {kind} | {' | '.join(f'{n:,}' for n in counted)} | {sum(counted):,} |")


if __name__ == "__main__":
    main(float(sys.argv[1]), *map(int, sys.argv[2:]))

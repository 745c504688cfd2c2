"""A machine that plays the shipped code against everything that may go wrong, and judges every answer.

The code is what ships: use cases, adapters to DynamoDB, the entry points of the authorizer and of the stream handler.
Only what AWS and Cognito do is played, by `tests/proofs/world.py`; what is promised is in `tests/proofs/ledger.py`; the
documents that come out are read by a stranger, `tests/oracle/iam.py`. Hypothesis decides who acts, and how far.

`python -m tests.proofs.invalidation_machine MINUTES [SEED]` plays for so long, and prints how much it has played.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
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
from chalicelib.administer import Administer
from chalicelib.authorize import Authorization, Authorize
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.gateway import StageCache
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.claims import principal_from
from chalicelib.core.errors import CannotDecide, GatehouseError
from chalicelib.core.principal import Principal
from chalicelib.invalidate import Invalidate
from chalicelib.ports import GatewayCache, PolicyReader, StateReader
from chalicelib.triggers.policy_changed import handle_policy_changes
from tests import mint
from tests.fakes import Clock, allow, deny
from tests.oracle import iam
from tests.proofs.ledger import Bound, EffectivePermissions, Key, Ledger, Meaning, Version, Violated, possible_routes
from tests.proofs.reproducible import no_constants_of_modules
from tests.proofs.world import (
    GENERATION,
    POLICIES,
    STATE,
    ApiGateway,
    DynamoDb,
    Item,
    Mishap,
    Node,
    Order,
    Stream,
    Task,
    Write,
)

# ------------------------------------------------------------------------------------------------- what is put to proof

Now = Callable[[], float]
Verify = Callable[[str], Principal]


class Shipped:
    """The code under test, put together as `chalicelib/wiring.py` does. What breaks it on purpose inherits from it."""

    def authorize(self, client: Any, verify: Verify, staleness: float, now: Now) -> Authorize:
        return Authorize(verify, self.state(client, now), self.policies(client, now), staleness, now)

    def state(self, client: Any, now: Now) -> StateReader:
        """What the authorizer reads first."""
        return StateTable(client, STATE, now)

    def policies(self, client: Any, now: Now) -> PolicyReader:
        """What the authorizer reads then."""
        return PolicyTable(client, POLICIES, now)

    def administer(self, client: Any, now: Now) -> Administer:
        state = StateTable(client, STATE, now)
        return Administer(
            PolicyTable(client, POLICIES, now), state, state, clients=lambda: mint.EXPECTED.client_ids, now=now
        )

    def invalidate(self, client: Any, gateway_cache: GatewayCache | None, now: Now) -> Callable[[], int]:
        return Invalidate(StateTable(client, STATE, now), gateway_cache)

    def respond(
        self, header: str, authorize: Callable[[str], Authorization], decision_log: DecisionLog
    ) -> dict[str, Any]:
        return respond(header, f"{ARN_BASE}GET/reports", lambda: authorize, decision_log)

    def handle_policy_changes(self, event: dict[str, Any], invalidate: Callable[[], int]) -> dict[str, Any]:
        return handle_policy_changes(event, lambda: invalidate, LOGGER)


_CONFIG = json.loads((Path(__file__).parents[2] / ".chalice" / "config.json").read_text(encoding="utf-8"))
AUTHORIZER_TIMEOUT_SECONDS = _CONFIG["stages"]["package"]["lambda_functions"]["policy_authorizer"]["lambda_timeout"]
MEMORY_SECONDS = 60  # what docs/architecture.md promises


@dataclass(frozen=True, slots=True)
class Setting:
    """How an app is deployed, and what it is promised for that."""

    cache_seconds: float
    staleness_seconds: float
    permissions: EffectivePermissions


def setting(cache_seconds: float = 0, staleness_seconds: float = 0) -> Setting:
    """A setting with the promise that the documentation makes for it."""
    replayed = AUTHORIZER_TIMEOUT_SECONDS + cache_seconds if cache_seconds else 0
    permissions = EffectivePermissions(
        promised_after=replayed + staleness_seconds, healed_after=replayed + MEMORY_SECONDS
    )
    return Setting(cache_seconds, staleness_seconds, permissions)


SETTINGS = {
    "the defaults": setting(),
    "state readings are reused": setting(staleness_seconds=10),
    "the gateway caches answers": setting(cache_seconds=5),
    "both": setting(cache_seconds=5, staleness_seconds=10),
}

# ----------------------------------------------------------------------------------------------------------- the story

ARN_BASE = "arn:aws:execute-api:mars-west-1:123456789012:olympus/v1/"
ROUTES = ("GET/reports", "POST/reports", "DELETE/reports/7")
OFFICER = "https://gatehouse.example/officer"
LOGGER = Logger(service="machine", level="CRITICAL")

_READS, _WRITES = frozenset(ROUTES[:1]), frozenset(ROUTES[1:])
_ANYWHERE, _WRITING = ("/reports", "/reports/*"), ("POST", "DELETE")
EVERYTHING, READING, NOTHING = Meaning(allows=_READS | _WRITES), Meaning(allows=_READS), Meaning()
CONTENTS: Mapping[Meaning, list[dict[str, Any]]] = {
    EVERYTHING: [allow("/reports"), allow(*_ANYWHERE, methods=_WRITING, sid="write")],
    READING: [allow("/reports")],
    Meaning(allows=_WRITES, scope=OFFICER): [allow(*_ANYWHERE, methods=_WRITING, scopes=[OFFICER])],
    Meaning(denies=_WRITES): [deny(*_ANYWHERE, methods=_WRITING)],
    NOTHING: [],
}
NONSENSE = Meaning(makes_sense=False)

CLERKS, AUDITORS, MACHINE = SUBJECTS = ("group:clerks", "group:auditors", f"client:{mint.MACHINE_CLIENT}")


def _uuid(number: int) -> str:
    """A subject or a sign-in, in the form that Cognito gives it."""
    return str(UUID(int=number))


CALLERS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    ((CLERKS,), mint.person(sub=_uuid(101), **{"cognito:groups": ["clerks"]})),
    ((CLERKS, AUDITORS), mint.person(sub=_uuid(102), **{"cognito:groups": ["clerks", "auditors"]})),
    ((MACHINE,), mint.machine()),
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, as the story knows it: what may count for it, and what may revoke it."""

    text: str
    claims: Mapping[str, Any]
    policies: tuple[Key, ...]
    revocations: tuple[Key, ...]

    @property
    def scopes(self) -> list[str]:
        return cast("list[str]", self.claims["scope"].split())

    def is_refused_by(self, revoked: float) -> bool:
        """`revoked` is the last second whose tokens are refused; infinity for a session that was ended."""
        return bool(self.claims["iat"] <= revoked)


# ------------------------------------------------------------------------------------------------------------ the cast


@dataclass(eq=False, slots=True)
class Container:
    """A warm Lambda with a memory of its own."""

    authorize: Callable[[str], Authorization]


@dataclass(eq=False, slots=True)
class Request:
    """A request at one of the gateway's nodes, and what binds it."""

    token: Token
    node: Node
    started_at: float
    bound: Bound


@dataclass(eq=False, slots=True)
class Change:
    """What a writer means to say of an item, and the versions that came of it."""

    key: Key
    meaning: Any
    versions: list[Version] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Job:
    """A task that has not ended, and what is to be done when it has."""

    task: Task
    ended: Callable[[Task], None]
    change: Change | None
    container: Container | None


@dataclass(frozen=True, slots=True)
class How:
    """How far a task goes before it is somebody else's turn.

    stops   how many stops it passes at which nothing happens but that a batch picks its next key
    mishap  what happens at the one after them
    to_end  whether it then goes on to its end
    """

    stops: int
    pick: int
    mishap: Mishap | None
    to_end: bool


THROUGH = How(0, 0, None, to_end=True)

_PICK = st.integers(0, 7)
_KEYS = st.sampled_from((0, -1, 0, -1, 1, 2))  # of a batch: the first, the last, or another


def _interrupted(*stops: int) -> st.SearchStrategy[How]:
    passed = st.sampled_from(stops)
    paused = st.builds(How, passed, _KEYS, st.none(), st.just(False))
    return paused | st.builds(How, passed, _KEYS, st.sampled_from(Mishap), st.booleans())


# A decision has six to eight stops, or four to five if the policies are remembered; most changes have two, some four.
_DECIDING = _interrupted(0, 1, 2, 3, 4, 5, 6, 7, 4, 6)
_CHANGING = st.just(THROUGH) | _interrupted(0, 1, 0, 1, 3)
_FOLLOWING = st.just(THROUGH) | _interrupted(0, 0, 1)
_SECONDS = st.sampled_from((0.5, 1.0, 2.0, 2.0, 5.0, 5.0, 10.0, 30.0, 60.0))

# What the adversary can do. Less of it finds the same mistakes, if it is the right part of it, in less time.
ASK, CHANGE, REVOKE, WAIT, EDIT, STREAM, SIGN_IN, CRASH, FLUSH, LOSE = POWERS = (
    "ask",
    "change policies",
    "revoke and lift",
    "let time pass",
    "edit by hand",
    "deliver the stream",
    "let people sign in",
    "replace containers",
    "flush the gateway",
    "lose the generation",
)

Method = TypeVar("Method", bound=Callable[..., None])


def power(name: str, **arguments: st.SearchStrategy[Any]) -> Callable[[Method], Method]:
    """A move that takes one of the powers."""
    return lambda method: precondition(lambda self: name in self.powers)(rule(**arguments)(method))


class InvalidationMachine(RuleBasedStateMachine):
    """Each rule is a move of the adversary. What happens is counted, so that nobody takes an idle run for a proof."""

    code: ClassVar[Shipped] = Shipped()
    setting: ClassVar[Setting] = setting()
    powers: ClassVar[tuple[str, ...]] = POWERS
    deeds: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        """An ordinary day: the clerks may do everything, the machine may read, and nobody was ever refused."""
        super().__init__()
        self.clock = Clock()
        self.ledger = Ledger(self.setting.permissions)
        self.stream = Stream()
        self.nodes = [Node(), Node()]
        self.dynamodb = DynamoDb(self._written)
        self.administer = self.code.administer(self.dynamodb, self.clock)
        stage = StageCache(cast(Any, ApiGateway(self.nodes)), "olympus", "v1") if self.setting.cache_seconds else None
        self.invalidate = self.code.invalidate(self.dynamodb, stage, self.clock)
        self.tokens: list[Token] = []
        self.containers = [self._container(), self._container()]
        self.jobs: list[Job] = []
        self.acting: Change | None = None
        self.broken: Violated | None = None
        self.dynamodb.begin(STATE, GENERATION, {"id": {"S": GENERATION}, "n": {"N": str(FIRST_GENERATION)}})
        for subject, content in ((CLERKS, EVERYTHING), (AUDITORS, NOTHING), (MACHINE, READING)):
            self.ledger.begin(("policy", subject), content)
            self.dynamodb.begin(POLICIES, subject, _item(subject, content))
        for caller in range(len(CALLERS)):
            self._issue(caller, _uuid(caller), has_scope=False)
        self.clock.advance(1)
        self.deeds["stories"] += 1

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

    @power(ASK, token=_PICK, container=_PICK, node=_PICK, how=_DECIDING)
    def request(self, token: int, container: int, node: int, how: How) -> None:
        """A request that is under way while other things happen, or to which something happens."""
        self._request(self.tokens[token % len(self.tokens)], self.containers[container % 2], self.nodes[node % 2], how)

    @power(ASK, node=_PICK)
    def everyone_asks(self, node: int) -> None:
        """Requests with each token, in each container, one after the other: whoever remembers something uses it."""
        self._everyone_asks(self.nodes[node % 2])

    def _everyone_asks(self, node: Node) -> None:
        for token in self.tokens[-5:]:
            for container in self.containers:
                self._request(token, container, node, THROUGH)

    def _request(self, token: Token, container: Container, node: Node, how: How) -> None:
        now = self.clock()
        asked = Request(token, node, now, self.ledger.bound(now))
        replayed = node.replay(token.text, now, self.setting.cache_seconds)
        if replayed is not None:
            self.deeds["answered from the gateway's cache"] += 1
            self._judge_answer(asked, replayed)
            return
        decision_log = DecisionLog(write_line=lambda line: None, now=self.clock)
        self._start(
            lambda: self.code.respond(f"Bearer {token.text}", container.authorize, decision_log),
            lambda task: self._answered(asked, task),
            how,
            container=container,
        )

    def _answered(self, asked: Request, task: Task) -> None:
        if task.is_dead:
            self.deeds["died while deciding"] += 1
            return
        if self.setting.cache_seconds and self.clock() - asked.started_at > AUTHORIZER_TIMEOUT_SECONDS:
            self.deeds["answered too late for the gateway"] += 1
            return
        harm = task.harm or (f"{sorted(task.unread)} were not read" if task.unread else "")
        if isinstance(task.failure, CannotDecide):
            self._judge_failure(asked, harm)
        elif harm:
            raise Violated("a failure is no answer", f"{asked.token} was answered although {harm}")
        elif isinstance(task.failure, Unauthorized):
            self._judge_rejection(asked)
        elif task.failure:
            raise task.failure
        else:
            self.deeds["decided on policies from memory"] += POLICIES not in task.tables_read
            self.deeds["decided on a state reading from memory"] += STATE not in task.tables_read
            self.deeds["decided although keys were left unprocessed"] += task.was_short
            self._judge_answer(asked, task.value)
            if self.setting.cache_seconds:
                asked.node.answers[asked.token.text] = (task.value, self.clock())

    # Judgement

    def _judge_failure(self, asked: Request, harm: str) -> None:
        self.deeds["failed, and gave no answer"] += 1
        windows = [self.ledger.since(asked.bound, key) for key in asked.token.policies]
        if not harm and all(policy.makes_sense for window in windows for policy in window):
            raise Violated("nothing fails without a cause", f"{asked.token} was not answered")

    def _judge_rejection(self, asked: Request) -> None:
        self.deeds["rejected a revoked token"] += 1
        if not any(True in refusals for refusals in self._refusals(asked)):
            raise Violated("what is granted is granted", f"{asked.token} was rejected, and nobody had revoked it")

    def _judge_answer(self, asked: Request, document: dict[str, Any]) -> None:
        admitted = _admitted(json.dumps(document["policyDocument"]))
        windows = [self.ledger.since(asked.bound, key) for key in asked.token.policies]
        possible = possible_routes(windows, asked.token.scopes)
        self.deeds["answered"] += 1
        self.deeds["answered while more than one answer was right"] += len(possible) > 1
        story = f"{asked.token} was admitted to {sorted(admitted)}, not to one of {[sorted(p) for p in possible]}"
        if not all(False in refusals for refusals in self._refusals(asked)):
            raise Violated("a revoked token is refused", story)
        if not any(admitted <= routes for routes in possible):
            raise Violated("what was taken away is refused", story)
        if admitted not in possible:
            raise Violated("what is granted is granted", story)

    def _refusals(self, asked: Request) -> list[set[bool]]:
        """For each revocation that may concern the token: did it, at any moment since the request was bound?"""
        return [
            {asked.token.is_refused_by(revoked) for revoked in self.ledger.since(asked.bound, key)}
            for key in asked.token.revocations
        ]

    # Changes

    @power(
        CHANGE,
        subject=st.sampled_from(SUBJECTS),
        content=_PICK,
        is_conditional=st.booleans(),
        how=_CHANGING,
    )
    def change_policy(self, subject: str, content: int, is_conditional: bool, how: How) -> None:
        """Put a policy that says something else than the one before, or delete it."""
        chosen = self._another((*CONTENTS, None), subject, content)
        change = Change(("policy", subject), chosen or NOTHING)
        item = self.dynamodb.peek(POLICIES, subject)
        version = int(item["version"]["N"]) if item and "deleted" not in item else 0
        if chosen is None:
            read = version if is_conditional else None
            self._change(lambda: self.administer.delete_policy(subject, "registrar", read), change, how)
        else:
            body = {"statements": CONTENTS[chosen], **({"version": version} if is_conditional else {})}
            self._change(lambda: self.administer.put_policy(subject, body, "registrar"), change, how)

    def _another(self, contents: tuple[Meaning | None, ...], subject: str, pick: int) -> Meaning | None:
        latest = self.ledger.latest(("policy", subject))
        others = [content for content in contents if (content or NOTHING) != latest]
        return others[pick % len(others)]

    @power(REVOKE, token=_PICK, what=st.integers(0, 2), lifts=st.booleans(), how=_CHANGING)
    def change_revocation(self, token: int, what: int, lifts: bool, how: How) -> None:
        """Revoke what a token stands for: its subject, its client or its session; or take that back."""
        revocations = self.tokens[token % len(self.tokens)].revocations
        kind, value = revocations[what % len(revocations)]
        if lifts:
            self._change(lambda: self.administer.lift({kind: value}), Change((kind, value), -inf), how)
        else:
            change = Change((kind, value), inf if kind == "session" else int(self.clock()))
            self._change(lambda: self.administer.revoke({kind: value}, "registrar"), change, how)

    def _change(self, do: Callable[[], Any], change: Change, how: How) -> None:
        bound = self.ledger.bound(self.clock())

        def ended(task: Task) -> None:
            if task.is_dead:
                self.deeds["changed something, and died before the acknowledgement"] += bool(change.versions)
            elif task.failure:
                self.deeds["changed something, and reported a failure"] += bool(change.versions)
                if not isinstance(task.failure, GatehouseError):
                    raise task.failure
            else:
                self.deeds["acknowledged a change"] += 1
                self._acknowledge(change.versions)
                if not change.versions and not self._is_said(change, bound):
                    raise Violated("what is acknowledged is stored", f"nothing was written for {change.key}")

        self._start(do, ended, how, change=change)

    def _is_said(self, change: Change, bound: Bound) -> bool:
        """A revocation need not be written where one that refuses as much is found."""
        is_revocation = isinstance(change.meaning, int | float)
        return is_revocation and any(revoked >= change.meaning for revoked in self.ledger.since(bound, change.key))

    def _acknowledge(self, versions: list[Version]) -> None:
        for version in versions:
            version.acknowledged_at = min(version.acknowledged_at, self.clock())

    def _written(self, write: Write) -> None:
        """Keep the ledger. Only one acts at a time, so it is known who it was."""
        if write.key == GENERATION:
            return
        if self.acting is None:
            self.broken = Violated("only writers write", f"a reader or the stream handler wrote {write.key}")
            return
        version = self.ledger.write(self.acting.key, self.acting.meaning, self.clock())
        self.acting.versions.append(version)
        if write.table == POLICIES:
            self.stream.append(write, version)
        else:
            self._acknowledge([version])  # a revocation is one write, and the next decision sees it

    # What else happens

    @precondition(lambda self: self.jobs)
    @rule(job=_PICK, how=st.just(THROUGH) | _DECIDING)
    def go_on(self, job: int, how: How) -> None:
        """Let somebody who has stopped go on."""
        self._go_on(self.jobs[job % len(self.jobs)], how)

    @power(WAIT, seconds=_SECONDS)
    def time_passes(self, seconds: float) -> None:
        """Whoever is in the middle of something stays frozen there."""
        self.clock.advance(seconds)

    @power(EDIT, subject=st.sampled_from(SUBJECTS), content=_PICK)
    def edit_by_hand(self, subject: str, content: int) -> None:
        """Somebody writes past every rule: another policy, half a one, or none."""
        chosen = self._another((*CONTENTS, NONSENSE, None), subject, content)
        self.deeds["edited by hand"] += 1
        self.acting = Change(("policy", subject), chosen or NOTHING)
        self.dynamodb.edit(POLICIES, subject, None if chosen is None else _item(subject, chosen))
        self.acting = None

    @precondition(lambda self: self.stream.deliverable)
    @power(
        STREAM,
        subjects=st.sampled_from((7, 7, 1, 2, 6)),
        most=st.sampled_from((3, 3, 1)),
        comes_again=st.booleans(),
        how=_FOLLOWING,
    )
    def deliver(self, subjects: int, most: int, comes_again: bool, how: How) -> None:
        """The stream tells of some changes: late, out of order across subjects, and perhaps once more later."""
        keys = self.stream.deliverable
        batch = self.stream.take([key for n, key in enumerate(keys) if subjects >> n & 1] or keys, most)

        def ended(task: Task) -> None:
            dealt_with = self.stream.settle(batch, task.value, comes_again)
            self.deeds["had changes delivered again"] += comes_again or len(dealt_with) < len(batch)
            self.deeds["healed by the stream"] += any(record.about.acknowledged_at == inf for record in dealt_with)
            self._acknowledge([record.about for record in dealt_with])

        event = {"Records": [record.event for record in batch]}
        self._start(lambda: self.code.handle_policy_changes(event, self.invalidate), ended, how)

    @power(SIGN_IN, caller=st.integers(0, len(CALLERS) - 1), is_refresh=st.booleans(), has_scope=st.booleans())
    def sign_in(self, caller: int, is_refresh: bool, has_scope: bool) -> None:
        self._issue(caller, _uuid(caller if is_refresh else len(self.tokens)), has_scope)

    @power(CRASH, container=_PICK)
    def replace_container(self, container: int) -> None:
        """A container dies in whatever it is doing, and a new one takes its place."""
        number = container % 2
        for job in [job for job in self.jobs if job.container is self.containers[number]]:
            self._act(job, job.task.die)
        self.containers[number] = self._container()

    @precondition(lambda self: any(node.is_to_flush or node.flushed for node in self.nodes))
    @power(FLUSH, node=_PICK)
    def flush(self, node: int) -> None:
        self._flush(self.nodes[node % 2])

    @power(LOSE, luck=st.integers(0, 3))
    def lose_the_generation(self, luck: int) -> None:
        """As when the table is restored from a backup without it, which takes a second, and does not happen often."""
        if luck == 0:
            self.deeds["lost the generation"] += 1
            self.clock.advance(1)
            self.dynamodb.edit(STATE, GENERATION, None)

    def _flush(self, node: Node) -> None:
        """A node does at last what it was told to, or brings back what it had flushed."""
        self.deeds["flushed a node"] += node.is_to_flush
        self.deeds["brought flushed answers back"] += bool(node.flushed) and not node.is_to_flush
        if node.is_to_flush:
            node.flush()
        else:
            node.flap()

    # Tasks

    def _start(
        self,
        work: Callable[[], Any],
        ended: Callable[[Task], None],
        how: How,
        change: Change | None = None,
        container: Container | None = None,
    ) -> None:
        job = Job(Task(work), ended, change, container)
        self.jobs.append(job)
        if how == THROUGH:
            self._act(job, job.task.run)
        else:
            self._act(job, job.task.start)
            self._go_on(job, how)

    def _go_on(self, job: Job, how: How) -> None:
        self.deeds["mishaps"] += how.mishap is not None
        orders = [Order(how.pick)] * how.stops + ([Order(how.pick, how.mishap)] if how.mishap else [])
        for order in orders:
            if not job.task.is_over:
                self._act(job, partial(job.task.move, order))
        if how.to_end and not job.task.is_over:
            self._act(job, job.task.finish)

    def _act(self, job: Job, do: Callable[[], None]) -> None:
        """Let one job act, and see to its end."""
        self.deeds["steps"] += 1
        self.acting = job.change
        do()
        self.acting = None
        if job.task.is_over:
            self.jobs.remove(job)
            job.ended(job.task)
        if self.broken:
            raise self.broken

    def teardown(self) -> None:
        """At the end of a story everything ends, changes before requests, and everyone asks.

        At a violation everything just ends.
        """
        try:
            if sys.exc_info()[0] is None:
                for job in sorted(self.jobs, key=lambda job: job.container is not None):
                    self._act(job, job.task.finish)
                for node in self.nodes if self.setting.cache_seconds else self.nodes[:1]:
                    self._everyone_asks(node)
        finally:
            for job in self.jobs:
                job.task.die()


FIRST_GENERATION = 1000 * (mint.NOW - 86_400)  # yesterday, in milliseconds


def _item(subject: str, content: Meaning) -> Item:
    """A policy as it is stored; of one without sense, half is missing."""
    texts = {"subject": subject, "updated_by": "me", "updated_at": "today"}
    if content.makes_sense:
        texts["statements"] = json.dumps(CONTENTS[content])
    return {"version": {"N": "1"}, **{name: {"S": text} for name, text in texts.items()}}


@cache
def _admitted(document: str) -> frozenset[str]:
    read = json.loads(document)
    return frozenset(route for route in ROUTES if iam.permits(read, ARN_BASE + route))


# ------------------------------------------------------------------------------------------------------------- the run


def explore(
    code: Shipped,
    where: Setting,
    stories: int,
    moves: int,
    powers: tuple[str, ...] = POWERS,
    random_seed: int = 0,
    shrink: bool = True,
) -> Counter[str]:
    """Play so many stories of so many moves, which the seed decides. Raises Violated."""
    deeds: Counter[str] = Counter()
    attributes = {"code": code, "setting": where, "powers": powers, "deeds": deeds}
    machine = seed(random_seed)(type("Machine", (InvalidationMachine,), attributes))
    chosen = settings(
        max_examples=stories,
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
    return deeds


def main(minutes: float, first_seed: int = 1) -> None:
    deeds = {name: Counter[str]() for name in SETTINGS}
    until = time.monotonic() + 60 * minutes
    for number in count(first_seed):
        if time.monotonic() > until:
            break
        for name, where in SETTINGS.items():
            for moves in (8, 20, 60):
                deeds[name] += explore(Shipped(), where, 100, moves, random_seed=number)
    print(f"No promise was broken, with seeds {first_seed} to {number - 1}.\n")
    kinds = sorted({deed for counted in deeds.values() for deed in counted})
    print(f"| | {' | '.join(SETTINGS)} | all |\n|---|{'---|' * (len(SETTINGS) + 1)}")
    for kind in kinds:
        counted = [deeds[name][kind] for name in SETTINGS]
        print(f"| {kind} | {' | '.join(f'{n:,}' for n in counted)} | {sum(counted):,} |")


if __name__ == "__main__":
    main(float(sys.argv[1]), *map(int, sys.argv[2:]))

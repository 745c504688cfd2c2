"""In-memory fakes of the ports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chalicelib.core.audit import AuditEntry
from chalicelib.core.claims import Expectation, principal_from
from chalicelib.core.errors import InternalError, NotFound, TokenRejected, VersionConflict
from chalicelib.core.policy import CorruptPolicy, Policy, StoredPolicy
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.principal import Principal
from chalicelib.core.statement import Statement
from chalicelib.ports import (
    AuditPage,
    AuthorizationState,
    Restriction,
    RestrictionKind,
    Revocation,
    RevocationKind,
)
from tests import mint


@dataclass
class Clock:
    """A clock that moves only when a test advances it."""

    now: float = mint.NOW

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class FakeKeys:
    """Implements KeySource."""

    kids: tuple[str, ...] = (mint.KID,)
    revision: int = 1

    def key(self, kid: str) -> RSAPublicKey:
        if kid not in self.kids:
            raise TokenRejected("unknown_key", "no such key")
        return mint.private_key(kid).public_key()


@dataclass
class FakeState:
    """Implements StateReader, Generation and Revocations. Counts its reads."""

    generation: int = 1
    revocations: dict[tuple[RevocationKind, str], Revocation] = field(default_factory=dict)
    reads: int = 0
    locked_until: int = 0

    def read(self, principal: Principal) -> AuthorizationState:
        self.reads += 1
        times = [
            self.revocations[key].revoked_at
            for key in (("sub", principal.subject), ("client", principal.client_id))
            if key in self.revocations
        ]
        return AuthorizationState(
            generation=self.generation,
            revoked_before=max(times, default=-1),
            session_revoked=("session", principal.session) in self.revocations,
            locked_until=self.locked_until,
        )

    def bump(self) -> int:
        self.generation += 1
        return self.generation

    def list(self) -> list[Revocation]:
        return list(self.revocations.values())

    def put(self, revocation: Revocation) -> None:
        self.revocations[revocation.kind, revocation.value] = revocation

    def lift(self, kind: RevocationKind, value: str) -> None:
        if self.revocations.pop((kind, value), None) is None:
            raise NotFound(value)


@dataclass
class FakeRestrictions:
    """Implements Restrictions. A lockdown is visible in the state."""

    state: FakeState = field(default_factory=FakeState)
    stored: dict[RestrictionKind, Restriction] = field(default_factory=dict)

    def read(self) -> Mapping[RestrictionKind, Restriction]:
        return dict(self.stored)

    def put(self, restriction: Restriction) -> None:
        self.stored[restriction.kind] = restriction
        if restriction.kind == "lockdown":
            self.state.locked_until = restriction.until


@dataclass
class FakePolicies:
    """Implements PolicyStore. Counts the reads of authorizers."""

    policies: dict[str, Policy] = field(default_factory=dict)
    reads: int = 0
    corrupt: tuple[CorruptPolicy, ...] = ()

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        self.reads += 1
        return {subject: self.policies[subject] for subject in subjects if subject in self.policies}

    def get(self, subject: str) -> Policy:
        if subject not in self.policies:
            raise NotFound(subject)
        return self.policies[subject]

    def list(self) -> list[Policy]:
        return list(self.policies.values())

    def list_stored(self) -> Sequence[StoredPolicy]:
        return [*self.policies.values(), *self.corrupt]

    def put(
        self,
        subject: str,
        statements: tuple[Statement, ...],
        author: str,
        version: int | None,
        unchanged: Policy | None = None,
    ) -> Policy:
        self._check(unchanged)
        before = self.policies[subject].version if subject in self.policies else 0
        if version is not None and version != before:
            raise VersionConflict(subject, version)
        self.policies[subject] = Policy(subject, before + 1, statements, author, "2027-01-15T08:00:00+00:00")
        return self.policies[subject]

    def delete(self, subject: str, author: str, version: int | None, unchanged: Policy | None = None) -> None:
        self._check(unchanged)
        if version not in (None, self.get(subject).version):
            raise VersionConflict(subject, version or 0)
        del self.policies[subject]

    def _check(self, unchanged: Policy | None) -> None:
        if unchanged and getattr(self.policies.get(unchanged.subject), "version", None) != unchanged.version:
            raise VersionConflict(unchanged.subject, unchanged.version)


@dataclass
class FakeAuditLog:
    """Implements AuditLog. `pages_read` counts the pages of histories."""

    entries: list[AuditEntry] = field(default_factory=list)
    failure: InternalError | None = None
    pages_read: int = 0

    def add(self, entry: AuditEntry) -> None:
        if self.failure:
            raise self.failure
        if self.find(entry.subject, entry.id) is None:
            self.entries.append(entry)

    def find(self, subject: str, id_: str) -> AuditEntry | None:
        return next((entry for entry in self.entries if (entry.subject, entry.id) == (subject, id_)), None)

    def list(self, limit: int, before: str | None) -> AuditPage:
        return _page(self.entries, limit, before)

    def history(self, subject: str, limit: int, before: str | None) -> AuditPage:
        policies = [it for it in self.entries if it.subject == subject and it.action.startswith("policy.")]
        self.pages_read += 1
        return _page(policies, limit, before)

    def oldest(self, subject: str) -> AuditEntry | None:
        policies = [it for it in self.entries if it.subject == subject and it.action.startswith("policy.")]
        return min(policies, key=lambda it: it.id, default=None)

    @property
    def actions(self) -> Sequence[str]:
        return [entry.action for entry in self.entries]


def _page(entries: Iterable[AuditEntry], limit: int, before: str | None) -> AuditPage:
    newest = sorted((it for it in entries if before is None or it.id < before), key=lambda it: it.id, reverse=True)
    return AuditPage(tuple(newest[:limit]), newest[limit - 1].id if len(newest) > limit else None)


def statements(*rules: Mapping[str, Any]) -> tuple[Statement, ...]:
    """Returns statements from their JSON form."""
    return parse_statements(list(rules))


def allow(*paths: str, methods: Iterable[str] = ("GET",), sid: str = "allow", **more: Any) -> dict[str, Any]:
    return {"sid": sid, "effect": "Allow", "methods": list(methods), "paths": list(paths), **more}


def deny(*paths: str, methods: Iterable[str] = ("GET",), sid: str = "deny", **more: Any) -> dict[str, Any]:
    return {**allow(*paths, methods=methods, sid=sid, **more), "effect": "Deny"}


def principal(**claims: Any) -> Principal:
    """Returns the principal of the clerk's token, or of a token with other claims."""
    client_id = claims.get("client_id", mint.WEB_CLIENT)
    return principal_from(mint.person(**claims), Expectation(mint.ISSUER, frozenset({client_id})), mint.NOW)


@dataclass
class FakeDirectory:
    """Implements Directory. `fails_at` is the group that cannot be added."""

    groups: list[tuple[str, str, str]] = field(default_factory=list)
    fails_at: str | None = None

    def add_to_group(self, pool_id: str, username: str, group: str) -> None:
        if group == self.fails_at:
            raise InternalError("group_not_added", f"the group {group} was not added")
        self.groups.append((pool_id, username, group))


@dataclass
class FakeGroups:
    """Implements GroupReader: username → groups. `existing` are the groups of the pool, None for every name."""

    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    existing: frozenset[str] | None = None

    def groups_of(self, username: str) -> tuple[str, ...]:
        if username not in self.users:
            raise NotFound("the user")
        return self.users[username]

    def group_exists(self, group: str) -> bool:
        return self.existing is None or group in self.existing


@dataclass
class FakeLedger:
    """Implements OnboardingLedger."""

    marked: set[str] = field(default_factory=set)

    def has_entry(self, subject: str) -> bool:
        return subject in self.marked

    def add(self, subject: str) -> None:
        self.marked.add(subject)


@dataclass
class FakeGatewayCache:
    """Implements GatewayCache. Counts the flushes."""

    flushes: int = 0
    failure: Exception | None = None

    def flush(self) -> None:
        if self.failure:
            raise self.failure
        self.flushes += 1


@dataclass
class Journal:
    """Records the calls of several objects in the order in which they return."""

    calls: list[str] = field(default_factory=list)

    def of(self, name: str, target: Any) -> Any:
        """Returns a proxy of the object that records every call as `name.method`."""
        return _Journalled(name, target, self.calls)


@dataclass
class _Journalled:
    name: str
    target: Any
    calls: list[str]

    def __getattr__(self, method: str) -> Any:
        def call(*arguments: Any) -> Any:
            answer = getattr(self.target, method)(*arguments)
            self.calls.append(f"{self.name}.{method}")
            return answer

        return call

"""The ports: what the use cases need from outside. `chalicelib/aws/` implements them; tests use fakes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from chalicelib.core.policy import Policy, StoredPolicy
from chalicelib.core.principal import Principal
from chalicelib.core.statement import Statement

if TYPE_CHECKING:  # the authorizer imports the ports. It neither writes the audit log nor lists users
    from chalicelib.core.audit import AuditEntry
    from chalicelib.core.user_search import UserSearch

RevocationKind = Literal["sub", "client", "session"]


class KeySource(Protocol):
    """The public keys of the user pool."""

    @property
    def revision(self) -> int:
        """Changes whenever the set of keys changes. Negative while no key may be used."""

    def key(self, kid: str) -> Any:
        """Returns a public key. Raises TokenRejected (no such key) or CannotDecide (the keys could not be read)."""


class AuthorizationState(NamedTuple):
    """The authorization state at one moment, as far as it concerns one principal.

    generation       counts the changes of policies
    revoked_before   tokens issued at this second or earlier are refused; -1 if there is no revocation
    session_revoked  whether the session is revoked permanently
    locked_until     the end of the stage's lockdown, in seconds since 1970; 0 if there is no lockdown
    """

    generation: int
    revoked_before: int = -1
    session_revoked: bool = False
    locked_until: int = 0


class StateReader(Protocol):
    """The strongly consistent read before every decision."""

    def read(self, principal: Principal) -> AuthorizationState:
        """Raises CannotDecide unless every key was read."""


class Generation(Protocol):
    """The counter that authorizers compare with the generation of their cached policies."""

    def bump(self) -> int:
        """Increments the generation and return it. Raises InternalError."""


class PolicyReader(Protocol):
    """The strongly consistent reads of policies by authorizers."""

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        """Returns the policies of the subjects that have one. Raises CannotDecide unless every key was read."""


class PolicyCatalog(Protocol):
    """The strongly consistent read of everything that is stored as a policy."""

    def list_stored(self) -> Sequence[StoredPolicy]:
        """Returns all items, including deleted and corrupt policies."""


class PolicyStore(PolicyReader, PolicyCatalog, Protocol):
    """The reads and writes of policies by administrators. Without a version, a write replaces any version.

    A write stores the policy and its audit entry, or neither.

    unchanged  another policy: if it is no longer at this version when the write happens, the write is a VersionConflict
    """

    def get(self, subject: str) -> Policy:
        """Raises NotFound."""

    def list(self) -> list[Policy]: ...

    def put(
        self,
        subject: str,
        statements: tuple[Statement, ...],
        author: str,
        version: int | None,
        unchanged: Policy | None = None,
    ) -> Policy:
        """Raises VersionConflict."""

    def delete(self, subject: str, author: str, version: int | None, unchanged: Policy | None = None) -> None:
        """Raises NotFound and VersionConflict."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Refuses tokens before they expire.

    revoked_at  seconds since 1970; for `sub` and `client`, tokens that were issued later are accepted
    """

    kind: RevocationKind
    value: str
    revoked_at: int
    revoked_by: str


class Revocations(Protocol):
    """The list of revocations."""

    def list(self) -> list[Revocation]: ...

    def put(self, revocation: Revocation) -> None: ...

    def lift(self, kind: RevocationKind, value: str) -> None:
        """Raises NotFound."""


class AuditPage(NamedTuple):
    """Some entries, the newest first. `next` asks for the entries before them; None if there are none."""

    entries: "tuple[AuditEntry, ...]"
    next: str | None


class AuditLog(Protocol):
    """The record of administrative actions. Each method raises InternalError."""

    def add(self, entry: "AuditEntry") -> None:
        """Adds an entry. Idempotent for each subject and id."""

    def find(self, subject: str, id_: str) -> "AuditEntry | None": ...

    def list(self, limit: int, before: str | None) -> AuditPage:
        """Returns entries of all subjects. `before` is the id of an entry, or a time. May miss the latest entries."""

    def history(self, subject: str, limit: int, before: str | None) -> AuditPage:
        """Returns the policy changes of one subject."""

    def oldest(self, subject: str) -> "AuditEntry | None":
        """Returns the first policy change of one subject that is still recorded."""


class GatewayCache(Protocol):
    """API Gateway's cache of authorizer results."""

    def flush(self) -> None:
        """Flushes the cache. Best effort: on AWS a flush was observed to take most of a minute."""


RestrictionKind = Literal["freeze", "lockdown"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """A time limit of a stage. A freeze refuses changes of policies. A lockdown denies every request of use case 2.

    until   seconds since 1970; 0 if the restriction was lifted
    reason  the operator's words, for people who can change policies
    author  who restricted the stage, or lifted the restriction
    """

    kind: RestrictionKind
    until: int
    reason: str
    author: str


class Restrictions(Protocol):
    """The restrictions of a stage. A lockdown that `put` has stored is in every later reading of the state."""

    def read(self) -> Mapping[RestrictionKind, Restriction]:
        """Returns the last restriction of each kind, even if it has ended or was lifted. Raises InternalError."""

    def put(self, restriction: Restriction) -> None:
        """Replaces the stored restriction of this kind. Raises InternalError."""


class GroupReader(Protocol):
    """The groups of the users of the user pool."""

    def groups_of(self, username: str) -> tuple[str, ...]:
        """Raises NotFound for an unknown user, InternalError."""

    def group_exists(self, group: str) -> bool:
        """Raises InternalError."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of the user pool.

    username    the name in Cognito: the `sub` of a user with a password, `<provider>_<name>` of a company's user
    email       None if the user has no address
    name        the attribute `name`; None if the user has none
    status      Cognito's UserStatus, such as CONFIRMED
    created_at  ISO 8601 in UTC
    """

    username: str
    sub: str
    email: str | None
    name: str | None
    status: str
    enabled: bool
    created_at: str


class UserPage(NamedTuple):
    """Some users of the user pool. `next_token` asks for the following users; None after the last page."""

    users: tuple[User, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the user pool. The description is None if the group has none."""

    name: str
    description: str | None


class GroupPage(NamedTuple):
    """Some groups of the user pool. `next_token` asks for the following groups; None after the last page."""

    groups: tuple[Group, ...]
    next_token: str | None


class UserAccounts(GroupReader, Protocol):
    """The users of the user pool, and their groups. Every write is idempotent, except `create`.

    Each method raises InternalError. A method that takes a user raises NotFound for an unknown user.
    """

    def list(self, limit: int, token: str | None, search: "UserSearch") -> UserPage:
        """Returns the users of one page that meet the search. A page can be empty and not the last one.

        Raises:  InvalidInput for a token that no page of this search gave, and for an unknown group
        """

    def find(self, name: str) -> User:
        """Returns a user by e-mail address (of a user with a password), `sub` or username."""

    def members(self, group: str) -> Iterable[User]: ...

    def list_groups(self, limit: int, token: str | None) -> GroupPage:
        """Raises InvalidInput for a token that no page gave."""

    def is_automatic(self, group: str) -> bool:
        """Returns whether Cognito itself keeps the members of the group: all users of one identity provider."""

    def create(self, address: str) -> User:
        """Creates a user whose password nobody knows. Raises Conflict for a taken address, InvalidInput."""

    def send_invitation(self, address: str) -> None:
        """Sends the temporary password. Raises Conflict for a user who has already set a password."""

    def add_to_group(self, username: str, group: str) -> None: ...

    def remove_from_group(self, username: str, group: str) -> None: ...

    def disable(self, username: str) -> None: ...

    def enable(self, username: str) -> None: ...

    def sign_out(self, username: str) -> None:
        """Invalidates the refresh tokens. Access tokens remain valid, and the cookie of the sign-in pages remains."""

    def remove_authenticator(self, username: str) -> None:
        """Removes the authenticator app of a user. Raises Conflict if Cognito does not accept this for the user."""


class Directory(Protocol):
    """The groups of the user pool."""

    def add_to_group(self, pool_id: str, username: str, group: str) -> None:
        """Adds a user to a group. Idempotent. Raises InternalError."""


class OnboardingLedger(Protocol):
    """The users who have received the default groups."""

    def has_entry(self, subject: str) -> bool: ...

    def add(self, subject: str) -> None: ...

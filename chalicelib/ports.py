"""What the use cases need from outside, in our own words. `chalicelib/aws/` implements it, tests bring their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from chalicelib.core.policy import Policy
from chalicelib.core.principal import Principal
from chalicelib.core.statement import Statement

RevocationKind = Literal["sub", "client", "session"]


class KeySource(Protocol):
    """The keys with which the user pool signs."""

    @property
    def revision(self) -> int:
        """Changes whenever the set of keys does; negative while no key may be used."""

    def key(self, kid: str) -> Any:
        """Find a public key. Raises TokenRejected (no such key) or CannotDecide (the keys could not be read)."""


class AuthorizationState(NamedTuple):
    """What the state table says at one moment.

    generation      counts the changes of policies
    revoked_before  tokens issued at this second or earlier are refused; -1 for none
    session_revoked whether the sign-in is refused for good
    """

    generation: int
    revoked_before: int = -1
    session_revoked: bool = False


class StateReader(Protocol):
    """The strongly consistent read that stands in front of every decision."""

    def read(self, principal: Principal) -> AuthorizationState:
        """Raises CannotDecide unless every key was read."""


class Generation(Protocol):
    """The counter under which authorizers remember policies."""

    def bump(self) -> int:
        """Count one change and give the new number. Raises CannotDecide."""


class PolicyReader(Protocol):
    """Policies as authorizers read them: strongly consistent."""

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        """Find the policies of those subjects that have one. Raises CannotDecide unless every key was read."""


class PolicyStore(PolicyReader, Protocol):
    """Policies as administrators write them. No version means whatever is there."""

    def get(self, subject: str) -> Policy:
        """Raises NotFound."""

    def list(self) -> list[Policy]: ...

    def put(self, subject: str, statements: tuple[Statement, ...], author: str, version: int | None) -> Policy:
        """Raises VersionConflict."""

    def delete(self, subject: str, author: str, version: int | None) -> None:
        """Raises NotFound and VersionConflict."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tokens that are refused though they have not expired.

    revoked_at  seconds since 1970; for `sub` and `client`, tokens issued later are fine again
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


class GatewayCache(Protocol):
    """API Gateway's memory of authorizer results."""

    def flush(self) -> None:
        """Best effort: on AWS this was seen to take most of a minute."""


class Directory(Protocol):
    """The user pool, as far as groups go."""

    def add_to_group(self, pool_id: str, username: str, group: str) -> None:
        """Idempotent. Raises CannotDecide."""


class OnboardingLedger(Protocol):
    """Who has been given the default groups already."""

    def has_entry(self, subject: str) -> bool: ...

    def add(self, subject: str) -> None: ...

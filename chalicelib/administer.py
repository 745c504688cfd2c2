"""Use case: write policies, restore earlier versions, and revoke tokens.

An acknowledged change is effective for the next request.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.audit import Audit
from chalicelib.core.cognito_id import is_cognito_id
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import Policy, StoredPolicy, check_subject
from chalicelib.core.statement import Statement
from chalicelib.policy_versions import statements_at
from chalicelib.ports import AuditPage, Generation, PolicyStore, Revocation, RevocationKind, Revocations


def _accept(_subject: str, _after: Sequence[Statement]) -> None:
    return None


def _never_frozen() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Administer:
    """Administers policies and revocations.

    audit            records revocations. The store of policies records policy changes
    check_size       raises InvalidInput for statements that are too large
    clients          returns the app clients whose tokens are accepted; only these can be revoked
    refuse_lock_out  raises LastAdministrator for the statements of a subject that would leave no administrator; returns
                     the policy of the administrator who must remain
    refuse_frozen    raises Conflict while policy changes are frozen. Revocations stay possible
    now              returns seconds since 1970
    """

    policies: PolicyStore
    generation: Generation
    revocations: Revocations
    audit: Audit
    check_size: Callable[[Sequence[Statement]], None]
    clients: Callable[[], frozenset[str]] = frozenset
    refuse_lock_out: Callable[[str, Sequence[Statement]], Policy | None] = _accept
    refuse_frozen: Callable[[], None] = _never_frozen
    now: Callable[[], float] = time.time

    def list_policies(self) -> list[Policy]:
        return self.policies.list()

    def get_policy(self, subject: str) -> Policy:
        """Raises InvalidInput and NotFound."""
        return self.policies.get(check_subject(subject))

    def stored_policy(self, subject: str) -> StoredPolicy | None:
        """Returns what is stored for a subject, also a corrupt policy. Raises InvalidInput, InternalError."""
        check_subject(subject)
        return next((stored for stored in self.policies.list_stored() if stored.subject == subject), None)

    def put_policy(
        self,
        subject: str,
        statements: tuple[Statement, ...],
        author: str,
        version: int | None = None,
        force: bool = False,
    ) -> Policy:
        """Stores a policy. An invalid policy is refused as a whole.

        version  the version that the policy replaces; None replaces any version
        force    store the policy even if it leaves no administrator
        Raises:  InvalidInput, VersionConflict, LastAdministrator, Conflict while policy changes are frozen;
                 InternalError when the change may be stored but not yet effective
        """
        check_subject(subject)
        self.check_size(statements)
        self.refuse_frozen()
        remaining = None if force else self.refuse_lock_out(subject, statements)
        try:
            return self.policies.put(subject, statements, author, version, remaining)
        finally:
            # The guarantee needs this order: first the policy, then the generation, then the response. A failed write
            # increments the generation as well, because the policy may be stored although the response was lost.
            self.generation.bump()

    def delete_policy(self, subject: str, author: str, version: int | None = None, force: bool = False) -> None:
        """Raises NotFound, and as `put_policy` does."""
        check_subject(subject)
        self.refuse_frozen()
        remaining = None if force else self.refuse_lock_out(subject, ())
        try:
            self.policies.delete(subject, author, version, remaining)
        finally:
            self.generation.bump()

    def history(self, subject: str, limit: int, before: str | None = None) -> AuditPage:
        """Returns the changes of a policy, the newest first. Raises InvalidInput, InternalError."""
        return self.audit.log.history(check_subject(subject), limit, before)

    def list_audit(self, limit: int, before: str | None = None) -> AuditPage:
        return self.audit.log.list(limit, before)

    def rollback(self, subject: str, to: int, author: str, version: int | None = None, force: bool = False) -> Policy:
        """Writes the statements of an earlier version as a new version.

        to       the version to restore
        version  the version that is replaced; None replaces any version
        Raises:  InvalidInput for a version that was a deletion, NotFound for an unknown version, and as `put_policy`
        """
        return self.put_policy(subject, self.statements_at(subject, to), author, version, force)

    def statements_at(self, subject: str, version: int) -> tuple[Statement, ...]:
        """Returns the statements of a version. Raises InvalidInput, NotFound and InternalError, as `rollback` does."""
        return statements_at(self.audit.log, check_subject(subject), version)

    def list_revocations(self) -> list[Revocation]:
        return self.revocations.list()

    def revoke(self, kind: RevocationKind, value: str, author: str) -> Revocation:
        """Revokes all tokens of a subject or app client that were issued up to now, or all tokens of a session.

        Raises:  InvalidInput, InternalError
        """
        self._check_that_tokens_carry(kind, value)
        with self.audit.recorded("revocation.add", f"{kind}:{value}", author):
            revocation = Revocation(kind, value, revoked_at=int(self.now()), revoked_by=author)
            self.revocations.put(revocation)
            return revocation

    def lift(self, kind: RevocationKind, value: str, author: str) -> None:
        """Removes a revocation. Raises NotFound, InternalError."""
        with self.audit.recorded("revocation.lift", f"{kind}:{value}", author):
            self.revocations.lift(kind, value)

    def _check_that_tokens_carry(self, kind: RevocationKind, value: str) -> None:
        """Raises InvalidInput for a value that no token carries. Its revocation would have no effect."""
        if kind == "client":
            if value not in self.clients():
                raise InvalidInput(kind, f"{value[:80]!r} is not an app client of this application (CLIENT_IDS)")
        elif not is_cognito_id(value):
            claim = "sub" if kind == "sub" else "origin_jti"
            hint = "; revoke a machine by its client" if kind == "sub" else ""
            raise InvalidInput(kind, f"expected the token's {claim}, a UUID in lower case{hint}")

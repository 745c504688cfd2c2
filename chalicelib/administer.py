"""Use case: write policies and revoke tokens. An acknowledged change is effective for the next request."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import Policy, check_subject
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.statement import Statement
from chalicelib.ports import Generation, PolicyStore, Revocation, RevocationKind, Revocations

_REVOCABLE: tuple[RevocationKind, ...] = ("sub", "client", "session")
_MAX_VALUE_CHARACTERS = 256
# The form of `sub` and `origin_jti` in Cognito, for local users and for users of an identity provider.
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Administer:
    """Administers policies and revocations.

    check_size  raises InvalidInput for statements that are too large
    clients     returns the app clients whose tokens are accepted; only these can be revoked
    now         returns seconds since 1970
    """

    policies: PolicyStore
    generation: Generation
    revocations: Revocations
    check_size: Callable[[Sequence[Statement]], None]
    clients: Callable[[], frozenset[str]] = frozenset
    now: Callable[[], float] = time.time

    def list_policies(self) -> list[Policy]:
        return self.policies.list()

    def get_policy(self, subject: str) -> Policy:
        """Raises InvalidInput and NotFound."""
        return self.policies.get(check_subject(subject))

    def put_policy(self, subject: str, body: Any, author: str) -> Policy:
        """Store a policy. An invalid policy is refused as a whole.

        Shape:   {"statements": [...], "version": the version that the caller has read (optional)}
        Raises:  InvalidInput, VersionConflict; InternalError when the change may be stored but not yet effective
        """
        check_subject(subject)
        fields = _fields(body, required={"statements"}, optional={"version"})
        statements = parse_statements(fields["statements"])
        self.check_size(statements)
        version = _version(fields.get("version"))
        try:
            return self.policies.put(subject, statements, author, version)
        finally:
            # The guarantee needs this order: first the policy, then the generation, then the response. A failed write
            # increments the generation as well, because the policy may be stored although the response was lost.
            self.generation.bump()

    def delete_policy(self, subject: str, author: str, version: int | None = None) -> None:
        """Raises InvalidInput, NotFound, VersionConflict and InternalError, as `put_policy` does."""
        check_subject(subject)
        try:
            self.policies.delete(subject, author, version)
        finally:
            self.generation.bump()

    def list_revocations(self) -> list[Revocation]:
        return self.revocations.list()

    def revoke(self, body: Any, author: str) -> Revocation:
        """Revoke all tokens of a subject or app client that were issued up to now, or all tokens of a session.

        Shape:   exactly one of {"sub": …}, {"client": …}, {"session": …}
        Raises:  InvalidInput, InternalError
        """
        kind, value = _revocable(body)
        self._check_that_tokens_carry(kind, value)
        revocation = Revocation(kind, value, revoked_at=int(self.now()), revoked_by=author)
        self.revocations.put(revocation)
        return revocation

    def lift(self, body: Any) -> None:
        """Remove a revocation. The body has the shape of `revoke`. Raises InvalidInput, NotFound, InternalError."""
        self.revocations.lift(*_revocable(body))

    def _check_that_tokens_carry(self, kind: RevocationKind, value: str) -> None:
        """Raise InvalidInput for a value that no token carries. Its revocation would have no effect."""
        if kind == "client":
            if value not in self.clients():
                raise InvalidInput(kind, f"{value[:80]!r} is not an app client of this app (CLIENT_IDS)")
        elif not _UUID.fullmatch(value):
            claim = "sub" if kind == "sub" else "origin_jti"
            hint = "; revoke a machine by its client" if kind == "sub" else ""
            raise InvalidInput(kind, f"expected the token's {claim}, a UUID in lower case{hint}")


def _revocable(body: Any) -> tuple[RevocationKind, str]:
    fields = _fields(body, required=set(), optional=set(_REVOCABLE))
    if len(fields) != 1:
        raise InvalidInput("body", "expected exactly one of sub, client and session")
    kind, value = next(iter(fields.items()))
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_VALUE_CHARACTERS or not value.isprintable():
        raise InvalidInput(kind, f"expected a text of 1 to {_MAX_VALUE_CHARACTERS} characters")
    return cast(RevocationKind, kind), value


def _version(value: Any) -> int | None:
    if value is not None and (type(value) is not int or value < 0):
        raise InvalidInput("version", "expected the whole number that the policy was read with")
    return value


def _fields(body: Any, required: set[str], optional: set[str]) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise InvalidInput("body", "expected a JSON object")
    for name in sorted(set(body) - required - optional):
        raise InvalidInput(name, "there is no such field")
    for name in sorted(required - set(body)):
        raise InvalidInput(name, "is missing")
    return body

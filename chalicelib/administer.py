"""Use case: write policies and revoke tokens. What is acknowledged holds for the next request."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import Policy, check_subject, parse_statements
from chalicelib.ports import Generation, PolicyStore, Revocation, RevocationKind, Revocations

_REVOCABLE: tuple[RevocationKind, ...] = ("sub", "client", "session")
_LONGEST_VALUE = 256
# What Cognito writes into `sub` and `origin_jti`, of a local person and of one from a company.
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Administer:
    """Administers policies and revocations.

    clients  gives the app clients whose tokens are admitted, and which alone can be revoked
    now      seconds since 1970
    """

    policies: PolicyStore
    generation: Generation
    revocations: Revocations
    clients: Callable[[], frozenset[str]] = frozenset
    now: Callable[[], float] = time.time

    def list_policies(self) -> list[Policy]:
        return self.policies.list()

    def get_policy(self, subject: str) -> Policy:
        """Raises InvalidInput and NotFound."""
        return self.policies.get(check_subject(subject))

    def put_policy(self, subject: str, body: Any, author: str) -> Policy:
        """Store the policy that the body describes, whole or not at all.

        Shape:   {"statements": [...], "version": the version it was read at (optional)}
        Raises:  InvalidInput, VersionConflict; CannotDecide when the change is stored but not certain to be effective
        """
        check_subject(subject)
        fields = _fields(body, required={"statements"}, optional={"version"})
        statements = parse_statements(fields["statements"])
        version = _version(fields.get("version"))
        try:
            return self.policies.put(subject, statements, author, version)
        finally:
            # After the policy and before the answer: this order is the guarantee. Also after a failure: the write may
            # have arrived, and only its answer be lost.
            self.generation.bump()

    def delete_policy(self, subject: str, author: str, version: int | None = None) -> None:
        """Raises InvalidInput, NotFound, VersionConflict and CannotDecide, as `put_policy` does."""
        check_subject(subject)
        try:
            self.policies.delete(subject, author, version)
        finally:
            self.generation.bump()

    def list_revocations(self) -> list[Revocation]:
        return self.revocations.list()

    def revoke(self, body: Any, author: str) -> Revocation:
        """Refuse tokens that were issued up to now, or a sign-in for good.

        Shape:   exactly one of {"sub": …}, {"client": …}, {"session": …}
        Raises:  InvalidInput, CannotDecide
        """
        kind, value = _revocable(body)
        self._check_that_tokens_carry(kind, value)
        revocation = Revocation(kind, value, revoked_at=int(self.now()), revoked_by=author)
        self.revocations.put(revocation)
        return revocation

    def lift(self, body: Any) -> None:
        """Take a revocation back; the shape is that of `revoke`. Raises InvalidInput, NotFound, CannotDecide."""
        self.revocations.lift(*_revocable(body))

    def _check_that_tokens_carry(self, kind: RevocationKind, value: str) -> None:
        """Raises InvalidInput for what no token carries: its revocation would be acknowledged and revoke nothing."""
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
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_VALUE or not value.isprintable():
        raise InvalidInput(kind, f"expected a text of 1 to {_LONGEST_VALUE} characters")
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

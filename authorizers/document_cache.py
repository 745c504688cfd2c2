"""A cache of policy documents, bounded by the life of the permissions that they were built from."""

from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from chalicelib.authorize import EffectivePermissions

_MAX_STAGES = 8


class CachedDocument(NamedTuple):
    """A policy document and the context that goes with it. Independent of the caller and of the request.

    size  the bytes of both as JSON
    """

    policy: dict[str, Any]
    context: dict[str, str]
    size: int


class DocumentCache:
    """Builds each document once for every set of permissions and every stage. Safe to share between threads.

    The cache holds the permissions by a weak reference: when the use case drops them, their documents go as well.

    build  returns the document for the permissions and the ARN base of a stage
    """

    def __init__(self, build: Callable[[EffectivePermissions, str], CachedDocument]) -> None:
        self._build = build
        self._documents: WeakKeyDictionary[EffectivePermissions, dict[str, CachedDocument]] = WeakKeyDictionary()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, permissions: EffectivePermissions, arn_base: str) -> CachedDocument:
        """Returns the document, from the cache if possible. Raises CannotDecide as `policy_document.build` does."""
        with self._lock:
            by_stage = self._documents.get(permissions)
            document = by_stage.get(arn_base) if by_stage is not None else None
        if document is None:
            document = self._build(permissions, arn_base)
            with self._lock:
                by_stage = self._documents.setdefault(permissions, {})
                if len(by_stage) >= _MAX_STAGES:
                    by_stage.clear()
                by_stage[arn_base] = document
        return document

"""Remembers the accepted assertions until they expire, so that the pool accepts each one once."""

from __future__ import annotations

import threading


class AcceptedAssertions:
    """In memory: after a restart, the binding of a response to its request still prevents a replay."""

    def __init__(self) -> None:
        self._expiries: dict[tuple[str, str], float] = {}  # by issuer and ID
        self._lock = threading.Lock()

    def add(self, issuer: str, assertion_id: str, expires_at: float, now: float) -> bool:
        """Returns whether the assertion is new. Of two concurrent calls, one gets True."""
        with self._lock:
            self._expiries = {key: until for key, until in self._expiries.items() if until > now}
            is_new = (issuer, assertion_id) not in self._expiries
            self._expiries.setdefault((issuer, assertion_id), expires_at)
            return is_new

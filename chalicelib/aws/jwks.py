"""The user pool's signing keys, fetched from its JWKS document."""

import time
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from threading import Lock
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from chalicelib.core import strict_json
from chalicelib.core.errors import CannotDecide, TokenRejected

FETCH_TIMEOUT_SECONDS = 3.0
_MAX_DOCUMENT_BYTES = 65_536  # Cognito's document has about 900

Keys = Mapping[str, RSAPublicKey]


class JwksKeySource:
    """Caches the signing keys. It fetches them when first needed, when they are old and when a key is missing.

    fetch          returns {kid: public key}; raises OSError, or ValueError for an invalid document
    cooldown       seconds between two fetches, so that forged key ids cannot flood the endpoint
    refresh_after  seconds after which keys are fetched again, so that a withdrawn key does not stay valid
    max_age        seconds for which keys are used while fetching fails: an outage must not sign everyone out
    now            returns seconds since 1970: a monotonic clock may stop while a Lambda is frozen
    """

    def __init__(
        self,
        fetch: Callable[[], Keys],
        cooldown: float = 10.0,
        refresh_after: float = 600.0,
        max_age: float = 3600.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch
        self._cooldown = cooldown
        self._refresh_after = min(refresh_after, max_age)
        self._max_age = max_age
        self._now = now
        self._lock = Lock()
        self._keys: Keys = {}
        self._revision = 0
        self._tried_at = self._fetched_at = float("-inf")
        self._outage: Exception | None = None

    @property
    def revision(self) -> int:
        """Changes whenever the set of keys changes. Negative while there are no keys or the keys are too old."""
        if 0 <= self._now() - self._fetched_at < self._refresh_after:  # the usual case
            return self._revision
        self._refresh_if_due()
        return -1 if self._is_too_old() else self._revision

    @property
    def outage_seconds(self) -> float:
        """The age of the keys in use while fetching fails; 0 otherwise."""
        return self._now() - self._fetched_at if self._outage and self._keys else 0.0

    def key(self, kid: str) -> RSAPublicKey:
        """Returns a key. Raises TokenRejected (the pool has no such key) or CannotDecide (the keys are unknown)."""
        self._refresh_if_due(kid)
        key = self._keys.get(kid)
        if self._is_too_old() or (key is None and self._outage):
            raise CannotDecide("keys_unreachable", "the user pool's keys could not be fetched") from self._outage
        if key is None:
            raise TokenRejected("unknown_key", "the user pool has no key with the id that the token names")
        return key

    def prefetch(self) -> None:
        """Fetches the keys before a request needs them. If this fails, the first request fetches them at once."""
        with self._lock:
            self._refresh()
            if self._outage:
                self._outage, self._tried_at = None, float("-inf")

    def _is_too_old(self) -> bool:
        return not 0 <= self._now() - self._fetched_at < self._max_age

    def _refresh_if_due(self, kid: str | None = None) -> None:
        if not self._is_due(kid):
            return
        # While one thread fetches, a thread whose key is cached continues with that key. The other threads wait.
        must_wait = kid is not None and (kid not in self._keys or self._is_too_old())
        if self._lock.acquire(blocking=must_wait):
            try:
                if self._is_due(kid):
                    self._refresh()
            finally:
                self._lock.release()

    def _is_due(self, kid: str | None) -> bool:
        now = self._now()
        if 0 <= now - self._tried_at < self._cooldown:
            return False
        if kid is not None and kid not in self._keys:
            return True
        return bool(self._keys) and not 0 <= now - self._fetched_at < self._refresh_after

    def _refresh(self) -> None:
        began = self._now()
        try:
            keys = self._fetch()
        except (OSError, ValueError) as error:
            self._outage = error
        else:
            self._outage = None
            self._fetched_at = began
            changed = keys != self._keys
            # Replace the keys before the revision: no token of a withdrawn key may be cached under the new revision.
            self._keys = keys
            self._revision += changed
        finally:
            self._tried_at = self._now()  # set last, so that other threads wait for the result of this fetch


def fetch_jwks(url: str, timeout: float = FETCH_TIMEOUT_SECONDS) -> Keys:
    """Returns the keys of a JWKS document. Raises OSError and ValueError."""
    return parse_jwks(fetch_document(url, timeout))


def fetch_document(url: str, timeout: float = FETCH_TIMEOUT_SECONDS) -> bytes:
    """Returns a JWKS document. Follows no redirect. Raises OSError, and ValueError for a document that is too large."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(url, timeout=timeout) as response:
            document: bytes = response.read(_MAX_DOCUMENT_BYTES + 1)
    except HTTPException as error:
        raise OSError("the JWKS endpoint does not speak HTTP") from error
    if len(document) > _MAX_DOCUMENT_BYTES:
        raise ValueError(f"the JWKS document is too large: more than {_MAX_DOCUMENT_BYTES} bytes")
    return document


def parse_jwks(document: bytes) -> Keys:
    """Returns the RS256 keys of a JWKS document. Skips other entries. Raises ValueError if there is no RS256 key."""
    parsed = strict_json.parse(document)
    entries = parsed.get("keys") if isinstance(parsed, dict) else None
    keys = {}
    for entry in entries if isinstance(entries, list) else []:
        key = _rs256_key(entry)
        if key is not None:
            keys[entry["kid"]] = key
    if not keys:
        raise ValueError("the JWKS document has no RS256 key")
    return keys


def _rs256_key(entry: Any) -> RSAPublicKey | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("kty") != "RSA":
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    try:
        key = PyJWK(entry, algorithm="RS256").key
    except (PyJWTError, ValueError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= 2048 else None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Treats a redirect of the key endpoint as an outage."""

    def redirect_request(self, *_: Any) -> None:
        return None

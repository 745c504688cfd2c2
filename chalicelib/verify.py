"""Use case: verify a token. PyJWT checks the signature; `core/` checks the form and the claims."""

import time
from collections.abc import Callable
from hashlib import sha256

from jwt.algorithms import RSAAlgorithm

from chalicelib.core.claims import Expectation, principal_from
from chalicelib.core.errors import TokenRejected
from chalicelib.core.jws import decode_object, key_id, split
from chalicelib.core.principal import Principal
from chalicelib.lru_cache import LruCache
from chalicelib.ports import KeySource

_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)
_HEADERS = 16


class VerifyToken:
    """Verifies access tokens. Caches verified tokens by the SHA-256 of the whole token.

    It caches the principal, never a decision. An entry is not used after the token's expiry or a change of the keys.

    remember  the number of tokens to cache, 0 to cache none; a token takes about 1 kB
    now       returns seconds since 1970
    """

    def __init__(
        self, keys: KeySource, expected: Expectation, remember: int = 1024, now: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._expected = expected
        self._now = now
        self._verified: LruCache[bytes, tuple[int, Principal]] = LruCache(remember)
        # A pool writes few different headers. The headers of tokens with a valid signature are parsed once.
        self._kids: LruCache[bytes, str] = LruCache(_HEADERS)

    def __call__(self, token: str) -> Principal:
        """Returns the principal. Raises TokenRejected, or CannotDecide when the keys cannot be read."""
        revision = self._keys.revision
        fingerprint = sha256(token.encode("utf-8", "surrogatepass")).digest()
        cached = self._verified.get(fingerprint)
        if cached is not None and cached[0] == revision:
            principal = cached[1]
            if principal.expires_at <= self._now():
                raise TokenRejected("token_expired", "the token has expired")
            return principal
        principal = self._verify(token)
        if revision >= 0:
            self._verified.put(fingerprint, (revision, principal))
        return principal

    def _verify(self, token: str) -> Principal:
        jws = split(token)
        known = self._kids.get(jws.header)
        kid = known or key_id(jws.header)
        if not _RS256.verify(jws.signing_input, self._keys.key(kid), jws.signature):
            raise TokenRejected("bad_signature", "the token's signature does not match")
        if not known:
            self._kids.put(jws.header, kid)
        return principal_from(decode_object(jws.payload), self._expected, self._now())

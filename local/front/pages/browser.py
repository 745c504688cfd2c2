"""Recognises a browser by a cookie, and proves that a form comes from a page which this browser has loaded."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from local.front.http import Request

COOKIE = "sign-in-browser"
FORM_TOKEN = "form_token"
_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Browser:
    """A browser, and the token that its forms carry."""

    id: str
    form_token: str
    is_new: bool

    def has_sent(self, form: dict[str, str]) -> bool:
        """Returns whether a form carries the token of this browser."""
        return not self.is_new and hmac.compare_digest(form.get(FORM_TOKEN, "").encode(), self.form_token.encode())


def set_cookie(name: str, value: str, seconds: int | None = None) -> tuple[bytes, bytes]:
    """Returns the header that sets a cookie. Without seconds, it ends with the browser. With 0, it ends now.

    The local cloud serves HTTP on loopback, so the cookie cannot be Secure.
    """
    age = "" if seconds is None else f"; Max-Age={seconds}"
    return b"set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}".encode()


def recognise(key: bytes) -> Callable[[Request], Browser]:
    """Returns a function that recognises the browser of a request. The key makes the tokens of the forms."""

    def browser_of(request: Request) -> Browser:
        sent = request.cookies.get(COOKIE, "")
        known = bool(_ID.fullmatch(sent))
        identifier = sent if known else secrets.token_urlsafe(32)
        token = hmac.new(key, identifier.encode(), hashlib.sha256).hexdigest()
        return Browser(identifier, token, is_new=not known)

    return browser_of

"""Talks to an OIDC provider: discovery, exchange of the code, keys and userinfo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from local.front.federation import oidc
from local.front.federation.identity import Identity, Refused
from local.front.http import with_query

Fetch = Callable[..., Any]  # (url, form=None, bearer="") → the parsed JSON; raises OSError or ValueError
_SECONDS = 10


@dataclass(frozen=True)
class OidcProvider:
    """A provider, and the pool's client at it.

    callback  the address to which the provider returns the code
    """

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    callback: str
    fetch: Fetch

    def sign_in_url(self, state: str, nonce: str) -> str:
        """Returns the address of the authentication request. Raises Refused."""
        address = self._endpoint(self._discover(), "authorization_endpoint")
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.callback,
            "scope": self.scopes,
            "state": state,
            "nonce": nonce,
        }
        return with_query(address, asked)

    def identity(self, code: str, nonce: str, now: float) -> Identity:
        """Returns the verified identity that a code stands for. Raises Refused."""
        described = self._discover()
        granted = self._ask(
            self._endpoint(described, "token_endpoint"),
            form={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.callback,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
            },
        )
        access_token = str(granted.get("access_token", ""))
        expected = oidc.Expected(self.issuer, self.client_id, nonce, access_token)
        keys = self._ask(self._endpoint(described, "jwks_uri"))
        claims = oidc.verify(str(granted.get("id_token", "")), keys, expected, now)
        # Cognito's documentation reads the attributes from userinfo.
        userinfo = self._ask(self._endpoint(described, "userinfo_endpoint"), bearer=access_token)
        return oidc.identity(claims, userinfo)

    def _discover(self) -> Mapping[str, Any]:
        described = self._ask(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if described.get("issuer") != self.issuer:
            raise Refused("The discovery document has another issuer.")
        return described

    def _endpoint(self, described: Mapping[str, Any], name: str) -> str:
        address = described.get(name)
        if not isinstance(address, str) or urlsplit(address).scheme not in ("http", "https"):
            raise Refused(f"The discovery document has no {name}.")
        return address

    def _ask(self, url: str, **sent: Any) -> Mapping[str, Any]:
        try:
            content = self.fetch(url, **sent)
        except (OSError, ValueError) as error:
            raise Refused(f"The provider did not answer at {urlsplit(url).path}.") from error
        if not isinstance(content, dict):
            raise Refused(f"The provider answered no JSON object at {urlsplit(url).path}.")
        return content


def fetch_json(url: str, form: Mapping[str, str] | None = None, bearer: str = "") -> Any:
    """Sends a request and returns the JSON of the response. Raises OSError or ValueError."""
    import requests

    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
    method = "POST" if form else "GET"
    answer = requests.request(method, url, data=form, headers=headers, timeout=_SECONDS, allow_redirects=False)
    answer.raise_for_status()
    return answer.json()


def fetch_text(url: str) -> str:
    """Returns the text at an address. Raises OSError."""
    import requests

    answer = requests.get(url, timeout=_SECONDS)
    answer.raise_for_status()
    return answer.text

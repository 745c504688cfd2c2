"""The identity providers of a user pool: the address for a browser, and the identity that an answer proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.front.directory import Record
from local.front.federation import authn_request, saml, saml_metadata, sign_in_domain
from local.front.federation.identity import Identity, Refused
from local.front.federation.oidc_provider import Fetch, OidcProvider
from local.front.federation.replay import AcceptedAssertions

_OTHER = "The answer comes from another provider than the request asked."


@dataclass(frozen=True)
class Answer:
    """What a browser brings back from a provider: a SAML response, or the parameters of OIDC.

    issuer  of OIDC's answer; providers that follow RFC 9207 send it
    """

    by_saml: bool
    response: str = ""
    code: str = ""
    issuer: str = ""


@dataclass(frozen=True)
class Providers:
    """The methods take a pool and a provider as ministack stores them, and the open sign-in. They block.

    now   the time
    ask   fetches JSON from an OIDC provider
    read  fetches SAML metadata
    """

    now: Callable[[], float]
    ask: Fetch
    read: Callable[[str], str]
    accepted: AcceptedAssertions

    def sign_in_url(self, pool: Record, provider: Record, opened: Record, key: str) -> str:
        """Returns the provider's address with an authentication request. Raises Refused."""
        if provider["ProviderType"] == "OIDC":
            return self._oidc(pool, provider).sign_in_url(key, opened["provider_nonce"])
        return authn_request.sign_in_url(
            self._metadata(provider).sign_in_url,
            opened["request_id"],
            key,
            issuer=sign_in_domain.entity_id(pool),
            recipient=sign_in_domain.saml_callback(pool),
            now=self.now(),
        )

    def identity(self, pool: Record, provider: Record, opened: Record, answer: Answer) -> Identity:
        """Returns the identity that an answer proves. Raises Refused."""
        if (provider["ProviderType"] == "SAML") != answer.by_saml:
            raise Refused(_OTHER)
        if answer.by_saml:
            return self._by_saml(pool, provider, opened["request_id"], answer.response)
        return self._by_oidc(self._oidc(pool, provider), opened["provider_nonce"], answer)

    def _by_saml(self, pool: Record, provider: Record, request_id: str, response: str) -> Identity:
        metadata, now = self._metadata(provider), self.now()
        expected = saml.Expected(
            issuer=metadata.entity_id,
            certificates=metadata.certificates,
            audience=sign_in_domain.entity_id(pool),
            recipient=sign_in_domain.saml_callback(pool),
            request_id=request_id,
        )
        assertion = saml.verify(response, expected, now)
        if not self.accepted.add(metadata.entity_id, assertion.id, assertion.expires_at, now):
            raise Refused("The assertion was used before.")
        return assertion.identity

    def _by_oidc(self, company: OidcProvider, nonce: str, answer: Answer) -> Identity:
        if answer.issuer not in ("", company.issuer):
            raise Refused(_OTHER)
        if not answer.code:
            raise Refused("The provider reports a failure.")
        return company.identity(answer.code, nonce, self.now())

    def _metadata(self, provider: Record) -> saml_metadata.Metadata:
        details = provider["ProviderDetails"]
        try:
            text = details.get("MetadataFile") or self.read(details.get("MetadataURL", ""))
        except (OSError, ValueError) as error:
            raise Refused("The provider's metadata cannot be read.") from error
        return saml_metadata.read(text)

    def _oidc(self, pool: Record, provider: Record) -> OidcProvider:
        details = provider["ProviderDetails"]
        return OidcProvider(
            issuer=details["oidc_issuer"],
            client_id=details["client_id"],
            client_secret=details.get("client_secret", ""),
            scopes=details.get("authorize_scopes", "openid"),
            callback=sign_in_domain.oidc_callback(pool),
            fetch=self.ask,
        )

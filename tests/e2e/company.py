"""Signs in through the company, as a browser does: by the pages of its provider, with Authlib as the application."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session

from local.company.people import employees, group_map
from local.sign_in import SignInFailed
from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP
from tests.e2e.clients import TIMEOUT, Users, unique
from tests.forms import Form

KINDS = ("saml", "oidc")
# One employee for each group of the user pool.
BY_GROUP = {next((group_map()[g] for g in one.groups if g in group_map()), DEFAULT_GROUP): one for one in employees()}
ORDINARY, PRIVILEGED = BY_GROUP[DEFAULT_GROUP], BY_GROUP[PRIVILEGED_GROUP]
_MOST_PAGES = 12


@dataclass
class Visitor:
    """A browser with its cookies, and the application that it signs in to.

    outputs   of the running cloud
    provider  the name of an identity provider of the user pool
    change    changes each form before the browser sends it
    """

    outputs: dict[str, Any]
    provider: str
    scope: str = "openid email"
    change: Callable[[dict[str, str]], dict[str, str]] = dict
    browser: requests.Session = field(default_factory=requests.Session)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def __post_init__(self) -> None:
        self.application = OAuth2Session(
            self.outputs["company"]["client_id"],
            scope=self.scope,
            redirect_uri=self.outputs["redirect_uri"],
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
        )

    def return_address(self, username: str, password: str) -> str:
        """Signs in at the company, and returns the address of the application with a code or an error.

        The address is empty if the company asks for the password again.
        """
        url, self.state = self.application.create_authorization_url(
            self.outputs["authorize_url"],
            code_verifier=self.verifier,
            identity_provider=self.provider,
            nonce=secrets.token_urlsafe(16),
        )
        asked = False
        form: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            method = "POST" if form else "GET"
            answer = self.browser.request(method, url, data=self.change(form), allow_redirects=False, timeout=TIMEOUT)
            url, form = urljoin(url, str(answer.headers.get("location", ""))), {}
            if url.startswith(self.outputs["redirect_uri"]):
                return str(url)
            if not answer.is_redirect:
                page = Form(answer.text)
                if "password" in page.fields:
                    if asked:
                        return ""
                    asked, page.fields["password"] = True, password
                    page.fields["login" if "login" in page.fields else "username"] = username
                url, form = urljoin(url, page.action), page.fields
        raise AssertionError(f"The sign-in does not end. The last page was {url}.")

    def tokens(self, username: str, password: str) -> dict[str, Any]:
        """Signs in and returns all tokens. Raises SignInFailed with the error that the application gets."""
        address = self.return_address(username, password)
        received = parse_qs(urlsplit(address).query)
        if "code" not in received:
            raise SignInFailed(received.get("error_description", ["The company refused the password."])[0])
        return dict(
            self.application.fetch_token(
                self.outputs["token_url"],
                authorization_response=address,
                state=self.state,
                code_verifier=self.verifier,
            )
        )

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        return dict(self.application.refresh_token(self.outputs["token_url"], refresh_token=refresh_token))


def visitor(outputs: dict[str, Any], kind: str, *scopes: str) -> Visitor:
    return Visitor(outputs, outputs["company"][kind]["provider"], " ".join(("openid", "email", *scopes)))


def sign_in(outputs: dict[str, Any], kind: str, person: str, *scopes: str) -> dict[str, Any]:
    """Signs in an employee of the company, and returns all tokens."""
    return visitor(outputs, kind, *scopes).tokens(**outputs["company"][kind]["users"][person])


@contextmanager
def registered(
    outputs: dict[str, Any],
    users: Users,
    kind: str,
    details: Mapping[str, str],
    *,
    email: str = "mail",
    groups: str = "groups",
) -> Iterator[str]:
    """Registers one more provider in the user pool, and yields its name. The stage does not name it.

    email, groups  the provider's attributes or claims with the address and the groups
    """
    pool, name = {"UserPoolId": outputs["user_pool_id"]}, unique("Partner")
    client = users.cognito.describe_user_pool_client(**pool, ClientId=outputs["company"]["client_id"])["UserPoolClient"]
    read_only = {"CreationDate", "LastModifiedDate"}
    settings = {key: value for key, value in client.items() if key not in read_only and value != ""}
    users.cognito.create_identity_provider(
        **pool,
        ProviderName=name,
        ProviderType=kind,
        ProviderDetails=dict(details),
        AttributeMapping={"email": email, "custom:idp_groups": groups},
    )
    providers = client["SupportedIdentityProviders"]
    users.cognito.update_user_pool_client(**{**settings, "SupportedIdentityProviders": [*providers, name]})
    try:
        yield name
    finally:
        users.cognito.update_user_pool_client(**settings)
        users.cognito.delete_identity_provider(**pool, ProviderName=name)

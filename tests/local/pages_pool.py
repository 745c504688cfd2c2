"""A user pool with a web client, and browsers that use its sign-in pages."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import requests
from botocore import UNSIGNED

from tests.local.visitor import Visitor, mailed_code
from tests.totp import totp

if TYPE_CHECKING:
    from tests.local.conftest import Cloud

PASSWORD, NEW_PASSWORD = "correct-horse-battery", "another-horse-battery"
CALLBACK, SIGNED_OUT = "http://localhost:3000/callback", "http://localhost:3000/"
WRONG_CODE = "This code is not valid. Enter the code of the newest message, or request a new code."
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
RULES = {"MinimumLength": 15, **dict.fromkeys(("RequireUppercase", "RequireNumbers", "RequireSymbols"), False)}


def code_in(address: str) -> str:
    return parse_qs(urlsplit(address).query).get("code", [""])[0]


@dataclass
class Pool:
    """One pool of a running cloud.

    by_email  whether users sign in with their addresses; otherwise they sign in with usernames
    """

    cloud: Cloud
    mfa: str = "OFF"
    prevent_existence_errors: str = "ENABLED"
    settings: dict[str, Any] = field(default_factory=dict)
    by_email: bool = True

    @cached_property
    def idp(self) -> Any:
        return self.cloud.client("cognito-idp")

    @cached_property
    def public(self) -> Any:
        """A client of the pool without AWS credentials."""
        return self.cloud.client("cognito-idp", signature_version=UNSIGNED)

    @cached_property
    def id(self) -> str:
        made = self.idp.create_user_pool(
            PoolName="pages",
            UsernameAttributes=["email"] if self.by_email else [],
            AutoVerifiedAttributes=["email"],
            UsernameConfiguration={"CaseSensitive": False},
            Policies={"PasswordPolicy": RULES},
            **self.settings,
        )
        pool = str(made["UserPool"]["Id"])
        if self.mfa != "OFF":
            authenticator = {"Enabled": True}
            self.idp.set_user_pool_mfa_config(
                UserPoolId=pool, MfaConfiguration=self.mfa, SoftwareTokenMfaConfiguration=authenticator
            )
        return pool

    def new_client(self, **changes: Any) -> str:
        settings = {
            "ClientName": "web",
            "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["openid", "email"],
            "CallbackURLs": [CALLBACK],
            "LogoutURLs": [SIGNED_OUT],
            "SupportedIdentityProviders": ["COGNITO"],
            "PreventUserExistenceErrors": self.prevent_existence_errors,
        }
        made = self.idp.create_user_pool_client(UserPoolId=self.id, **{**settings, **changes})
        return str(made["UserPoolClient"]["ClientId"])

    @cached_property
    def client(self) -> str:
        return self.new_client()

    @staticmethod
    def address() -> str:
        return f"{secrets.token_hex(6)}@example.com"

    def user(self, name: str = "", *, permanent: bool = True) -> str:
        """Creates a user with the password PASSWORD. Returns the name, which is a new address by default."""
        email = name or self.address()
        self.idp.admin_create_user(
            UserPoolId=self.id,
            Username=email,
            MessageAction="SUPPRESS",
            UserAttributes=[]
            if name
            else [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        )
        self.idp.admin_set_user_password(UserPoolId=self.id, Username=email, Password=PASSWORD, Permanent=permanent)
        return email

    def enrolled(self) -> tuple[str, str]:
        """Creates a user with an authenticator. Returns the address and the secret. The pool must require MFA."""
        email = self.user()
        browser = self.at_log_in()
        browser.submit(username=email, password=PASSWORD)
        browser.follow()
        secret = secret_of(browser)
        # The code of the last step, so that the codes of this one and the next stay unused. A step can end meanwhile.
        if not code_in(browser.submit(code=totp(secret, steps=-1)).headers.get("location", "")):
            browser.submit(code=totp(secret, steps=-1))
        assert code_in(browser.location), browser.problem
        return email, secret

    def asked(self, **changes: str) -> dict[str, str]:
        asked = {
            "client_id": self.client,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid email",
            "state": "st8",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {**asked, **changes}

    def arrive(self, path: str = "/oauth2/authorize", /, browser: Visitor | None = None, **changes: str) -> Visitor:
        """Sends a browser with an authorization request. It follows the redirects within the cloud."""
        browser = browser or Visitor(self.cloud)
        browser.get(path, **self.asked(**changes))
        browser.follow()
        return browser

    def at_log_in(self) -> Visitor:
        return self.arrive()

    def after_password(self, email: str, password: str = PASSWORD) -> Visitor:
        """Returns a browser that has given the password of a user."""
        browser = self.at_log_in()
        browser.submit(username=email, password=password)
        browser.follow()
        return browser

    def signed_up(self) -> tuple[str, Visitor]:
        """Returns a new user, and a browser at the page that asks for the mailed code."""
        email, browser = self.address(), self.arrive("/signup")
        browser.submit(username=email, password=PASSWORD, password_again=PASSWORD)
        browser.follow()
        return email, browser

    def forgotten(self, email: str) -> Visitor:
        """Returns a browser at the page that asks for the mailed code and a new password."""
        browser = self.arrive("/forgotPassword")
        browser.submit(username=email)
        browser.follow()
        return browser

    def reset(self, browser: Visitor, code: str, password: str = NEW_PASSWORD) -> requests.Response:
        return browser.submit(code=code, password=password, password_again=password)

    def redeem(self, address: str) -> dict[str, Any]:
        grant = {"grant_type": "authorization_code", "client_id": self.client, "redirect_uri": CALLBACK}
        form = {**grant, "code": code_in(address), "code_verifier": VERIFIER}
        return dict(requests.post(f"{self.cloud.url}/oauth2/token", data=form, timeout=20).json())

    def api_sign_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        parameters = {"USERNAME": email, "PASSWORD": password}
        started = self.public.initiate_auth(
            ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        return dict(started)

    def code_for(self, email: str) -> str:
        return mailed_code(self.cloud, email)


def secret_of(browser: Visitor) -> str:
    """Returns the secret of the authenticator that the page shows as text."""
    found = re.search(r'class="secret">([A-Z2-7]+)<', browser.answer.text)
    assert found, browser.answer.text
    return found[1]


def wrong(code: str) -> str:
    """Returns another code than this one."""
    return f"{(int(code) + 1) % 10**6:06d}"

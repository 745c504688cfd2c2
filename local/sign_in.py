"""Signs in as users and machines do, without any AWS credentials."""

import base64
import hashlib
import html
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import boto3
import requests
from botocore import UNSIGNED
from botocore.config import Config
from pycognito.aws_srp import AWSSRP
from pycognito.exceptions import SoftwareTokenMFAChallengeException

_TIMEOUT = 30
_SECOND_FACTOR = "the sign-in has a further step, such as a second factor. Sign in on the console in a browser"


class SignInFailed(Exception):
    """The user pool refused the sign-in."""


def cognito(outputs: dict[str, Any]) -> Any:
    """Returns a client without AWS credentials, as in a browser or a mobile app."""
    return boto3.client(
        "cognito-idp",
        endpoint_url=outputs["endpoint_url"],
        region_name=outputs["region"],
        config=Config(signature_version=UNSIGNED),
    )


def sign_in(outputs: dict[str, Any], username: str, password: str) -> str:
    """Signs in with a password, over SRP, and returns the access token. It has no custom scope.

    Raises:  SignInFailed if the user needs a second factor
    """
    srp = AWSSRP(
        username=username,
        password=password,
        pool_id=outputs["user_pool_id"],
        client_id=outputs["web_client_id"],
        client=cognito(outputs),
    )
    try:
        result = srp.authenticate_user().get("AuthenticationResult")
    except SoftwareTokenMFAChallengeException:
        result = None
    if not result:
        raise SignInFailed(_SECOND_FACTOR)
    return str(result["AccessToken"])


def sign_in_by_page(outputs: dict[str, Any], username: str, password: str, scope: str) -> dict[str, Any]:
    """Signs in on the user pool's page, by authorization code with PKCE. Returns the tokens. Raises SignInFailed."""
    browser = requests.Session()
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    page = browser.get(
        outputs["authorize_url"],
        params={
            "client_id": outputs["web_client_id"],
            "response_type": "code",
            "redirect_uri": outputs["redirect_uri"],
            "scope": scope,
            "state": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        },
        timeout=_TIMEOUT,
    )
    form = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', page.text)}
    action = re.search(r'action="([^"]+)"', page.text)
    if action is None:
        raise SignInFailed(f"the sign-in page answered {page.status_code}")
    answer = browser.post(
        urljoin(page.url, html.unescape(action[1])),
        data={**form, "username": username, "password": password},
        allow_redirects=False,
        timeout=_TIMEOUT,
    )
    address = answer.headers.get("location", "")
    code = parse_qs(urlsplit(address).query).get("code")
    if not code:
        raise SignInFailed(_SECOND_FACTOR if address else "the user pool did not accept the password")
    return _redeem(
        outputs,
        {
            "grant_type": "authorization_code",
            "client_id": outputs["web_client_id"],
            "redirect_uri": outputs["redirect_uri"],
            "code": code[0],
            "code_verifier": verifier,
        },
    )


def mailed_code(outputs: dict[str, Any], address: str) -> str:
    """Returns the code of the newest e-mail to an address, from the local mailbox. Raises SignInFailed."""
    listed = requests.get(f"{outputs['mailbox_url']}messages.json", params={"to": address}, timeout=_TIMEOUT)
    listed.raise_for_status()
    codes = [code for mail in listed.json() for code in re.findall(r"\b\d{6}\b", mail["text"])[-1:]]
    if not codes:
        raise SignInFailed(f"the local mailbox contains no code for {address}")
    return str(codes[0])


def machine_token(outputs: dict[str, Any], scope: str) -> str:
    """Returns an access token by client credentials. An empty scope requests all scopes. Raises SignInFailed."""
    asked = {"scope": scope} if scope else {}
    granted = _redeem(
        outputs,
        {"grant_type": "client_credentials", **asked},
        auth=(outputs["machine_client_id"], outputs["machine_client_secret"]),
    )
    token: str = granted["access_token"]
    return token


def _redeem(outputs: dict[str, Any], form: dict[str, str], auth: tuple[str, str] | None = None) -> dict[str, Any]:
    answer = requests.post(outputs["token_url"], data=form, auth=auth, timeout=_TIMEOUT)
    if answer.status_code != 200:
        raise SignInFailed(f"the token endpoint answered {answer.status_code}: {answer.text[:200]}")
    granted: dict[str, Any] = answer.json()
    return granted

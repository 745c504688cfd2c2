"""Checks the clock of this machine, the document of the signing keys, and the responses of the API."""

import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from chalicelib.aws.jwks import fetch_document, parse_jwks
from chalicelib.core import strict_json
from infra.checks.check import Check
from infra.checks.live import Live
from infra.checks.routes import PUBLIC, expected_authorizers
from infra.clients import simulated_api
from infra.doctor.functions import variables

_TOLERATED_SECONDS = 10
_API_SECONDS = 15.0  # more than the timeout of the API's function


def clock(now: Callable[[], float] = time.time) -> Check:
    """Checks the clock of this machine. `now` returns seconds since 1970."""

    def differences(live: Live) -> Iterator[str]:
        metadata = live.client("sts").get_caller_identity()["ResponseMetadata"]
        ahead = now() - parsedate_to_datetime(metadata["HTTPHeaders"]["date"]).timestamp()
        if abs(ahead) > _TOLERATED_SECONDS:
            yield (
                f"This machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the clock of AWS."
                " A revocation by `manage.py` has the time of this machine, and refuses tokens up to that time."
            )

    return Check(
        "clock",
        "The clock of this machine agrees with the clock of AWS.",
        differences,
        "Synchronize the clock (NTP). Repeat revocations of this machine.",
    )


def _status(url: str) -> int:
    """Sends a GET request without a token, and returns the status. Raises OSError."""
    try:
        with urllib.request.urlopen(url, timeout=_API_SECONDS) as response:  # noqa: S310  # the URL of the stage's API
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def api(status: Callable[[str], int] = _status) -> Check:
    """Checks one route of each authorizer. `status` sends a GET request without a token; raises OSError."""

    def differences(live: Live) -> Iterator[str]:
        for path, is_public in _probes(live):
            url = f"{_api_url(live)}{path}"
            try:
                answered = status(url)
            except OSError as error:
                yield f"{url}: no answer: {error}."
                continue
            if is_public and not 200 <= answered < 400:
                yield f"GET {path} is public and answers {answered}."
            if not is_public and answered != 401:
                yield f"GET {path} answers {answered} to a request without a token. Expected: 401."

    return Check(
        "api",
        "The API answers, and refuses requests without a token with 401.",
        differences,
        "After 403, check the web ACL and the resource policy. After 500, read the logs. After 200, run `verify`.",
    )


def _probes(live: Live) -> Iterator[tuple[str, bool]]:
    """Yields the first GET route without parameters of each authorizer, and of the public routes."""
    seen = set()
    for (method, path), authorizer in sorted(expected_authorizers(live.definition).items(), key=lambda item: item[0]):
        if method == "GET" and "{" not in path and authorizer.name not in seen:
            seen.add(authorizer.name)
            yield path, authorizer == PUBLIC


def _api_url(live: Live) -> str:
    url = simulated_api(live.client, live.api_id, live.stage.name) or live.application.outputs["EndpointURL"]
    return url.rstrip("/")


def keys(fetch: Callable[[str], bytes] = fetch_document) -> Check:
    """Checks the document of the signing keys. `fetch` returns it; raises OSError and ValueError."""

    def differences(live: Live) -> Iterator[str]:
        url = variables(live, "policy_authorizer").get("JWKS_URL", "")
        try:
            document = fetch(url)
            found = parse_jwks(document)
        except (OSError, ValueError) as error:
            yield f"JWKS_URL: {url or 'not set'}: {error}. No token can be verified when the cached keys are too old."
            return
        entries: list[Any] = strict_json.parse(document)["keys"]
        kids = Counter(entry.get("kid") for entry in entries if isinstance(entry, dict))
        for kid, times in sorted((str(kid), times) for kid, times in kids.items() if times > 1):
            yield f"{url}: {times} keys have the id {kid}. Only one of them is used."
        if len(found) < len(kids):
            yield f"{url}: {len(kids) - len(found)} of {len(kids)} keys are not RS256 keys of at least 2048 bits."

    return Check(
        "keys",
        "The signing keys of the user pool can be fetched, and each has its own id.",
        differences,
        "Check the parameter JwksUrl of the application stack, and the network.",
    )


CHECKS = (clock(), api(), keys())

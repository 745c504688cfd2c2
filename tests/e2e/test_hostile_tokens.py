"""Sends the hostile tokens of `tests/tokens/`, signed with the key of the emulated pool, to the deployed API."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.e2e import logs
from tests.e2e.clients import TIMEOUT, Api
from tests.e2e.cloud import Cloud, wait_for
from tests.scoped_route import SCOPED_PATH, needs_scoped_route
from tests.tokens.corpus import Hostile, Pool, corpus
from tests.tokens.over_http import is_sendable, judge

# API Gateway's Cognito authorizer is not documented to check these, in a token with a valid signature of the pool.
# Use case 2 checks them.
NOT_CHECKED = {"malformed_token", "malformed_claims", "wrong_client", "wrong_audience"}


@pytest.fixture(scope="module")
def hostile_tokens(attacked_pool: Pool) -> list[Hostile]:
    return corpus(attacked_pool)


@pytest.fixture(scope="module")
def send(api: Api) -> Callable[[str], Callable[[str], int]]:
    """Returns a function that sends an Authorization header to a route."""
    http = requests.Session()

    def sender(path: str) -> Callable[[str], int]:
        return lambda header: http.get(api.url + path, headers={"Authorization": header}, timeout=TIMEOUT).status_code

    return sender


def is_signed_by(pool: Pool, token: str) -> bool:
    signing_input, _, signature = token.strip().rpartition(".")
    try:
        decoded = base64.b64decode(signature + "==", altchars=b"-_", validate=True)
        pool.private_key.public_key().verify(decoded, signing_input.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return signing_input.count(".") == 1


@pytest.mark.parametrize("path", [pytest.param(SCOPED_PATH, marks=needs_scoped_route), "/whoami"])
def test_a_valid_token_is_admitted(send: Callable[[str], Any], attacked_pool: Pool, path: str) -> None:
    assert send(path)(f"Bearer {attacked_pool.token()}") == 200


@needs_scoped_route
def test_use_case_1_admits_no_token_with_a_wrong_signature_time_or_use(
    send: Callable[[str], Any], attacked_pool: Pool, hostile_tokens: list[Hostile]
) -> None:
    def is_checked(hostile: Hostile) -> bool:
        return hostile.code not in NOT_CHECKED or not is_signed_by(attacked_pool, hostile.token)

    assert judge(send(SCOPED_PATH), filter(is_checked, hostile_tokens)) == []


def test_use_case_2_refuses_every_token_and_logs_the_reason(
    cloud: Cloud, send: Callable[[str], Any], hostile_tokens: list[Hostile]
) -> None:
    sent = [hostile for hostile in hostile_tokens if is_sendable(hostile.token)]
    before = len(rejections(cloud))

    assert judge(send("/whoami"), sent) == []

    def logged() -> Counter[str] | None:
        codes = rejections(cloud)[before:]
        return Counter(codes) if len(codes) >= len(sent) else None

    assert wait_for(logged, "the log contains every refusal") == Counter(hostile.code for hostile in sent)


def test_no_token_is_in_any_log(cloud: Cloud, api: Api, reader: str) -> None:
    api.ask("GET", "/whoami", reader)
    _, payload, signature = reader.split(".")

    for group in cloud.local_cloud.client("logs").describe_log_groups()["logGroups"]:
        text = "".join(logs.messages(cloud.local_cloud, group["logGroupName"]))
        assert not {part for part in (payload, signature) if part in text}, group["logGroupName"]


def rejections(cloud: Cloud) -> list[str]:
    return [
        line["code"]
        for line in logs.lines(cloud.local_cloud, "policy_authorizer")
        if line.get("decision") == "rejected"
    ]

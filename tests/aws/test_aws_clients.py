"""The functions read DynamoDB with the small reader where it can, with current credentials, and in time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import aws_clients
from chalicelib.aws.reader import LONGEST_PAUSE_SECONDS, REPEAT_WITHIN_SECONDS, DynamoDBReader
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.aws.signature import Credentials
from chalicelib.core.errors import InternalError
from infra.declared_functions import read_functions
from tests.aws.tables import PROJECT
from tests.rewired import fresh_wiring


@pytest.fixture(autouse=True)
def isolated_clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "mars-west-1")
    with fresh_wiring():
        yield


KEYS = {"AWS_ACCESS_KEY_ID": "AKIDOLYMPUS", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


def test_the_authorizer_reads_without_the_sdk() -> None:
    assert isinstance(aws_clients.reader(), DynamoDBReader)
    assert isinstance(aws_clients.trigger_reader(), DynamoDBReader)


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", "http://127.0.0.1:9"), ("AWS_ACCOUNT_ID", "123456789012")], ids=["proxy", "id"]
)
def test_the_sdk_reads_in_an_environment_that_needs_it(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert isinstance(aws_clients.reader(), SdkReader)
    assert isinstance(aws_clients.trigger_reader(), SdkReader)


def test_an_endpoint_that_could_leak_the_credentials_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://dynamodb.example.com")
    with pytest.raises(InternalError, match="AWS_ENDPOINT_URL"):
        aws_clients.reader()


def test_each_request_uses_the_current_credentials_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert aws_clients.credentials() == Credentials(*KEYS.values())
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a new token")
    assert aws_clients.credentials().session_token == "a new token"


def test_without_credentials_in_the_environment_the_sdk_finds_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As after a restored snapshot, where Lambda offers credentials by an address."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    profile = tmp_path / "credentials"
    profile.write_text("[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = secret\n", encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    assert aws_clients.credentials() == Credentials("AKIDFILE", "secret")


def test_no_credentials_are_a_failure_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InternalError) as failed:
        aws_clients.credentials()
    assert failed.value.code == "bad_credentials"


# --- timeouts ---

TIMEOUTS = {function.name: function.timeout for function in read_functions(PROJECT)}


def seconds_of(function: str) -> int:
    seconds = TIMEOUTS[function]
    assert seconds is not None
    return seconds


def longest_attempt() -> float:
    """The bound that `Connections.post` documents. tests/aws/test_reader_faults.py proves it."""
    return 2 * aws_clients.SHORTEST.connect + aws_clients.SHORTEST.response


def test_the_two_reads_of_a_decision_end_before_the_function_does() -> None:
    longest_read = REPEAT_WITHIN_SECONDS + LONGEST_PAUSE_SECONDS + longest_attempt()
    assert 2 * longest_read < seconds_of("policy_authorizer")


@pytest.mark.parametrize("function", ["post_confirmation", "pre_token"])
def test_the_three_calls_of_a_trigger_end_before_the_function_does(function: str) -> None:
    assert 3 * longest_attempt() < seconds_of(function)


def test_a_trigger_waits_as_long_for_the_sdk_as_for_the_small_reader() -> None:
    for client in (aws_clients.prompt_dynamodb(), aws_clients.trigger_cognito()):
        settings: Any = client.meta.config
        assert (settings.connect_timeout, settings.read_timeout) == aws_clients.SHORTEST
        assert settings.retries["total_max_attempts"] == 1

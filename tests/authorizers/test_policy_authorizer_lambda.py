"""The Lambda authorizer as Chalice runs it, with the real wiring and without a network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client

from app import app
from authorizers.policy import Unauthorized
from chalicelib.core.errors import CannotDecide, InternalError
from tests import mint
from tests.authorizers.events import token_event
from tests.rewired import fresh_wiring

ASKED = "arn:aws:execute-api:mars-west-1:123456789012:gatehouse1/v1/GET/reports"
SETTINGS = {
    "ISSUER": mint.ISSUER,
    "JWKS_URL": f"{mint.ISSUER}/.well-known/jwks.json",
    "CLIENT_IDS": f"{mint.WEB_CLIENT},{mint.MACHINE_CLIENT}",
    "POLICY_TABLE": "policies-of-olympus",
    "STATE_TABLE": "state-of-olympus",
    "AWS_DEFAULT_REGION": "mars-west-1",
}


@pytest.fixture(autouse=True)
def isolated_wiring() -> Iterator[None]:
    with fresh_wiring():
        yield


def ask(project: Path, header: str, method_arn: str = ASKED, **settings: str) -> Any:
    (project / ".chalice").mkdir(exist_ok=True)
    config = {"version": "2.0", "app_name": "gatehouse", "environment_variables": {**SETTINGS, **settings}}
    (project / ".chalice" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    client = Client(app, project_dir=str(project))
    return client.lambda_.invoke("policy_authorizer", token_event(header, method_arn)).payload


def recorded(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(line["decision"], line["code"]) for line in lines]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param("Bearer nonsense", "malformed_token", id="nonsense"),
        pytest.param("Basic Y2xlcms6c2VjcmV0", "missing_token", id="another scheme"),
        pytest.param(f"Bearer {mint.token(mint.person(), alg='RS512')}", "wrong_algorithm", id="another algorithm"),
    ],
)
def test_chalice_raises_a_rejection_with_exactly_the_message_unauthorized(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str, code: str
) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        ask(tmp_path, header)
    assert recorded(capsys) == [("rejected", code)]


def test_chalice_raises_a_failure_unchanged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CannotDecide):
        ask(tmp_path, "Bearer nonsense", "arn:aws:s3:::bucket/key")
    assert recorded(capsys) == [("failed", "not_a_method_arn")]


@pytest.mark.parametrize("missing", ["ISSUER", "JWKS_URL", "CLIENT_IDS", "POLICY_TABLE", "STATE_TABLE"])
def test_a_missing_setting_is_logged_as_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    with pytest.raises(InternalError, match=missing):
        ask(tmp_path, "Bearer nonsense", **{missing: ""})
    assert recorded(capsys) == [("failed", "missing_setting")]

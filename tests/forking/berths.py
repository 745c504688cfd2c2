"""Tests the fork's own route and policies behind the strict gateway. The fork runs this file as one of its tests."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.stage_rules import NO_RULES
from infra.policy_files import template_outputs
from infra.policy_groups import TEMPLATE
from infra.policy_plan import PolicyFiles
from infra.templates import read_yaml
from local.gateway import StrictGateway, TokenRefused, installed
from tests import mint
from tests.aws.loopback import dynamodb_settings
from tests.aws.tables import empty_tables, table_settings
from tests.aws.test_fetch_jwks import answers, jwk, server, written
from tests.rewired import fresh_wiring

PROJECT = Path(__file__).resolve().parents[1]


def no_scoped_route(_token: str) -> Mapping[str, Any]:
    raise TokenRefused("Unauthorized")


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of the application. Its tables contain the policies of policies/*.yaml."""
    keys = answers(200, written(jwk()))
    with (
        pytest.MonkeyPatch.context() as environment,
        fresh_wiring(),
        empty_tables() as dynamodb,
        dynamodb_settings() as reached,
        server(k=keys) as url,
    ):
        settings = {"ISSUER": mint.ISSUER, "JWKS_URL": f"{url}/k", "CLIENT_IDS": mint.WEB_CLIENT, **table_settings()}
        for name, value in {**settings, **reached}.items():
            environment.setenv(name, value)
        tables = {"PolicyTableName": "PolicyTable", "StateTableName": "StateTable"}
        tables |= {"AuditTableName": "AuditTable", "AuditRetentionDays": "365"}
        outputs = {**template_outputs(read_yaml(PROJECT, TEMPLATE)), **tables}
        PolicyFiles(PROJECT / "policies", outputs, dynamodb, NO_RULES).apply(overwrite=False)
        with installed(StrictGateway(no_scoped_route)), Client(app) as caller:
            yield caller


def status(client: Client, *groups: str) -> int:
    """Returns the status for a user in these groups. Without groups, the request has no token."""
    now = int(time.time())
    claims = mint.person(**{"cognito:groups": list(groups)}, iat=now, auth_time=now, exp=now + 900)
    headers = {"Authorization": f"Bearer {mint.token(claims)}"} if groups else {}
    return int(client.http.get("/berths", headers=headers).status_code)


def test_a_pilot_gets_200_a_reader_403_and_a_request_without_a_token_401(client: Client) -> None:
    assert [status(client, "pilots"), status(client, "readers"), status(client)] == [200, 403, 401]

"""`make demo` fails on an unexpected response of the sample."""

from __future__ import annotations

from typing import Any

from tests.e2e.clients import Api
from tests.e2e.cloud import Cloud, command


def test_the_demo_fails_on_an_unexpected_response(cloud: Cloud, api: Api, admin: str, outputs: dict[str, Any]) -> None:
    machines_policy = f"/admin/policies/client/{outputs['machine_client_id']}"
    statements = api.ask("GET", machines_policy, admin).body["statements"]
    assert api.ask("PUT", machines_policy, admin, {"statements": []}).status == 200

    try:
        played = command(cloud.local_cloud, "demo")
    finally:
        api.ask("PUT", machines_policy, admin, {"statements": statements})

    assert played.returncode == 1
    assert played.stderr == "\nThe demo failed: GET /reports returned 403, expected 200.\n"

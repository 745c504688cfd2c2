"""Company sign-in reaches both use cases: scopes for files, and policies for reports."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import company
from tests.e2e.clients import Api, unique


@pytest.mark.parametrize("kind", company.KINDS)
@pytest.mark.parametrize(("person", "may_write"), [("reader", False), ("editor", True), ("admin", True)])
def test_an_employee_reaches_both_use_cases(
    outputs: dict[str, Any], api: Api, kind: str, person: str, may_write: bool
) -> None:
    token = company.sign_in(outputs, kind, person, outputs["scopes"]["read"])["access_token"]
    file = f"/files/{unique('letter')}.txt"

    assert api.ask("GET", "/files", token).status == 200
    assert api.ask("PUT", file, token, {"content": "Hello."}).status == 401  # without the scope
    assert api.ask("GET", "/reports", token).status == 200
    written = api.ask("POST", "/reports", token, {"title": unique("report"), "body": "Hello."}).status
    assert written == (201 if may_write else 403)


@pytest.mark.parametrize("kind", company.KINDS)
def test_an_employee_with_the_scope_writes_a_file(outputs: dict[str, Any], api: Api, kind: str) -> None:
    token = company.sign_in(outputs, kind, "reader", outputs["scopes"]["write"])["access_token"]
    file = f"/files/{unique('letter')}.txt"

    assert api.ask("PUT", file, token, {"content": "Hello."}).status == 200
    assert api.ask("GET", file, token).status == 401
    assert api.ask("DELETE", file, token).status in (200, 204)

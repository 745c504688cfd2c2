"""Use case 2 on the reports of the sample: the policies decide what each group and each machine can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.clients import Answer, Api, UserGroup, Users
from tests.e2e.decisions import REFUSED, Request, check_decisions
from tests.fakes import allow, deny

DRAFT = {"title": "Third quarter", "body": "All is well."}
ABSENT = "/reports/never-written"


@pytest.fixture(scope="module")
def report(api: Api, editor: str, admin: str) -> Iterator[str]:
    """The path of an existing report."""
    written = api.ask("POST", "/reports", editor, DRAFT)
    assert written.status == 201
    yield f"/reports/{written.body['id']}"
    api.ask("DELETE", f"/reports/{written.body['id']}", admin)


@pytest.fixture(scope="module")
def callers(users: Users, reader: str, editor: str, admin: str, machine: str) -> dict[str, str]:
    # Cognito puts federated users into such a group.
    unknown = users.new_group()
    return {
        "reader": reader,
        "editor": editor,
        "admin": admin,
        "machine": machine,
        "no group": users.token_of(users.new()),
        "unknown group": users.token_of(users.new(unknown)),
        "reader of an unknown group": users.token_of(users.new(unknown, "readers")),
    }


# The expected status for each request. 404 and 400 are responses of the service: the gateway admitted the request.
REQUESTS: list[Request] = [
    ("GET", "/reports", None),
    ("POST", "/reports", {"title": "no body"}),
    ("GET", ABSENT, None),
    ("PUT", ABSENT, DRAFT),
    ("DELETE", ABSENT, None),
]
EXPECTED = {
    "reader": [200, 403, 404, 403, 403],
    "editor": [200, 400, 404, 404, 403],
    "admin": [200, 400, 404, 404, 404],
    "machine": [200, 403, 404, 403, 403],
    "no group": [403] * len(REQUESTS),
    "unknown group": [403] * len(REQUESTS),
    "reader of an unknown group": [200, 403, 404, 403, 403],
}


@pytest.mark.parametrize("caller", EXPECTED)
def test_each_caller_gets_the_expected_status_for_each_request(callers: dict[str, str], api: Api, caller: str) -> None:
    check_decisions(api, callers[caller], REQUESTS, EXPECTED[caller])


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_without_a_token_every_route_returns_401(api: Api, method: str, path: str, body: Any) -> None:
    assert api.ask(method, path, None, body) == REFUSED


def test_a_denial_names_the_effective_policies(api: Api, reader: str) -> None:
    answer = api.ask("POST", "/reports", reader, DRAFT)

    assert (answer.status, answer.body["code"]) == (403, "not_permitted")
    assert answer.body["message"].startswith("POST /reports is not permitted: the policies in force are group:readers@")


def test_a_report_is_created_read_updated_and_deleted(api: Api, editor: str, reader: str, admin: str) -> None:
    written = api.ask("POST", "/reports", editor, DRAFT).body
    path = f"/reports/{written['id']}"

    assert api.ask("GET", path, reader) == Answer(200, {"id": written["id"], **DRAFT})
    assert {"id": written["id"], "title": DRAFT["title"]} in api.ask("GET", "/reports", reader).body["reports"]
    changed = {"title": "Fourth quarter", "body": "All is better."}
    assert api.ask("PUT", path, editor, changed) == Answer(200, {"id": written["id"], **changed})
    assert api.ask("GET", path, reader).body["body"] == "All is better."
    assert api.ask("DELETE", path, admin) == Answer(204)
    assert api.ask("GET", path, reader).status == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        pytest.param(b"{", 400, "body", id="truncated"),
        pytest.param([DRAFT], 400, "body", id="a list"),
        pytest.param({"body": "All is well."}, 400, "title", id="no title"),
        pytest.param({"title": "Third quarter"}, 400, "body", id="no body"),
        pytest.param({**DRAFT, "title": ["Third", "quarter"]}, 400, "title", id="a list as title"),
        pytest.param({**DRAFT, "id": "chosen"}, 400, "id", id="an id in the body"),
        pytest.param({**DRAFT, "title": "t" * 201}, 413, "title", id="a long title"),
        pytest.param({**DRAFT, "body": "b" * 65_537}, 413, "body", id="a long body"),
    ],
)
def test_a_malformed_report_is_refused_with_the_field_name_and_changes_nothing(
    api: Api, editor: str, report: str, body: object, status: int, field: str
) -> None:
    before = api.ask("GET", report, editor)

    answers = [api.ask("POST", "/reports", editor, body), api.ask("PUT", report, editor, body)]

    told = [(answer.status, answer.body["code"], answer.body["message"].split(":")[0]) for answer in answers]
    assert told == [(status, "invalid_input", field)] * 2
    assert api.ask("GET", report, editor) == before


def test_a_deny_overrides_the_allow_of_another_group(
    api: Api, new_user_group: Callable[..., UserGroup], report: str
) -> None:
    suspended = new_user_group("editors")
    assert api.ask("GET", report, suspended.token).status == 200

    suspended.write([deny(report, methods=["*"], sid="suspended")])

    refused = api.ask("GET", report, suspended.token)
    assert (refused.status, refused.body["code"]) == (403, "not_permitted")
    assert api.ask("GET", "/reports", suspended.token).status == 200


@pytest.mark.parametrize("spelling", ["{}/", "{}//", "/{}", "{}%2F", "{}/.", "{}?x=1", "{}#x"])
def test_another_spelling_of_the_path_does_not_bypass_a_deny(
    api: Api, new_user_group: Callable[..., UserGroup], report: str, spelling: str
) -> None:
    suspended = new_user_group("editors")
    suspended.write([deny(report, methods=["*"], sid="suspended")])

    assert api.ask("GET", spelling.format(report), suspended.token).status in (403, 404)


def test_the_policy_of_a_client_adds_permissions_to_its_machine(
    api: Api, machine: str, admin: str, outputs: dict[str, Any]
) -> None:
    path = f"/admin/policies/client/{outputs['machine_client_id']}"
    before = api.ask("GET", path, admin).body["statements"]
    archivist = [*before, allow("/reports/*", methods=["PUT"], sid="archive")]

    try:
        assert api.ask("PUT", path, admin, {"statements": archivist}).status == 200
        assert api.ask("PUT", ABSENT, machine, DRAFT).status == 404
    finally:
        api.ask("PUT", path, admin, {"statements": before})
    assert api.ask("PUT", ABSENT, machine, DRAFT).status == 403

"""What the service answers once the door is open: over its real wiring, on tables inside the test process."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from app import app
from tests.authorizers.events import proxy_event
from tests.aws.tables import empty_tables
from tests.fakes import allow
from tests.rewired import fresh_wiring

ADMIN = {"principalId": "admin-sub", "permissions": "Allow * /*"}
FILES = {
    "claims": {
        "token_use": "access",
        "scope": "https://gatehouse.example/file.read https://gatehouse.example/file.write",
    }
}
REPORT = {"title": "Orders", "body": "many"}
READ = allow("/reports", sid="read")
CLERK = "c1e7c000-0000-4000-8000-00000000c1e7"


@pytest.fixture(scope="module", autouse=True)
def wiring_of_our_own() -> Iterator[None]:
    settings = {"POLICY_TABLE": "PolicyTable", "STATE_TABLE": "StateTable", "SAMPLE_TABLE": "SampleTable"}
    settings |= {"CLIENT_IDS": "webclientofolympus,machineofolympus,"}
    with pytest.MonkeyPatch.context() as environment, fresh_wiring():
        for name, value in {**settings, "AWS_DEFAULT_REGION": "us-east-1"}.items():
            environment.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def tables() -> Iterator[Any]:
    with empty_tables() as client:
        yield client


def call(method: str, resource: str, body: Any = None, **parameters: str) -> tuple[int, Any]:
    """The status and the body, read as JSON if there is any."""
    text = body if isinstance(body, str) else json.dumps(body)
    granted = FILES if resource.startswith("/files") else ADMIN
    answered = app(proxy_event(method, resource, parameters, granted, text), None)
    return answered["statusCode"], json.loads(answered["body"]) if answered["body"] else None


def refusal(method: str, resource: str, body: Any = None, **parameters: str) -> tuple[int, str]:
    status, answered = call(method, resource, body, **parameters)
    assert set(answered) == {"message", "code"}
    return status, answered["code"]


def test_a_report_is_written_read_changed_listed_and_deleted():
    status, written = call("POST", "/reports", REPORT)
    assert (status, written) == (201, {"id": written["id"], **REPORT})
    assert call("GET", "/reports/{id}", id=written["id"]) == (200, written)
    changed = {"title": "Refunds", "body": "few"}
    assert call("PUT", "/reports/{id}", changed, id=written["id"]) == (200, {"id": written["id"], **changed})
    assert call("GET", "/reports") == (200, {"reports": [{"id": written["id"], "title": "Refunds"}]})
    assert call("DELETE", "/reports/{id}", id=written["id"]) == (204, None)
    assert call("GET", "/reports") == (200, {"reports": []})


def test_a_file_is_written_read_listed_and_deleted():
    assert call("PUT", "/files/{name}", {"content": "hello"}, name="a.txt")[0] == 200
    assert call("GET", "/files/{name}", name="a.txt") == (200, {"name": "a.txt", "content": "hello"})
    assert call("GET", "/files") == (200, {"files": ["a.txt"]})
    assert call("DELETE", "/files/{name}", name="a.txt") == (204, None)


def test_a_policy_is_written_by_whoever_calls_and_shown_as_it_was_written():
    clerks = {"kind": "group", "name": "clerks"}
    status, written = call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **clerks)
    assert (status, written["subject"], written["version"], written["updated_by"]) == (
        200,
        "group:clerks",
        1,
        "admin-sub",
    )
    assert written["statements"] == [READ]
    assert call("GET", "/admin/policies/{kind}/{name}", **clerks) == (200, written)
    assert call("GET", "/admin/policies") == (200, {"policies": [written]})
    assert call("DELETE", "/admin/policies/{kind}/{name}", **clerks) == (204, None)
    assert call("GET", "/admin/policies") == (200, {"policies": []})


def test_a_name_in_a_path_is_decoded_once():
    encoded = {"kind": "group", "name": "ops%40example.com"}
    status, written = call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded)
    assert (status, written["subject"]) == (200, "group:ops@example.com")
    assert call("GET", "/admin/policies/{kind}/{name}", **encoded) == (200, written)
    assert call("GET", "/admin/policies/{kind}/{name}", kind="group", name="ops@example.com") == (200, written)
    assert call("DELETE", "/admin/policies/{kind}/{name}", **encoded) == (204, None)


@pytest.mark.parametrize("name", ["team:eng", "équipe", "R&D", 'a"b', "a%2541"])
def test_the_policy_of_a_group_is_written_under_whatever_name_the_pool_has(name):
    encoded = {"kind": "group", "name": quote(name, safe="")}
    status, written = call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded)
    assert (status, written["subject"]) == (200, f"group:{name}")
    assert call("GET", "/admin/policies") == (200, {"policies": [written]})


@pytest.mark.parametrize("name", ["a%20b", "a%C2%A0b", "g" * 129, "%E2%80%AEa"])
def test_a_group_that_the_pool_cannot_have_is_a_400(name):
    encoded = {"kind": "group", "name": name}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded) == (400, "invalid_input")


@pytest.mark.parametrize("name", ["%FF", "a%00", "%0a"])
def test_a_name_in_a_path_that_is_no_text_is_a_400(name):
    assert refusal("GET", "/files/{name}", name=name) == (400, "invalid_input")
    assert refusal("GET", "/admin/policies/{kind}/{name}", kind="group", name=name) == (400, "invalid_input")


def test_a_revocation_is_made_listed_and_lifted():
    status, made = call("POST", "/admin/revocations", {"sub": CLERK})
    assert (status, made["kind"], made["value"], made["revoked_by"]) == (201, "sub", CLERK, "admin-sub")
    assert call("GET", "/admin/revocations") == (200, {"revocations": [made]})
    assert call("DELETE", "/admin/revocations", {"sub": CLERK}) == (204, None)
    assert call("GET", "/admin/revocations") == (200, {"revocations": []})


def test_only_an_app_client_of_this_app_can_be_revoked():
    assert refusal("POST", "/admin/revocations", {"client": "*"}) == (400, "invalid_input")
    assert call("GET", "/admin/revocations") == (200, {"revocations": []})
    assert call("POST", "/admin/revocations", {"client": "machineofolympus"})[0] == 201


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("title=Orders", id="no JSON"),
        pytest.param('{"title": "a", "title": "b", "body": "c"}', id="a field twice"),
        pytest.param([REPORT], id="a list"),
        pytest.param({**REPORT, "id": "mine"}, id="an unknown field"),
    ],
)
def test_a_body_that_is_wrong_is_a_400(body):
    assert refusal("POST", "/reports", body) == (400, "invalid_input")


def test_half_a_character_is_a_400():
    assert refusal("POST", "/reports", '{"title": "\\ud800", "body": ""}') == (400, "invalid_input")


def test_a_body_that_is_too_large_is_a_413():
    assert refusal("PUT", "/files/{name}", {"content": "x" * 65_537}, name="a.txt") == (413, "invalid_input")


@pytest.mark.parametrize(
    ("method", "resource"),
    [
        ("GET", "/reports/{id}"),
        ("DELETE", "/reports/{id}"),
        ("GET", "/files/{name}"),
        ("DELETE", "/files/{name}"),
    ],
)
def test_what_is_not_there_is_a_404(method, resource):
    assert refusal(method, resource) == (404, "not_found")


def test_a_policy_that_is_not_there_is_a_404():
    assert refusal("GET", "/admin/policies/{kind}/{name}", kind="group", name="nobody") == (404, "not_found")
    assert refusal("DELETE", "/admin/policies/{kind}/{name}", kind="group", name="nobody") == (404, "not_found")


def test_a_subject_of_another_kind_is_a_400():
    wrong = {"kind": "user", "name": "clerk"}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", {"statements": []}, **wrong) == (400, "invalid_input")


def test_a_policy_that_has_moved_on_is_a_409():
    clerks = {"kind": "group", "name": "clerks"}
    call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **clerks)
    stale = {"statements": [], "version": 0}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", stale, **clerks) == (409, "version_conflict")


def test_a_failure_of_ours_is_a_500_that_says_nothing_of_the_house(tables):
    tables.delete_table(TableName="SampleTable")
    status, answered = call("GET", "/reports")
    assert (status, answered["code"]) == (500, "sample_unreachable")
    assert "DynamoDB" not in answered["message"]

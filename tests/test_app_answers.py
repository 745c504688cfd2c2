"""What the service answers to a granted request: over its real wiring, on tables inside the test process."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.answers import call, refusal, wired
from tests.aws.tables import empty_tables
from tests.fakes import allow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ = allow("/orders", sid="read")
CLERK = "c1e7c000-0000-4000-8000-00000000c1e7"
CLERKS = {"kind": "group", "name": "clerks"}
POLICY = "/admin/policies/{kind}/{name}"


@pytest.fixture(scope="module", autouse=True)
def wiring_of_our_own() -> Iterator[None]:
    with wired():
        yield


@pytest.fixture(autouse=True)
def tables() -> Iterator["DynamoDBClient"]:
    with empty_tables() as client:
        yield client


def test_a_policy_is_written_by_whoever_calls_and_shown_as_it_was_written() -> None:
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


def test_a_name_in_a_path_is_decoded_once() -> None:
    encoded = {"kind": "group", "name": "ops%40example.com"}
    status, written = call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded)
    assert (status, written["subject"]) == (200, "group:ops@example.com")
    assert call("GET", "/admin/policies/{kind}/{name}", **encoded) == (200, written)
    assert call("GET", "/admin/policies/{kind}/{name}", kind="group", name="ops@example.com") == (200, written)
    assert call("DELETE", "/admin/policies/{kind}/{name}", **encoded) == (204, None)


@pytest.mark.parametrize("name", ["team:eng", "équipe", "R&D", 'a"b', "a%2541"])
def test_the_policy_of_a_group_is_written_under_whatever_name_the_pool_has(name: str) -> None:
    encoded = {"kind": "group", "name": quote(name, safe="")}
    status, written = call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded)
    assert (status, written["subject"]) == (200, f"group:{name}")
    assert call("GET", "/admin/policies") == (200, {"policies": [written]})


@pytest.mark.parametrize("name", ["a%20b", "a%C2%A0b", "g" * 129, "%E2%80%AEa"])
def test_a_group_that_the_pool_cannot_have_is_a_400(name: str) -> None:
    encoded = {"kind": "group", "name": name}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded) == (400, "invalid_input")


@pytest.mark.parametrize("name", ["%FF", "a%00", "%0a"])
def test_a_name_in_a_path_that_is_no_text_is_a_400(name: str) -> None:
    assert refusal("GET", "/admin/policies/{kind}/{name}", kind="group", name=name) == (400, "invalid_input")


def test_a_revocation_is_made_listed_and_lifted() -> None:
    status, made = call("POST", "/admin/revocations", {"sub": CLERK})
    assert (status, made["kind"], made["value"], made["revoked_by"]) == (201, "sub", CLERK, "admin-sub")
    assert call("GET", "/admin/revocations") == (200, {"revocations": [made]})
    assert call("DELETE", "/admin/revocations", {"sub": CLERK}) == (204, None)
    assert call("GET", "/admin/revocations") == (200, {"revocations": []})


def test_only_an_app_client_of_this_app_can_be_revoked() -> None:
    assert refusal("POST", "/admin/revocations", {"client": "*"}) == (400, "invalid_input")
    assert call("GET", "/admin/revocations") == (200, {"revocations": []})
    assert call("POST", "/admin/revocations", {"client": "machineofolympus"})[0] == 201


def test_a_policy_that_is_not_there_is_a_404() -> None:
    assert refusal("GET", "/admin/policies/{kind}/{name}", kind="group", name="nobody") == (404, "not_found")
    assert refusal("DELETE", "/admin/policies/{kind}/{name}", kind="group", name="nobody") == (404, "not_found")


def test_a_subject_of_another_kind_is_a_400() -> None:
    wrong = {"kind": "user", "name": "clerk"}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", {"statements": []}, **wrong) == (400, "invalid_input")


def test_a_policy_that_has_moved_on_is_a_409() -> None:
    clerks = {"kind": "group", "name": "clerks"}
    call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **clerks)
    stale = {"statements": [], "version": 0}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", stale, **clerks) == (409, "version_conflict")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("statements=none", id="no JSON"),
        pytest.param('{"statements": [], "statements": []}', id="a field twice"),
        pytest.param([READ], id="a list"),
        pytest.param({"statements": [READ], "subject": "group:clerks"}, id="an unknown field"),
        pytest.param('{"statements": "\\ud800"}', id="half a character"),
    ],
)
def test_a_body_that_is_wrong_is_a_400_and_nothing_is_stored(body: object) -> None:
    assert refusal("PUT", POLICY, body, **CLERKS) == (400, "invalid_input")
    assert call("GET", "/admin/policies") == (200, {"policies": []})


def test_a_failure_of_ours_is_a_500_that_does_not_name_its_cause(tables: "DynamoDBClient") -> None:
    tables.delete_table(TableName="PolicyTable")
    status, answered = call("GET", "/admin/policies")
    assert (status, answered["code"]) == (500, "policies_unreachable")
    assert "DynamoDB" not in answered["message"]

"""The responses of the service to granted requests, with the real wiring and tables in the test process."""

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
def isolated_wiring() -> Iterator[None]:
    with wired():
        yield


@pytest.fixture(autouse=True)
def tables() -> Iterator["DynamoDBClient"]:
    with empty_tables() as client:
        yield client


def test_a_written_policy_names_its_caller_and_is_returned_unchanged() -> None:
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


def test_a_group_name_in_a_path_is_decoded_once() -> None:
    encoded = {"kind": "group", "name": "ops%40example.com"}
    status, written = call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded)
    assert (status, written["subject"]) == (200, "group:ops@example.com")
    assert call("GET", "/admin/policies/{kind}/{name}", **encoded) == (200, written)
    assert call("GET", "/admin/policies/{kind}/{name}", kind="group", name="ops@example.com") == (200, written)
    assert call("DELETE", "/admin/policies/{kind}/{name}", **encoded) == (204, None)


@pytest.mark.parametrize("name", ["team:eng", "équipe", "R&D", 'a"b', "a%2541"])
def test_a_policy_is_stored_under_each_group_name_that_cognito_allows(name: str) -> None:
    encoded = {"kind": "group", "name": quote(name, safe="")}
    status, written = call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded)
    assert (status, written["subject"]) == (200, f"group:{name}")
    assert call("GET", "/admin/policies") == (200, {"policies": [written]})


@pytest.mark.parametrize("name", ["a%20b", "a%C2%A0b", "g" * 129, "%E2%80%AEa"])
def test_a_group_name_that_cognito_refuses_returns_400(name: str) -> None:
    encoded = {"kind": "group", "name": name}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **encoded) == (400, "invalid_input")


@pytest.mark.parametrize("name", ["%FF", "a%00", "%0a"])
def test_a_group_name_that_is_not_valid_text_returns_400(name: str) -> None:
    assert refusal("GET", "/admin/policies/{kind}/{name}", kind="group", name=name) == (400, "invalid_input")


def test_a_revocation_can_be_created_listed_and_deleted() -> None:
    status, made = call("POST", "/admin/revocations", {"sub": CLERK})
    assert (status, made["kind"], made["value"], made["revoked_by"]) == (201, "sub", CLERK, "admin-sub")
    assert call("GET", "/admin/revocations") == (200, {"revocations": [made]})
    assert call("DELETE", "/admin/revocations", {"sub": CLERK}) == (204, None)
    assert call("GET", "/admin/revocations") == (200, {"revocations": []})


def test_a_client_revocation_is_accepted_only_for_an_app_client_of_this_app() -> None:
    assert refusal("POST", "/admin/revocations", {"client": "*"}) == (400, "invalid_input")
    assert call("GET", "/admin/revocations") == (200, {"revocations": []})
    assert call("POST", "/admin/revocations", {"client": "machineofolympus"})[0] == 201


def test_a_missing_policy_returns_404() -> None:
    assert refusal("GET", "/admin/policies/{kind}/{name}", kind="group", name="nobody") == (404, "not_found")
    assert refusal("DELETE", "/admin/policies/{kind}/{name}", kind="group", name="nobody") == (404, "not_found")


def test_a_subject_of_an_unknown_kind_returns_400() -> None:
    wrong = {"kind": "user", "name": "clerk"}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", {"statements": []}, **wrong) == (400, "invalid_input")


def test_a_write_with_an_outdated_version_returns_409() -> None:
    clerks = {"kind": "group", "name": "clerks"}
    call("PUT", "/admin/policies/{kind}/{name}", {"statements": [READ]}, **clerks)
    stale = {"statements": [], "version": 0}
    assert refusal("PUT", "/admin/policies/{kind}/{name}", stale, **clerks) == (409, "version_conflict")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="an empty body"),
        pytest.param("statements=none", id="not JSON"),
        pytest.param('{"statements": [], "statements": []}', id="a repeated field"),
        pytest.param([READ], id="a list"),
        pytest.param({"statements": [READ], "subject": "group:clerks"}, id="an unknown field"),
        pytest.param('{"statements": "\\ud800"}', id="a lone surrogate"),
    ],
)
def test_a_malformed_policy_returns_400_and_is_not_stored(body: object) -> None:
    assert refusal("PUT", POLICY, body, **CLERKS) == (400, "invalid_input")
    assert call("GET", "/admin/policies") == (200, {"policies": []})


def test_an_unreachable_table_returns_500_without_the_cause(tables: "DynamoDBClient") -> None:
    tables.delete_table(TableName="PolicyTable")
    status, answered = call("GET", "/admin/policies")
    assert (status, answered["code"]) == (500, "policies_unreachable")
    assert "DynamoDB" not in answered["message"]

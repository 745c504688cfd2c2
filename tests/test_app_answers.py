"""The responses of the service to granted requests, with the real wiring and tables in the test process."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
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


# --- history, rollback and the audit log ---

HISTORY, ROLLBACK = f"{POLICY}/history", f"{POLICY}/rollback"
WRITE = allow("/orders", methods=["POST"], sid="write")


def write(*rules: object) -> None:
    assert call("PUT", POLICY, {"statements": list(rules)}, **CLERKS)[0] == 200


def history() -> list[dict[str, Any]]:
    status, answered = call("GET", HISTORY, **CLERKS)
    assert (status, set(answered)) == (200, {"history"})
    changes: list[dict[str, Any]] = answered["history"]
    return changes


def test_the_history_names_author_way_and_both_versions_the_newest_first() -> None:
    write(READ)
    write(READ, WRITE)
    call("DELETE", POLICY, **CLERKS)
    changes = history()
    assert [(it["version"], it["by"], it["way"]) for it in changes] == [(n, "admin-sub", "api") for n in (3, 2, 1)]
    assert [(it["before"], it["after"]) for it in changes] == [
        ([READ, WRITE], None),
        ([READ], [READ, WRITE]),
        (None, [READ]),
    ]
    assert sorted((it["at"] for it in changes), reverse=True) == [it["at"] for it in changes]


def test_a_rollback_writes_an_earlier_version_as_a_new_one() -> None:
    write(READ)
    write(WRITE)
    status, restored = call("POST", ROLLBACK, {"version": 1, "expected_version": 2}, **CLERKS)
    assert (status, restored["version"], restored["statements"], restored["updated_by"]) == (
        200,
        3,
        [READ],
        "admin-sub",
    )
    assert call("GET", POLICY, **CLERKS) == (200, restored)
    assert (history()[0]["before"], history()[0]["after"]) == ([WRITE], [READ])


def test_a_rollback_restores_a_deleted_policy() -> None:
    write(READ)
    call("DELETE", POLICY, **CLERKS)
    assert call("POST", ROLLBACK, {"version": 1}, **CLERKS)[1]["version"] == 3


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        pytest.param({"version": 9}, (404, "not_found"), id="an unknown version"),
        pytest.param({"version": 2}, (400, "invalid_input"), id="a version that is a deletion"),
        pytest.param({"version": 1, "expected_version": 2}, (409, "version_conflict"), id="another current version"),
        pytest.param({"version": 1, "by": "athena"}, (400, "invalid_input"), id="a forged author"),
        pytest.param({"version": 1, "way": "cli"}, (400, "invalid_input"), id="a forged way"),
        pytest.param({"version": True}, (400, "invalid_input"), id="a version that is true"),
        pytest.param({"version": 0}, (400, "invalid_input"), id="version 0"),
        pytest.param({"version": 1, "force": 1}, (400, "invalid_input"), id="force that is a number"),
        pytest.param({}, (400, "invalid_input"), id="no version"),
    ],
)
def test_an_impossible_rollback_is_refused_and_changes_nothing(body: object, refused: tuple[int, str]) -> None:
    write(READ)
    call("DELETE", POLICY, **CLERKS)
    write(WRITE)
    assert refusal("POST", ROLLBACK, body, **CLERKS) == refused
    assert call("GET", POLICY, **CLERKS)[1]["version"] == 3


def test_the_audit_log_lists_every_action_the_newest_first() -> None:
    write(READ)
    call("POST", "/admin/revocations", {"sub": CLERK})
    call("DELETE", "/admin/revocations", {"sub": CLERK})
    status, answered = call("GET", "/admin/audit")
    assert (status, set(answered)) == (200, {"entries"})
    assert [(it["action"], it["subject"], it["by"], it["way"], it["detail"]) for it in answered["entries"]] == [
        ("revocation.lift", f"sub:{CLERK}", "admin-sub", "api", {}),
        ("revocation.add", f"sub:{CLERK}", "admin-sub", "api", {}),
        ("policy.write", "group:clerks", "admin-sub", "api", {"version": 1}),
    ]


def test_a_failed_action_has_a_second_entry_with_the_code() -> None:
    assert refusal("DELETE", "/admin/revocations", {"sub": CLERK}) == (404, "not_found")
    entries = call("GET", "/admin/audit")[1]["entries"]
    assert [entry["detail"] for entry in entries] == [{"failed": "not_found"}, {}]


def test_a_change_that_cannot_be_recorded_is_not_made(tables: "DynamoDBClient") -> None:
    write(READ)
    tables.delete_table(TableName="AuditTable")
    assert refusal("PUT", POLICY, {"statements": []}, **CLERKS)[0] == 500
    assert refusal("POST", "/admin/revocations", {"sub": CLERK}) == (500, "audit_unreachable")
    assert call("GET", POLICY, **CLERKS)[1]["version"] == 1
    assert call("GET", "/admin/revocations") == (200, {"revocations": []})


def test_an_unreachable_table_returns_500_without_the_cause(tables: "DynamoDBClient") -> None:
    tables.delete_table(TableName="PolicyTable")
    status, answered = call("GET", "/admin/policies")
    assert (status, answered["code"]) == (500, "policies_unreachable")
    assert "DynamoDB" not in answered["message"]

"""`manage.py doctor --stage local` examines the running cloud, names a fault, and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.command_line import main
from tests.e2e.clients import unique
from tests.e2e.cloud import Cloud

# The other checks can find what tests of the shared cloud leave behind, such as an app client or a dead letter.
HEALTHY = {
    *(
        "administrator",
        "api",
        "authorizer-cache",
        "clock",
        "default-groups",
        "functions",
        "generation",
        "granted-scopes",
    ),
    *("keys", "policies-readable", "settings", "settings-agree", "staleness", "stream-mapping"),
    *("tables", "triggers"),
}


def test_the_doctor_examines_the_running_cloud(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_LOCAL", str(cloud.local_cloud.folder))
    dynamodb, table = cloud.local_cloud.client("dynamodb"), cloud.outputs["tables"]["policies"]
    name = unique("centaurs")
    key = {"subject": {"S": f"group:{name}"}}
    fields = {"version": {"N": "1"}, "updated_by": {"S": "chiron"}, "updated_at": {"S": "2027-01-15"}}
    dynamodb.put_item(TableName=table, Item={**key, **fields, "statements": {"S": "[]"}})
    try:
        before = dynamodb.scan(TableName=table)["Items"]
        status = main(["doctor", "--stage", "local", "--json"])
        examined: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert dynamodb.scan(TableName=table)["Items"] == before
    finally:
        dynamodb.delete_item(TableName=table, Key=key)
    findings = {finding["name"]: finding for finding in examined["findings"]}
    assert [findings[check] for check in HEALTHY if not findings[check]["ok"]] == []
    assert f"policy of group:{name}, but the user pool has no such group." in findings["policy-subjects"]["detail"]
    assert (status, examined["ok"]) == (1, False)

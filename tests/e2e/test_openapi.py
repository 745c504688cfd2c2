"""Schemathesis sends generated requests of three callers, and compares the answers with the document that is served.

The requests of the administrator change the shared cloud. Generated names do not meet existing ones, and the test
deletes what it created.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings

from infra.package import PROJECT
from infra.policy_table import read_table
from local.sign_in import sign_in_by_page
from tests.configured import DEFAULT_GROUP
from tests.e2e.clients import TIMEOUT
from tests.e2e.cloud import Cloud
from tests.public_routes import is_public

schemathesis = pytest.importorskip("schemathesis", reason="`make test` installs schemathesis")

EXAMPLES = {"nobody": 1, "reader": 2, "admin": 3}  # requests of each operation; the administrator's also invalid ones
REFUSED = {401, 403}


@pytest.fixture(scope="module")
def document(outputs: dict[str, Any]) -> dict[str, Any]:
    answer = requests.get(f"{outputs['api_url']}/openapi.json", timeout=TIMEOUT)
    assert answer.status_code == 200
    return dict(answer.json())


@pytest.fixture
def restored(cloud: Cloud, outputs: dict[str, Any]) -> Iterator[None]:
    """Deletes the policies, the revocations, the sample's entries and the users that a test created."""
    dynamodb, cognito = cloud.local_cloud.client("dynamodb"), cloud.local_cloud.client("cognito-idp")
    tables = {name for key, name in outputs["environment"].items() if key.endswith("_TABLE")}
    pool = {"UserPoolId": outputs["user_pool_id"]}

    def items() -> dict[str, list[Any]]:
        return {table: dynamodb.scan(TableName=table, ConsistentRead=True)["Items"] for table in tables}

    def users() -> set[str]:
        pages = cognito.get_paginator("list_users").paginate(**pool)
        return {user["Username"] for page in pages for user in page["Users"]}

    keys = {table: dynamodb.describe_table(TableName=table)["Table"]["KeySchema"] for table in tables}
    before, people = items(), users()
    yield
    for name in users() - people:
        cognito.admin_delete_user(**pool, Username=name)
    for table, found in items().items():
        names = [key["AttributeName"] for key in keys[table]]
        known = [{name: item[name] for name in names} for item in before[table]]
        for item in found:
            key = {name: item[name] for name in names}
            if key not in known:
                dynamodb.delete_item(TableName=table, Key=key)


def test_the_document_that_is_served_is_valid_and_names_nothing_of_the_stage(
    document: dict[str, Any], outputs: dict[str, Any]
) -> None:
    from openapi_spec_validator import validate

    validate(document)
    secret = [outputs[name] for name in ("user_pool_id", "web_client_id", "machine_client_id", "machine_client_secret")]
    secret += [*outputs["tables"].values(), *(user["username"] for user in outputs["users"].values())]
    assert [value for value in secret if value in str(document)] == []


@pytest.mark.parametrize("caller", EXAMPLES)
def test_the_api_answers_as_the_document_says(
    caller: str, document: dict[str, Any], outputs: dict[str, Any], restored: None
) -> None:
    headers = {} if caller == "nobody" else {"Authorization": f"Bearer {token_of(caller, outputs)}"}
    schema, session, may = schemathesis.openapi.from_dict(document), requests.Session(), permitted(caller)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        name = f"{operation.method.upper()} {operation.path}"
        for mode in schemathesis.GenerationMode:
            if mode.is_negative and (caller != "admin" or is_public(operation.method, operation.path)):
                continue  # the authorizer refuses before it reads the request, and a public route reads nothing
            statuses = send(operation, mode, EXAMPLES[caller], outputs["api_url"], headers, session)
            assert statuses
            if may is not None and name not in may:
                assert statuses <= REFUSED, name
        asked += 1
    assert asked == sum(len(methods) for methods in document["paths"].values())


def token_of(caller: str, outputs: dict[str, Any]) -> str:
    """Returns a token with every scope, so that policies decide about the caller."""
    scopes = " ".join(["openid", *outputs["scopes"].values()])
    token: str = sign_in_by_page(outputs, **outputs["users"][caller], scope=scopes)["access_token"]
    return token


def permitted(caller: str) -> set[str] | None:
    """Returns the routes that policies/expected.yaml permits. None: all."""
    table = read_table(PROJECT / "policies")
    subjects = {"nobody": (), "reader": (f"group:{DEFAULT_GROUP}", "")}.get(caller)
    if subjects is None:
        return None
    return {*table.public, *(route for entry in table.entries if entry.subject in subjects for route in entry.may)}


def send(
    operation: Any, mode: Any, examples: int, url: str, headers: dict[str, str], session: requests.Session
) -> set[int]:
    """Sends generated requests of one operation, checks the answers, and returns their statuses."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    statuses: set[int] = set()
    asked = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]

    @seed(8)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        answer = case.call(base_url=url, headers=headers, session=session, timeout=TIMEOUT)
        statuses.add(answer.status_code)
        # schemathesis does not count 413 as a refusal
        rejects = [checks.negative_data_rejection] if answer.status_code != 413 else []
        case.validate_response(answer, checks=[*asked, *rejects])

    run()
    return statuses

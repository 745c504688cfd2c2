"""Use case 1: a file route admits only a valid access token with the scope of the route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.sign_in import sign_in_by_page
from tests.e2e.clients import Answer, Api, unique

REFUSED = Answer(
    401, {"message": "no valid token, or the token lacks the scope that this route requires", "code": "unauthorized"}
)
HELLO = {"content": "Hello."}


@pytest.fixture(scope="module")
def tokens(outputs: dict[str, Any], reader: str, machine: str) -> dict[str, str | None]:
    """Tokens by their kind. All of them belong to a user, except the machine's."""
    read, write = outputs["scopes"]["read"], outputs["scopes"]["write"]

    def person(scope: str) -> dict[str, str]:
        return sign_in_by_page(outputs, **outputs["users"]["editor"], scope=f"openid {scope}")

    return {
        "no token": None,
        "garbage": "not.a.token",
        "ID token": person(f"{read} {write}")["id_token"],
        "refresh token": person(f"{read} {write}")["refresh_token"],
        "no scope": reader,
        "read": person(read)["access_token"],
        "write": person(write)["access_token"],
        "read and write": person(f"{read} {write}")["access_token"],
        "machine": machine,
    }


@pytest.fixture(scope="module")
def writer(tokens: dict[str, str | None]) -> str:
    assert tokens["read and write"]
    return tokens["read and write"]


@pytest.fixture
def file_path(api: Api, writer: str) -> Iterator[str]:
    """The path of an existing file."""
    path = f"/files/{unique('letter')}.txt"
    assert api.ask("PUT", path, writer, HELLO).status == 200
    yield path
    api.ask("DELETE", path, writer)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("kind", ["no token", "garbage", "ID token", "refresh token", "no scope"])
def test_a_file_is_refused_without_an_access_token_with_the_scope(
    tokens: dict[str, str | None], api: Api, file_path: str, kind: str, method: str
) -> None:
    assert api.ask(method, file_path, tokens[kind], HELLO if method == "PUT" else None) == REFUSED


@pytest.mark.parametrize("kind", ["read", "machine"])
def test_the_read_scope_allows_reading_and_not_writing(
    tokens: dict[str, str | None], api: Api, file_path: str, kind: str
) -> None:
    token = tokens[kind]

    assert [api.ask("GET", path, token).status for path in ("/files", file_path)] == [200, 200]
    assert [api.ask("PUT", file_path, token, HELLO), api.ask("DELETE", file_path, token)] == [REFUSED, REFUSED]


def test_the_write_scope_allows_writing_and_not_reading(
    tokens: dict[str, str | None], api: Api, file_path: str
) -> None:
    token = tokens["write"]

    assert [api.ask("PUT", file_path, token, HELLO).status, api.ask("DELETE", file_path, token).status] == [200, 204]
    assert [api.ask("GET", path, token) for path in ("/files", file_path)] == [REFUSED, REFUSED]


def test_a_written_file_is_read_and_listed_until_it_is_deleted(api: Api, writer: str) -> None:
    name = f"{unique('diary')}.txt"
    path = f"/files/{name}"

    assert api.ask("PUT", path, writer, {"content": "Snow."}) == Answer(200, {"name": name, "content": "Snow."})
    assert api.ask("PUT", path, writer, {"content": "Thaw."}) == Answer(200, {"name": name, "content": "Thaw."})
    assert api.ask("GET", path, writer) == Answer(200, {"name": name, "content": "Thaw."})
    assert name in api.ask("GET", "/files", writer).body["files"]
    assert api.ask("DELETE", path, writer) == Answer(204)
    assert api.ask("GET", path, writer).status == 404
    assert name not in api.ask("GET", "/files", writer).body["files"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_file_that_does_not_exist_is_not_found(api: Api, writer: str, method: str) -> None:
    answer = api.ask(method, "/files/never-written.txt", writer)

    assert (answer.status, answer.body["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(b'{"content": "Hel', "body", id="truncated"),
        pytest.param(b'{"content": "a", "content": "b"}', "body", id="a repeated field"),
        pytest.param(b"", "body", id="an empty body"),
        pytest.param(["Hello."], "body", id="not an object"),
        pytest.param({}, "content", id="no content"),
        pytest.param({"content": 7}, "content", id="a number"),
        pytest.param({"content": None}, "content", id="null"),
        pytest.param({"content": "Hello.", "owner": "me"}, "owner", id="an unknown field"),
    ],
)
def test_a_malformed_file_is_refused_with_the_field_name(api: Api, writer: str, body: object, field: str) -> None:
    answer = api.ask("PUT", "/files/malformed.txt", writer, body)

    assert (answer.status, answer.body["code"], answer.body["message"].split(":")[0]) == (400, "invalid_input", field)
    assert api.ask("GET", "/files/malformed.txt", writer).status == 404


@pytest.mark.parametrize("name", ["with%20space", "%2Fetc%2Fpasswd", "caf%C3%A9", "n" * 129, "%7Bname%7D", "..%2Fa"])
def test_an_invalid_file_name_is_refused(api: Api, writer: str, name: str) -> None:
    before = api.ask("GET", "/files", writer)

    answer = api.ask("PUT", f"/files/{name}", writer, HELLO)

    assert 400 <= answer.status < 500
    assert api.ask("GET", "/files", writer) == before


def test_the_largest_file_is_stored_and_one_more_character_is_refused(api: Api, writer: str, file_path: str) -> None:
    assert api.ask("PUT", file_path, writer, {"content": "e" * 65_536}).status == 200

    answer = api.ask("PUT", file_path, writer, {"content": "e" * 65_537})

    assert (answer.status, answer.body["code"]) == (413, "invalid_input")
    assert len(api.ask("GET", file_path, writer).body["content"]) == 65_536


def test_the_root_route_is_public(api: Api) -> None:
    assert api.ask("GET", "/").status == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("POST", "/files"), ("PATCH", "/files/a")])
def test_an_unknown_route_or_method_is_refused(api: Api, writer: str, method: str, path: str) -> None:
    answer = api.ask(method, path, writer)

    assert (answer.status, answer.body["code"]) == (404, "not_found")

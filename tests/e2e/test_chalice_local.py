"""`chalice local` beside the running cloud gives the same responses as the cloud."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from app import app
from local.cloud import LocalCloud
from local.sign_in import sign_in_by_page
from tests.configured import DEFAULT_GROUP
from tests.e2e.clients import TIMEOUT, Answer, Api, UserGroup
from tests.e2e.cloud import PROJECT, START_SECONDS, STOP_SECONDS, Cloud, environment, project_copy, wait_for
from tests.fakes import allow, deny
from tests.mint import private_key
from tests.ports import free_port, is_open
from tests.scoped_route import SCOPED_PATH, needs_scoped_route
from tests.tokens.corpus import Pool, corpus
from tests.tokens.over_http import judge


@contextmanager
def chalice_local(
    local_cloud: LocalCloud, log: Path, *options: str, project: Path = PROJECT
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Starts `chalice local` and returns the process and its port."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "chalice"), "local", "--port", str(port), *options]
    with log.open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=project,
            env={**environment(local_cloud), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, port
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def developer(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API under `chalice local`."""
    log = tmp_path_factory.mktemp("chalice") / "log"
    with chalice_local(cloud.local_cloud, log, "--no-autoreload") as (process, port):

        def serves() -> bool:
            assert process.poll() is None, log.read_text()
            return is_open(port)

        wait_for(serves, "chalice local serves", START_SECONDS)
        yield Api(f"http://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def tokens(outputs: dict[str, Any], attacked_pool: Pool, reader: str, admin: str, machine: str) -> Any:
    """Tokens by their kind."""
    writer = sign_in_by_page(outputs, **outputs["users"]["reader"], scope=f"openid {outputs['scopes']['write']}")
    return {
        "no token": None,
        "garbage": "not.a.token",
        "expired": attacked_pool.token({"exp": attacked_pool.now - 1}),
        "of another pool": attacked_pool.token(key=private_key("barbarians")),
        "ID token": writer["id_token"],
        "reader": reader,
        "admin": admin,
        "machine": machine,
        "writer": writer["access_token"],
    }


# Every route, with a body that every route refuses and with names that do not exist. No request writes anything.
REQUESTS = [
    *(
        (method, re.sub(r"\{\w+\}", "never-written", path), {"unexpected": 7} if method in ("POST", "PUT") else None)
        for path, methods in app.routes.items()
        for method in methods
        if (method, path) != ("DELETE", "/admin/revocations")
    ),
    ("GET", f"/admin/policies/group/{DEFAULT_GROUP}", None),
    ("PUT", f"/admin/policies/group/{DEFAULT_GROUP}", {"statements": "none"}),
    ("DELETE", "/admin/policies/group/never-written", None),
    ("DELETE", "/admin/revocations", {"unexpected": 7}),
    ("GET", "/nowhere", None),
    ("PATCH", "/whoami", None),
]
REFUSED = Answer(
    401, {"message": "no valid token, or the token lacks the scope that this route requires", "code": "unauthorized"}
)


@pytest.mark.parametrize("caller", ["no token", "reader", "admin", "machine", "writer"])
def test_chalice_local_gives_the_same_responses_as_the_cloud(
    developer: Api, api: Api, tokens: dict[str, str | None], caller: str
) -> None:
    here = [developer.ask(method, path, tokens[caller], body) for method, path, body in REQUESTS]
    there = [api.ask(method, path, tokens[caller], body) for method, path, body in REQUESTS]
    for answer in (*here, *there):
        if answer.body and answer.body.pop("servers", None):  # the address of the API, in its OpenAPI document
            assert answer.status == 200

    shown = [f"{method} {path}" for method, path, _ in REQUESTS]
    assert dict(zip(shown, here, strict=True)) == dict(zip(shown, there, strict=True))


@pytest.mark.parametrize("path", [pytest.param(SCOPED_PATH, marks=needs_scoped_route), "/whoami", "/admin/policies"])
@pytest.mark.parametrize("caller", ["no token", "garbage", "expired", "of another pool", "ID token"])
def test_an_invalid_token_is_refused(developer: Api, tokens: dict[str, str | None], caller: str, path: str) -> None:
    assert developer.ask("GET", path, tokens[caller]) == REFUSED


@needs_scoped_route
def test_a_token_without_the_scope_of_the_route_is_refused(developer: Api, tokens: dict[str, str | None]) -> None:
    assert developer.ask("GET", SCOPED_PATH, tokens["reader"]) == REFUSED
    assert developer.ask("GET", SCOPED_PATH, tokens["machine"]).status == 200


def test_a_reader_can_read_and_cannot_write(developer: Api, reader: str) -> None:
    assert developer.ask("GET", "/whoami", reader).status == 200
    refused = developer.ask("POST", "/admin/revocations", reader, {"sub": "another"})
    assert (refused.status, refused.body["code"]) == (403, "not_permitted")


def test_a_deny_overrides_the_allow_of_another_group(developer: Api, new_user_group: Callable[..., UserGroup]) -> None:
    suspended = new_user_group(DEFAULT_GROUP)
    assert developer.ask("GET", "/whoami", suspended.token).status == 200

    suspended.write([deny("/whoami", sid="suspended")])

    refused = developer.ask("GET", "/whoami", suspended.token)
    assert (refused.status, refused.body["code"]) == (403, "not_permitted")


def test_a_permission_revoked_in_the_cloud_is_refused_at_the_next_request(
    developer: Api, user_group: UserGroup
) -> None:
    user_group.write([allow("/whoami")])
    assert developer.ask("GET", "/whoami", user_group.token).status == 200

    user_group.write([])

    assert developer.ask("GET", "/whoami", user_group.token).status == 403


def test_no_hostile_token_is_admitted(developer: Api, attacked_pool: Pool) -> None:
    http = requests.Session()

    def send(header: str) -> int:
        return http.get(f"{developer.url}/whoami", headers={"Authorization": header}, timeout=TIMEOUT).status_code

    assert send(f"Bearer {attacked_pool.token()}") == 200
    assert judge(send, corpus(attacked_pool)) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param((), 0, id="with the reloader"),  # Chalice's reloader does not return the status of its worker
        pytest.param(("--no-autoreload",), 1, id="without the reloader"),
    ],
)
def test_chalice_local_without_a_cloud_ends_with_one_message(
    tmp_path: Path, options: tuple[str, ...], expected: int
) -> None:
    nowhere, log = LocalCloud(free_port(), tmp_path / "nowhere"), tmp_path / "log"

    with chalice_local(nowhere, log, *options, project=project_copy(tmp_path / "project")) as (process, _):
        status = process.wait(STOP_SECONDS)

    assert status == expected
    assert log.read_text() == "chalice local needs the local cloud: start it with `make run` in another terminal.\n"

"""Commands for a running cloud: `make token` and `make local`. Also the address of the cloud in a browser."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from local.seed import sample_users
from tests.e2e.clients import TIMEOUT, Api
from tests.e2e.cloud import PROJECT, STOP_SECONDS, Cloud, command, environment, project_copy, wait_for
from tests.ports import free_port
from tests.scoped_route import SCOPED_PATH, needs_scoped_route

NAMES = (
    f"Name a user or the machine: USER={' or USER='.join(sample_users())} or CLIENT=machine."
    " After you add a group, start `make run` again: it creates a user for the group.\n"
)


def make_token(cloud: Cloud, *words: str) -> list[str]:
    """Returns the command of `make token`, in a shell whose user has the name of a sample user."""
    settings = {
        **environment(cloud.local_cloud),
        "USER": "reader",
        "SCOPE": "write",
        "CLIENT": "machine",
        "MAKEFLAGS": "",
    }
    shown = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/installed", "token", *words],  # noqa: S607
        cwd=PROJECT,
        env=settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.splitlines()[-1].partition("manage.py ")[2].split()


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ([], "token --client '' --scope '' -- ''"),
        (["USER=admin"], "token --client '' --scope '' -- 'admin'"),
        (["USER=admin", "SCOPE=write"], "token --client '' --scope 'write' -- 'admin'"),
        (["CLIENT=machine"], "token --client 'machine' --scope '' -- ''"),
    ],
)
def test_make_token_reads_its_arguments_and_not_the_shell_variables(
    cloud: Cloud, typed: list[str], arguments: str
) -> None:
    assert make_token(cloud, *typed) == arguments.split()


@pytest.mark.parametrize(
    "words",
    [
        ["--", ""],
        ["--", "root"],
        ["--client", "robot", "--", ""],
        ["--client", "machine", "--", "reader"],
    ],
)
def test_a_token_for_an_unknown_name_is_refused_with_the_known_names(cloud: Cloud, words: list[str]) -> None:
    refused = command(cloud.local_cloud, "token", *words)
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", NAMES)


def scopes_of(cloud: Cloud, *words: str) -> set[str]:
    printed = command(cloud.local_cloud, "token", *words)
    assert (printed.returncode, printed.stderr) == (0, "")
    return set(jwt.decode(printed.stdout.strip(), options={"verify_signature": False})["scope"].split())


def test_a_token_has_the_requested_scopes(cloud: Cloud, outputs: dict[str, Any]) -> None:
    read, write = outputs["scopes"]["read"], outputs["scopes"]["write"]
    assert scopes_of(cloud, "--scope", "read", "--", "reader") & {read, write} == {read}
    assert scopes_of(cloud, "--scope", f"read, {write}", "--", "admin") & {read, write} == {read, write}
    assert scopes_of(cloud, "--", "reader") & {read, write} == set()
    assert scopes_of(cloud, "--client", "machine") == {read}
    assert scopes_of(cloud, "--client", "machine", "--scope", "read") == {read}


@needs_scoped_route
def test_a_token_with_a_scope_is_admitted_to_a_route_of_use_case_1(cloud: Cloud, api: Api) -> None:
    token = command(cloud.local_cloud, "token", "--scope", "read", "reader").stdout.strip()
    assert api.ask("GET", SCOPED_PATH, token).status == 200


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scope", "delete", "reader"], "Unknown scope delete. SCOPE accepts read, write, "),
        (["--client", "machine", "--scope", "write"], "No token for machine: "),
    ],
)
def test_an_unavailable_scope_is_refused_with_one_line(cloud: Cloud, words: list[str], message: str) -> None:
    refused = command(cloud.local_cloud, "token", *words)
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (1, "", 1)
    assert refused.stderr.startswith(message)


@pytest.mark.parametrize("option", ["--autoreload", "--no-autoreload"])
def test_chalice_local_on_a_busy_port_ends_with_one_message(cloud: Cloud, option: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = subprocess.run(
            [str(Path(sys.executable).parent / "chalice"), "local", option, "--port", str(port)],
            cwd=project_copy(tmp_path / "project"),
            env={**environment(cloud.local_cloud), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=STOP_SECONDS,
            check=False,
        )
    assert (ended.stdout, len(ended.stderr.splitlines())) == ("", 1), ended.stderr
    assert ended.stderr.startswith(f"Port {port} is in use. ")


def test_chalice_local_prints_its_address_without_delay_when_its_output_is_a_file(cloud: Cloud, tmp_path: Path) -> None:
    settings = {name: value for name, value in environment(cloud.local_cloud).items() if name != "PYTHONUNBUFFERED"}
    log, port = tmp_path / "log", free_port()
    line = [str(Path(sys.executable).parent / "chalice"), "local", "--no-autoreload", "--port", str(port)]
    with log.open("wb") as said, subprocess.Popen(line, cwd=PROJECT, env=settings, stdout=said, stderr=said) as local:
        try:
            wait_for(lambda: f":{port}" in log.read_text(), "chalice local prints its address", STOP_SECONDS)
        finally:
            local.kill()


def test_the_root_of_the_cloud_redirects_a_browser_to_the_console(cloud: Cloud) -> None:
    shown = requests.get(f"{cloud.local_cloud.url}/", timeout=TIMEOUT)
    assert (shown.url, shown.status_code) == (f"{cloud.local_cloud.url}/console/", 200)
    assert "text/html" in shown.headers["content-type"]


def test_a_start_saves_the_cloud_before_it_writes_the_outputs(cloud: Cloud) -> None:
    saved, outputs = cloud.local_cloud.state / "snapshot.json", cloud.local_cloud.outputs
    assert json.loads(saved.read_bytes()).keys() >= {"cognito", "dynamodb", "cloudformation", "lambda"}
    assert outputs.exists()


def test_the_start_message_contains_the_mailbox(cloud: Cloud) -> None:
    assert f"mailbox      {cloud.outputs['mailbox_url']}" in cloud.said

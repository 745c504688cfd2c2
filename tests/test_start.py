"""Lambda builds a function while it initializes it. No other import of a module has an effect."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from chalicelib.settings import Settings
from chalicelib.start import in_init_phase
from tests import configured, mint
from tests.aws.loopback import EMPTY, closes, reply, scripted
from tests.aws.test_fetch_jwks import answers, jwk, server, written
from tests.environment import child_environment

ROOT = Path(__file__).resolve().parents[1]
ME = "authorizers.policy.policy_authorizer"


def started(environ: dict[str, str]) -> list[str]:
    ran: list[str] = []

    def fails() -> None:
        ran.append("fails")
        raise OSError("unreachable")

    in_init_phase(Settings(environ), ME, lambda: ran.append("first"), fails, lambda: ran.append("last"))
    return ran


def test_lambda_runs_every_step_even_after_a_failure() -> None:
    assert started({"_HANDLER": ME}) == ["first", "fails", "last"]


@pytest.mark.parametrize("environ", [{}, {"_HANDLER": ""}, {"_HANDLER": "app.app"}, {"_HANDLER": f"{ME}2"}])
def test_a_process_for_another_handler_runs_no_step(environ: dict[str, str]) -> None:
    assert started(environ) == []


# --- the functions, in processes of their own ---

IMPORT = """
import json, sys
import {module}
print(json.dumps(list(sys.modules)))
"""
FUNCTIONS = {
    "app": "app.app",
    "authorizers.policy": ME,
    **{
        f"chalicelib.triggers.{it.name}": f"chalicelib.triggers.{it.name}.{it.name}"
        for it in configured.FUNCTIONS
        if it.is_trigger or it.reads_stream
    },
}


def imported(module: str, dynamodb_port: int, jwks: str, **environ: str) -> list[str]:
    """Imports a module in a new process. Returns all modules that it imported."""
    settings = {
        "AWS_DEFAULT_REGION": "mars-west-1",
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{dynamodb_port}",
        "ISSUER": mint.ISSUER,
        "JWKS_URL": jwks,
        "CLIENT_IDS": mint.WEB_CLIENT,
        **{f"{name}_TABLE": name.lower() for name in ("POLICY", "STATE", "ONBOARDING", "SAMPLE")},
    }
    finished = subprocess.run(
        [sys.executable, "-c", IMPORT.format(module=module)],
        cwd=ROOT,
        env=child_environment(**{**settings, **environ}),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(finished.stdout)
    return found


class Keys:
    """Counts the fetches of the keys."""

    def __init__(self, answer: Any = None) -> None:
        self.fetches = 0
        self._answer = answer or answers(200, written(jwk()))

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        self.fetches += 1
        self._answer(request)


def effects(module: str, **environ: str) -> tuple[int, list[str]]:
    """Returns how often the keys were fetched, and the operations of DynamoDB that were called."""
    keys = Keys()
    turns = [reply(EMPTY)] * 3
    with scripted(*turns) as dynamodb, server(jwks=keys) as url:
        imported(module, dynamodb.port, f"{url}/jwks", **environ)
        targets = [request.lower().partition(b"x-amz-target: ")[2].split(b"\r\n")[0] for request in dynamodb.requests]
    return keys.fetches, [target.decode().partition(".")[2] for target in targets]


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="outside Lambda"),
        pytest.param({"AWS_CHALICE_CLI_MODE": "true"}, id="for Chalice's command line"),
        pytest.param({"_HANDLER": "another.handler"}, id="for another function"),
    ],
)
def test_an_import_has_no_effect(environ: dict[str, str]) -> None:
    assert effects(", ".join(FUNCTIONS), **environ) == (0, [])


def test_lambda_fetches_the_keys_and_opens_the_connection_of_the_authorizer() -> None:
    assert effects("authorizers.policy", _HANDLER=ME) == (1, ["batchgetitem"])


def test_the_api_does_not_start_the_authorizer_that_it_imports() -> None:
    assert effects("app", _HANDLER="app.app") == (0, [])


@pytest.mark.parametrize("name", ["post_confirmation", "pre_token"])
def test_lambda_opens_the_connection_of_a_trigger(name: str) -> None:
    module = f"chalicelib.triggers.{name}"
    assert effects(module, _HANDLER=FUNCTIONS[module]) == (0, ["getitem"])


@pytest.mark.parametrize("module", ["authorizers.policy", "chalicelib.triggers.pre_token"])
def test_no_connection_is_opened_before_a_snapshot(module: str) -> None:
    fetches, operations = effects(module, _HANDLER=FUNCTIONS[module], AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    assert operations == []
    assert fetches == (module == "authorizers.policy"), "the keys are public and have an age"


@pytest.mark.parametrize(("module", "handler"), FUNCTIONS.items())
def test_failing_services_do_not_fail_the_start(module: str, handler: str) -> None:
    with scripted(*[closes] * 3) as dynamodb, server(jwks=Keys(answers(500))) as url:
        imported(module, dynamodb.port, f"{url}/jwks", _HANDLER=handler)


@pytest.mark.parametrize("module", ["authorizers.policy", "chalicelib.triggers.pre_token"])
def test_invalid_settings_do_not_fail_the_start(module: str) -> None:
    imported(module, 1, "ftp://nowhere", _HANDLER=FUNCTIONS[module], DEFAULT_GROUPS="a b", CLIENT_IDS="")


def sdk(modules: list[str]) -> list[str]:
    """Returns the modules of the SDK, without the bare package `botocore`, which Powertools always imports."""
    return [name for name in modules if name == "boto3" or name.startswith("botocore.")]


def imported_in_lambda(module: str) -> list[str]:
    with scripted(reply(EMPTY), reply(EMPTY)) as dynamodb, server(jwks=Keys()) as url:
        return imported(module, dynamodb.port, f"{url}/jwks", _HANDLER=FUNCTIONS[module])


@pytest.mark.parametrize("module", ["authorizers.policy", "chalicelib.triggers.pre_token"])
def test_a_function_that_a_request_waits_for_imports_no_module_of_the_sdk(module: str) -> None:
    assert sdk(imported_in_lambda(module)) == []


def test_the_authorizer_imports_no_module_that_only_other_functions_or_an_upstream_need() -> None:
    others = ["core.audit", "core.custom_claim", "core.origin", "core.route", "core.upstream_paths", "customize"]
    assert {f"chalicelib.{name}" for name in others} & set(imported_in_lambda("authorizers.policy")) == set()


def test_the_trigger_builds_the_customization_of_tokens_in_the_init_phase() -> None:
    assert "chalicelib.customize" in imported_in_lambda("chalicelib.triggers.pre_token")


@pytest.mark.parametrize(
    "module", ["chalicelib.triggers.policy_changed", "chalicelib.triggers.post_confirmation", "app"]
)
def test_a_function_that_writes_imports_the_sdk_in_the_init_phase(module: str) -> None:
    assert {"boto3", "botocore.session"} <= set(imported_in_lambda(module))


@pytest.mark.parametrize("module", FUNCTIONS)
def test_only_the_authorizer_imports_cryptography_and_does_so_in_the_init_phase(module: str) -> None:
    expected = {"cryptography", "jwt"} if module == "authorizers.policy" else set()
    assert {"cryptography", "jwt"} & set(imported_in_lambda(module)) == expected

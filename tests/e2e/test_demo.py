"""`make demo` runs against the running cloud, and fails with one message if no cloud is running."""

from __future__ import annotations

from pathlib import Path

from local.cloud import LocalCloud
from tests.e2e.clients import Api
from tests.e2e.cloud import Cloud, command
from tests.ports import free_port


def test_the_demo_succeeds_and_leaves_the_policies_unchanged(cloud: Cloud, api: Api, admin: str) -> None:
    def statements() -> list[object]:
        return [policy["statements"] for policy in api.ask("GET", "/admin/policies", admin).body["policies"]]

    before = statements()

    played = command(cloud.local_cloud, "demo")

    assert (played.returncode, played.stderr) == (0, ""), played.stdout
    assert played.stdout.rstrip().endswith("All responses were as expected.")
    assert statements() == before


def test_without_a_cloud_the_demo_fails_with_one_message(tmp_path: Path) -> None:
    nowhere = LocalCloud(free_port(), tmp_path / "nowhere")

    played = command(nowhere, "demo")

    assert (played.returncode, played.stdout) == (1, "")
    assert played.stderr == "The local cloud is not running: start it with `make run` in another terminal.\n"


def test_the_token_command_prints_only_the_token_of_the_sample_user(cloud: Cloud) -> None:
    printed = command(cloud.local_cloud, "token", "reader")

    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout.count(".") == 2
    assert len(printed.stdout.split()) == 1

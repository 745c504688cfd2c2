"""The local cloud is stopped, killed and started again: which state is kept or lost. No process remains.

One cloud runs four times. Each run is a fixture: killed at its start, stopped, killed, stopped.
"""

from __future__ import annotations

import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from chalicelib.administer import Administer
from chalicelib.aws.audit import AuditTable
from chalicelib.wiring import administer_with
from infra.policy_plan import AUTHOR
from local.sign_in import SignInFailed, sign_in
from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP
from tests.e2e.clients import Answer, Api, Person, UserGroup, Users
from tests.e2e.cloud import STOP_SECONDS, Cloud, command, start, start_and_wait, wait_for
from tests.fakes import allow
from tests.ports import free_port, is_open

POLICY = [allow("/whoami", sid="who-am-i")]
CHANGED = {"statements": [*POLICY, allow("/*", methods=["*"], sid="everything")]}
ADMINS = f"/admin/policies/group/{PRIVILEGED_GROUP}"
SAVED_SECONDS = 10  # the longest time from a change to its save
NOT_RUNNING = "The local cloud is not running: start it with `make run` in another terminal.\n"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def wait_until_gone(cloud: Cloud) -> None:
    """Waits until the functions have ended. A broken pipe tells them that the cloud was killed."""
    wait_for(lambda: not cloud.left_behind(), "a killed cloud's processes end", STOP_SECONDS)


def administer(cloud: Cloud) -> Administer:
    """Returns the use case with the credentials of the account's owner."""
    tables = cloud.outputs["tables"]
    dynamodb = cloud.local_cloud.client("dynamodb")
    return administer_with(dynamodb, tables["policies"], tables["state"], AuditTable(dynamodb, tables["audit"], 365))


def saved(cloud: Cloud) -> str:
    return (cloud.local_cloud.state / "snapshot.json").read_text(encoding="utf-8")


def can_sign_in(users: Users, *asked: Person) -> list[bool]:
    def may(person: Person) -> bool:
        try:
            return bool(users.sign_in(person))
        except SignInFailed:
            return False

    return [may(person) for person in asked]


@dataclass(frozen=True)
class FirstRun:
    """Started after a run that was killed before its first save. Stopped by Ctrl-C."""

    cloud: Cloud
    outputs: dict[str, Any]
    user_group: UserGroup
    addresses: set[str]
    concurrent_run: CompletedProcess[str]
    reset: CompletedProcess[str]
    status: int


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    folder = tmp_path_factory.mktemp("restarted") / "cloud"
    killed = start(folder)
    wait_for((folder / "running").exists, "the cloud has started")
    killed.kill()
    wait_until_gone(killed)
    cloud = start_and_wait(folder, killed.local_cloud.port)
    try:
        outputs, users = cloud.outputs, Users(cloud)
        name = users.new_group()
        member = users.new(name)
        admin = sign_in(outputs, **outputs["users"]["admin"])
        user_group = UserGroup(name, member, users.token_of(member), Api(outputs["api_url"]), admin)
        assert user_group.write(POLICY).status == 200
        assert user_group.api.ask("GET", "/whoami", user_group.token).status == 200
        # One policy has the content of an older file, and an administrator wrote the other one.
        administer(cloud).put_policy(f"group:{DEFAULT_GROUP}", (), author=AUTHOR)
        assert user_group.api.ask("PUT", ADMINS, admin, CHANGED).status == 200
        addresses = cloud.listening()
        concurrent_run, reset = command(cloud.local_cloud, "run"), command(cloud.local_cloud, "reset")
    finally:
        status = cloud.interrupt()
    return FirstRun(cloud, outputs, user_group, addresses, concurrent_run, reset, status)


@dataclass(frozen=True)
class SecondRun:
    """Started after a stop. Killed."""

    cloud: Cloud
    outputs: dict[str, Any]
    signed_in: list[bool]
    policy: Answer
    answer_to_the_old_token: Answer
    newcomer: Person
    demo: CompletedProcess[str]


@pytest.fixture(scope="module")
def second_run(first_run: FirstRun) -> SecondRun:
    local_cloud, user_group = first_run.cloud.local_cloud, first_run.user_group
    cloud = start_and_wait(local_cloud.folder, local_cloud.port)
    try:
        outputs, users = cloud.outputs, Users(cloud)
        signed_in = can_sign_in(users, user_group.member)
        policy, answer = user_group.read(), user_group.api.ask("GET", "/whoami", user_group.token)
        newcomer = users.new()
        mark = f'{{"S": "{newcomer.sub}"}}'  # the last write for the new user
        wait_for(lambda: mark in saved(cloud), "the newcomer is saved", SAVED_SECONDS)
    finally:
        cloud.kill()
        wait_until_gone(cloud)
    return SecondRun(cloud, outputs, signed_in, policy, answer, newcomer, command(local_cloud, "demo"))


@dataclass(frozen=True)
class ThirdRun:
    """Started after a kill. Stopped by Ctrl-C, and then reset."""

    said: str
    signed_in: list[bool]
    status: int
    left_behind: list[str]
    reset: CompletedProcess[str]
    folder: Path


@pytest.fixture(scope="module")
def third_run(first_run: FirstRun, second_run: SecondRun) -> ThirdRun:
    local_cloud = second_run.cloud.local_cloud
    cloud = start_and_wait(local_cloud.folder, local_cloud.port)
    try:
        signed_in = can_sign_in(Users(cloud), first_run.user_group.member, second_run.newcomer)
    finally:
        status = cloud.interrupt()
    return ThirdRun(
        cloud.said, signed_in, status, cloud.left_behind(), command(local_cloud, "reset"), local_cloud.folder
    )


# --- a clean stop ---


def test_ctrl_c_stops_the_cloud_with_status_0_and_leaves_no_process_or_temporary_file(first_run: FirstRun) -> None:
    assert first_run.status == 0, first_run.cloud.said
    assert first_run.cloud.left_behind() == []
    assert first_run.cloud.temporary_files() == []


def test_the_port_is_closed_after_a_stop(first_run: FirstRun) -> None:
    assert not is_open(first_run.cloud.local_cloud.port)


def test_a_stopped_cloud_leaves_no_outputs(first_run: FirstRun) -> None:
    assert command(first_run.cloud.local_cloud, "demo").stderr == NOT_RUNNING


@linux_only
def test_the_cloud_listens_only_on_loopback_addresses(first_run: FirstRun) -> None:
    port = first_run.cloud.local_cloud.port
    assert first_run.addresses == {f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"}  # the second is the company


def test_only_the_owner_can_read_the_secrets(first_run: FirstRun) -> None:
    assert first_run.cloud.local_cloud.state.stat().st_mode & 0o077 == 0


def test_a_second_run_is_refused_with_one_message(first_run: FirstRun) -> None:
    folder = first_run.cloud.local_cloud.folder

    assert (first_run.concurrent_run.returncode, first_run.concurrent_run.stdout) == (1, "")
    assert first_run.concurrent_run.stderr == (
        f"A local cloud is already running in {folder}. To stop it, press Ctrl-C in its terminal.\n"
    )


def test_a_running_cloud_cannot_be_reset(first_run: FirstRun) -> None:
    assert first_run.reset.returncode == 1
    assert first_run.reset.stderr == (
        "The local cloud is running. To stop it, press Ctrl-C in its terminal. Then reset it.\n"
    )


def test_the_run_after_a_kill_before_the_first_save_starts_with_a_new_cloud_and_a_message(
    first_run: FirstRun,
) -> None:
    assert first_run.cloud.said.splitlines()[0] == (
        "The last run was killed before its first save. This run starts with a new cloud."
    )


# --- the state after a stop ---


def test_a_restart_changes_no_address_and_no_key(first_run: FirstRun, second_run: SecondRun) -> None:
    assert second_run.outputs == first_run.outputs


def test_users_and_their_tokens_survive_a_restart(second_run: SecondRun) -> None:
    assert second_run.signed_in == [True]
    assert second_run.answer_to_the_old_token.status == 200


def test_policies_survive_a_restart(second_run: SecondRun) -> None:
    assert (second_run.policy.status, second_run.policy.body["statements"]) == (200, POLICY)


def test_a_start_applies_a_changed_policy_file(second_run: SecondRun) -> None:
    assert re.findall(r"policies: written: (\S+)", second_run.cloud.said) == [f"group:{DEFAULT_GROUP}"]


def test_a_start_retains_and_names_a_policy_that_an_administrator_changed(second_run: SecondRun) -> None:
    (retained,) = re.findall(r"policies: not changed: (.+)", second_run.cloud.said)
    assert re.match(rf"group:{PRIVILEGED_GROUP} \(written by \S+ at 20", retained)
    assert retained.endswith("use `.venv/bin/python manage.py policies apply --stage local --overwrite-policies`")


def test_a_start_after_a_clean_stop_reports_no_kill(second_run: SecondRun) -> None:
    assert "killed" not in second_run.cloud.said


# --- a kill ---


def test_after_a_kill_no_process_remains_and_the_demo_reports_that_no_cloud_is_running(second_run: SecondRun) -> None:
    assert second_run.cloud.left_behind() == []
    assert (second_run.demo.returncode, second_run.demo.stderr) == (1, NOT_RUNNING)


def test_the_start_after_a_kill_reports_the_time_of_the_last_save(third_run: ThirdRun) -> None:
    sentence = "The last run was killed. Its state of TIME is restored. Later changes are lost."

    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", third_run.said.splitlines()[0]) == sentence


def test_a_change_that_is_older_than_ten_seconds_survives_a_kill(third_run: ThirdRun) -> None:
    assert third_run.signed_in == [True, True]


def test_a_cloud_that_started_after_a_kill_stops_cleanly(third_run: ThirdRun) -> None:
    assert (third_run.status, third_run.left_behind) == (0, [])


# --- reset ---


def test_a_reset_deletes_the_folder_of_the_cloud(third_run: ThirdRun) -> None:
    assert (third_run.reset.returncode, third_run.reset.stderr) == (0, "")
    assert third_run.reset.stdout == "Deleted: the users, policies and sample data of the local cloud.\n"
    assert not third_run.folder.exists()


@pytest.fixture
def killed_cloud(tmp_path: Path) -> Cloud:
    """A cloud that was killed at its start, with the outputs of an earlier run."""
    cloud = start(tmp_path / "cloud")
    wait_for((tmp_path / "cloud/running").exists, "the cloud has started")
    cloud.kill()
    wait_until_gone(cloud)
    cloud.local_cloud.outputs.write_text("{}")
    return cloud


def test_a_killed_cloud_can_be_reset_without_a_start(killed_cloud: Cloud) -> None:
    reset = command(killed_cloud.local_cloud, "reset")

    assert (reset.returncode, reset.stderr) == (0, "")
    assert not killed_cloud.local_cloud.folder.exists()


def test_a_port_in_use_is_refused_with_its_number(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        refused = start(tmp_path / "cloud", port)
        status = refused.process.wait(STOP_SECONDS)

    assert (status, len(refused.said.splitlines())) == (1, 1)
    assert refused.said.startswith(f"Port {port} is in use. ")
    assert not (tmp_path / "cloud").exists()

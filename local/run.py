"""`make run`: runs the local cloud in one process until it is interrupted."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import GatehouseError
from infra.errors import DeploymentFailed, PackagingFailed, Refused
from infra.package import PROJECT
from local.cloud import LocalCloud
from local.company.people import employees
from local.company.provider import Company, CompanyFailed, RunningCompany, company_of
from local.console import with_console
from local.front.patches import MINISTACK_VERSION, UnsupportedMinistack, check_version, registry
from local.install import install, write_json
from local.outputs import outputs_of, published
from local.seed import seed
from local.streams import stale_mappings
from local.tail import follow_logs

_READY_SECONDS = 30
_FAILURES = (GatehouseError, BotoCoreError, ClientError, CompanyFailed, DeploymentFailed, PackagingFailed, Refused)


@dataclass(frozen=True)
class Choices:
    """The options of `make run`.

    parameters  of the application's stack
    verbose     also print the patches of ministack
    mfa         the MfaMode of the stage: OFF, OPTIONAL or ON
    """

    parameters: Mapping[str, str]
    verbose: bool
    mfa: str


def run(cloud: LocalCloud, chosen: Mapping[str, str], *, verbose: bool = False, mfa: str = "OPTIONAL") -> int:
    """Runs until interrupted, and returns the exit status. The parameters are those of Choices."""
    parent = os.getppid()  # now: a parent that ends during the imports below would not be noticed
    company = company_of(cloud)
    if problem := _problem(cloud, company):
        print(problem, file=sys.stderr)
        return 1
    cloud.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(cloud), company.running(employees()) as running:  # it starts while the emulator is imported
        os.environ.update(cloud.environment())  # ministack reads it when it is imported
        return asyncio.run(_serve(cloud, running, parent, Choices(chosen, verbose, mfa)))


async def _serve(cloud: LocalCloud, company: RunningCompany, parent: int, choices: Choices) -> int:
    from local.front.server import serve  # imports the emulator
    from local.front.snapshots import Snapshots, SnapshotUnusable

    snapshots = Snapshots(cloud.state / "snapshot.json")
    try:
        snapshots.install()
    except SnapshotUnusable as problem:
        print(problem, file=sys.stderr, flush=True)
        return 1

    stop = _stop_on_signals()
    console = partial(with_console, settings=lambda: published(cloud.outputs), folder=PROJECT / "console")
    server = asyncio.create_task(serve(cloud.port, stop, wrap=console, snapshots=snapshots))
    begin_saving = _from_a_thread(snapshots.begin)
    set_up = asyncio.create_task(asyncio.to_thread(_set_up, cloud, company, stop, begin_saving, choices))
    watch = asyncio.create_task(_stop_with_parent(parent, stop))
    status = 0
    try:
        done, _ = await asyncio.wait({set_up, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if set_up in done:
            status = set_up.result()
    finally:
        stop.set()
        watch.cancel()
        print("\nstopping: saving users and policies", flush=True)
        cloud.outputs.unlink(missing_ok=True)
        await server
        await set_up
    return status


def _stop_on_signals() -> asyncio.Event:
    """Returns an event that is set when this program is interrupted or terminated."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _from_a_thread(function: Callable[[], object]) -> Callable[[], None]:
    """Returns a function for other threads. It calls the function in the event loop, and waits for its end."""
    loop = asyncio.get_running_loop()

    async def call() -> None:
        function()

    return lambda: asyncio.run_coroutine_threadsafe(call(), loop).result()


async def _stop_with_parent(parent: int, stop: asyncio.Event) -> None:
    """Stops when the parent process ends, so that the cloud does not outlive a killed `make`."""
    while os.getppid() == parent:
        await asyncio.sleep(0.5)
    stop.set()


def _set_up(
    cloud: LocalCloud, company: RunningCompany, stop: asyncio.Event, begin_saving: Callable[[], None], choices: Choices
) -> int:
    """Starts the cloud, and follows the logs until `stop` is set. Returns the exit status.

    begin_saving  saves the cloud, and from then on its changes
    """
    began = time.monotonic()

    def say(message: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {message}", flush=True)

    try:
        say(f"starting the local cloud on {cloud.url}")
        _wait_until_ready(cloud, stop)
        if choices.verbose:
            _print_patches(say)
        outputs = _fill(cloud, company, say, choices)
        begin_saving()
        write_json(cloud.outputs, outputs)
        say("ready")
        print(_summary(cloud, outputs), flush=True)
        follow_logs(stop.is_set, print)
    except (*_FAILURES, OSError) as error:
        if stop.is_set():
            return 0  # the interruption caused the error
        print(f"The local cloud failed to start: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _fill(cloud: LocalCloud, company: RunningCompany, say: Callable[[str], None], choices: Choices) -> dict[str, Any]:
    """Deploys the stacks, and creates the sample users and the policies. Returns the outputs."""
    stacks = install(cloud, company, say, choices.mfa, choices.parameters)
    for problem in stale_mappings(cloud.client("lambda"), cloud.client("dynamodb")):
        say(problem)
    say("creating the sample users and policies")
    for note in seed(cloud, stacks):
        say(f"policies: {note}")
    return outputs_of(cloud, stacks)


def _problem(cloud: LocalCloud, company: Company) -> str | None:
    """Returns why the cloud cannot start, or None."""
    if cloud.is_running():
        return f"A local cloud is already running in {cloud.folder}. To stop it, press Ctrl-C in its terminal."
    try:
        check_version()
    except UnsupportedMinistack as unsupported:
        return str(unsupported)
    return _port_problem(cloud.port, "GATEHOUSE_PORT") or _port_problem(company.port, "GATEHOUSE_COMPANY_PORT")


def _port_problem(port: int, setting: str) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return f"Port {port} is in use. To use another port, set {setting}=<port>."
    return None


@contextmanager
def _locked(cloud: LocalCloud) -> Iterator[None]:
    """Locks the folder. The lock file is empty after a clean stop. Otherwise, prints that the last run was killed."""
    with cloud.lock.open("a+") as lock:
        flock(lock, LOCK_EX | LOCK_NB)
        lock.seek(0)
        if lock.read():
            print(_last_save(cloud), flush=True)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        cloud.outputs.unlink(missing_ok=True)
        yield
        lock.truncate(0)


def _last_save(cloud: LocalCloud) -> str:
    saved = [path.stat().st_mtime for path in cloud.state.glob("*.json")]
    if not saved:
        return "The last run was killed before its first save. This run starts with a new cloud."
    when = datetime.fromtimestamp(max(saved)).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"The last run was killed. Its state of {when} is restored. Later changes are lost."


def _wait_until_ready(cloud: LocalCloud, stop: asyncio.Event) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not stop.is_set() and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", cloud.port), timeout=1):
            return
        time.sleep(0.05)


def _print_patches(say: Callable[[str], None]) -> None:
    lines = registry.lines()
    say(f"ministack {MINISTACK_VERSION} with {len(lines)} patches:")
    print("\n".join(f"          {line}" for line in lines), flush=True)


def _summary(cloud: LocalCloud, outputs: dict[str, Any]) -> str:
    users = "\n               ".join(f"{user['username']:28}{user['password']}" for user in outputs["users"].values())
    employees = "\n               ".join(
        f"{user['username']:28}{user['password']}" for user in outputs["company"]["saml"]["users"].values()
    )
    upstream = (
        f"\n  upstream     {outputs['api_url']}/upstream leads to {outputs['upstream']['url']}"
        if "upstream" in outputs
        else ""
    )
    return f"""
  API          {outputs["api_url"]}{upstream}
  sign in      {outputs["console_url"]}
  users        {users}
  company      {employees}
  machine      client {outputs["machine_client_id"]}; its secret is in {cloud.outputs}
  mailbox      {outputs["mailbox_url"]}   codes to confirm a sign-up and to reset a password

  Commands to copy into another terminal:
    curl -i {outputs["api_url"]}/whoami                       # 401: no token
    make demo                                                 # a tour of both use cases, with real requests
    TOKEN=$(make -s token USER=reader); curl -i -H "Authorization: Bearer $TOKEN" {outputs["api_url"]}/whoami
    TOKEN=$(make -s token USER=reader SCOPE=read); curl -i -H "Authorization: Bearer $TOKEN" {outputs["api_url"]}/files

  To stop the cloud, press Ctrl-C. Users and policies stay until `make reset`. The log of the functions follows.
"""

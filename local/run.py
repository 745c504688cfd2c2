"""`make run`: the whole cloud on one machine, in one process, until it is interrupted."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import GatehouseError
from infra.package import PROJECT, PackagingFailed
from infra.stacks import DeploymentFailed
from infra.templates import Refused
from local.cloud import LocalCloud
from local.console import with_console
from local.install import install, write_json
from local.outputs import outputs_of, published
from local.seed import seed
from local.streams import stale_mappings
from local.tail import follow_logs

_READY_SECONDS = 30


def run(cloud: LocalCloud) -> int:
    """Run until interrupted; give the exit status."""
    if problem := _problem(cloud):
        print(problem, file=sys.stderr)
        return 1
    cloud.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _running_mark(cloud):
        os.environ.update(cloud.environment())  # ministack reads it when it is imported
        return asyncio.run(_serve(cloud))


async def _serve(cloud: LocalCloud) -> int:
    from local.front.server import serve  # imports the emulator
    from local.front.snapshots import Snapshots, SnapshotUnusable

    snapshots = Snapshots(cloud.state / "snapshot.json")
    try:
        snapshots.install()
    except SnapshotUnusable as problem:
        print(problem, file=sys.stderr, flush=True)
        return 1

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def save() -> None:
        snapshots.begin()

    def begin_saving() -> None:
        asyncio.run_coroutine_threadsafe(save(), loop).result()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    server = asyncio.create_task(
        serve(
            cloud.port,
            stop,
            wrap=lambda app: with_console(app, lambda: published(cloud.outputs), PROJECT / "console"),
            snapshots=snapshots,
        )
    )
    guide = asyncio.create_task(asyncio.to_thread(_guide, cloud, stop, begin_saving))
    parent = asyncio.create_task(_stop_with_parent(os.getppid(), stop))
    status = 0
    try:
        done, _ = await asyncio.wait({guide, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if guide in done:
            status = guide.result()
    finally:
        stop.set()
        parent.cancel()
        print("\nstopping: saving people and policies", flush=True)
        cloud.outputs.unlink(missing_ok=True)
        await server
        await guide
    return status


async def _stop_with_parent(parent: int, stop: asyncio.Event) -> None:
    """Stop when whoever started us is gone: nothing is left running after a `make` that was killed."""
    while os.getppid() == parent:
        await asyncio.sleep(0.5)
    stop.set()


def _guide(cloud: LocalCloud, stop: asyncio.Event, begin_saving: Callable[[], None]) -> int:
    """Install, seed, say what there is, and follow the logs: all that a visitor of the server would do.

    begin_saving  saves the cloud, and from then on its changes
    """
    began = time.monotonic()

    def say(message: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {message}", flush=True)

    try:
        say(f"the local cloud: starting on {cloud.url}")
        _wait_until_ready(cloud, stop)
        stacks = install(cloud, say)
        for problem in stale_mappings(cloud.client("lambda"), cloud.client("dynamodb")):
            say(problem)
        say("sample users, groups and policies")
        for note in seed(cloud, stacks):
            say(f"policies: {note}")
        outputs = outputs_of(cloud, stacks)
        begin_saving()
        write_json(cloud.outputs, outputs)
        say("ready")
        print(_welcome(cloud, outputs), flush=True)
        follow_logs(cloud, stop.is_set, print)
    except (GatehouseError, BotoCoreError, ClientError, DeploymentFailed, OSError, PackagingFailed, Refused) as error:
        if stop.is_set():
            return 0  # interrupted while it worked
        print(f"The local cloud could not be set up: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _problem(cloud: LocalCloud) -> str | None:
    """Say in one sentence why this place cannot be used, if so."""
    if cloud.is_running():
        return f"A local cloud is running in {cloud.folder} already: stop it first, with Ctrl-C in its terminal."
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", cloud.port))
        except OSError:
            return (
                f"Port {cloud.port} is in use: stop what listens there, or choose another with GATEHOUSE_PORT=<port>."
            )
    return None


@contextmanager
def _running_mark(cloud: LocalCloud) -> Iterator[None]:
    """Leave a mark while the cloud runs: found at the start, it tells that the last run did not end by itself."""
    with cloud.mark.open("a+") as mark:
        flock(mark, LOCK_EX | LOCK_NB)
        mark.seek(0)
        if mark.read():
            print(_what_was_lost(cloud), flush=True)
        mark.truncate(0)
        mark.write(f"{os.getpid()}\n")
        mark.flush()
        cloud.outputs.unlink(missing_ok=True)
        yield
        mark.truncate(0)


def _what_was_lost(cloud: LocalCloud) -> str:
    saved = [path.stat().st_mtime for path in cloud.state.glob("*.json")]
    if not saved:
        return "The last run was killed before it could save anything: beginning with a new cloud."
    when = datetime.fromtimestamp(max(saved)).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"The last run was killed: people and policies are as they were saved at {when}; later changes are lost."


def _wait_until_ready(cloud: LocalCloud, stop: asyncio.Event) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not stop.is_set() and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", cloud.port), timeout=1):
            return
        time.sleep(0.05)


def _welcome(cloud: LocalCloud, outputs: dict[str, Any]) -> str:
    users = "\n               ".join(f"{user['username']:28}{user['password']}" for user in outputs["users"].values())
    return f"""
  API          {outputs["api_url"]}
  sign in      {outputs["console_url"]}
  users        {users}
  machine      client {outputs["machine_client_id"]}, its secret is in {cloud.outputs}
  codes        nothing is mailed: the code is 123456 to confirm a sign-up, and 654321 to reset a password

  Lines to copy, into another terminal:
    curl -i {outputs["api_url"]}/reports                      # 401: no token
    make demo                                                 # the whole story, in words and real requests
    TOKEN=$(make -s token USER=reader); curl -i -H "Authorization: Bearer $TOKEN" {outputs["api_url"]}/whoami
    TOKEN=$(make -s token USER=reader SCOPE=read); curl -i -H "Authorization: Bearer $TOKEN" {outputs["api_url"]}/files

  Ctrl-C stops it; people and policies are kept, `make reset` forgets them. What follows is the Lambdas' log.
"""

"""Starts the local cloud in a separate process, with its own folder and port."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloud import LocalCloud
from local.outputs import read_outputs
from tests.environment import child_environment
from tests.ports import free_port

PROJECT = Path(__file__).parents[2]
START_SECONDS, STOP_SECONDS = 90, 60  # many times the duration on an idle machine


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """Polls a condition until it is true, and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        assert time.monotonic() < deadline, f"not true after {seconds} s: {what}"
        time.sleep(0.05)


# Settings of a developer's shell that the cloud must ignore: a profile, an endpoint and a proxy that do not exist.
SHELL = {
    "AWS_PROFILE": "accountant",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_SESSION_TOKEN": "expired",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


def environment(local_cloud: LocalCloud) -> dict[str, str]:
    """Returns the environment of a shell: settings of the cloud, and settings that the cloud must ignore."""
    temporary = local_cloud.folder.with_name(f"{local_cloud.folder.name}-tmp")
    temporary.mkdir(exist_ok=True)
    return child_environment(
        GATEHOUSE_PORT=str(local_cloud.port),
        GATEHOUSE_LOCAL=str(local_cloud.folder),
        TMPDIR=str(temporary),  # so that a test can list the remaining files
        PYTHONFAULTHANDLER="1",
        **SHELL,
    )


def project_copy(folder: Path) -> Path:
    """Copies what `chalice local` reads. In the project, files of other tests can restart the server."""
    for name in ("app.py", "chalice_cli.py", "authorizers", "chalicelib", "infra", "local", "vendor", ".chalice"):
        original = PROJECT / name
        if original.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "deployments", "deployed")
            shutil.copytree(original, folder / name, symlinks=True, ignore=ignored)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(original, folder / name)
    return folder


def command(local_cloud: LocalCloud, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs `manage.py <words>` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env=environment(local_cloud),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


@dataclass(frozen=True)
class Cloud:
    """A started cloud and its process."""

    local_cloud: LocalCloud
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def outputs(self) -> dict[str, Any]:
        return read_outputs(self.local_cloud.outputs)

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def interrupt(self) -> int:
        """Interrupts the cloud and returns its exit status. A cloud that does not stop logs its stack traces."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Kills the process, as the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def left_behind(self) -> list[str]:
        """Names the running processes of the cloud, by its process group and by the folder in their environment."""
        try:
            os.killpg(self.process.pid, 0)
            group = [f"process group {self.process.pid}"]
        except ProcessLookupError:
            group = []
        return group + [f"process {process.name}" for process in self._processes()]

    def listening(self) -> set[str]:
        """Returns the addresses on which its processes listen; Linux only.

        Shape:   "127.0.0.1:4566"
        """
        sockets = {link for process in self._processes() for link in _links(process / "fd")}
        return {address for inode, address in _listening_sockets() if f"socket:[{inode}]" in sockets}

    def temporary_files(self) -> list[str]:
        return sorted(os.listdir(environment(self.local_cloud)["TMPDIR"]))

    def _processes(self) -> list[Path]:
        marker = f"GATEHOUSE_LOCAL={self.local_cloud.folder}\0".encode()
        return [process for process in Path("/proc").glob("[0-9]*") if marker in _environment_of(process)]


def start(folder: Path, port: int | None = None, options: Sequence[str] = ()) -> Cloud:
    """Starts a cloud with options of `manage.py run`, and does not wait."""
    local_cloud = LocalCloud(port or free_port(), folder)
    log = folder.with_name(f"{folder.name}.log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run", *options],
            cwd=PROJECT,
            env=environment(local_cloud),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Cloud(local_cloud, process, log)


def start_and_wait(folder: Path, port: int | None = None, options: Sequence[str] = ()) -> Cloud:
    """Starts a cloud with options of `manage.py run`, and waits until it writes its outputs."""
    outputs = folder / "outputs.json"
    before = _written_at(outputs)  # by a killed run
    cloud = start(folder, port, options)

    def ready_or_dead() -> bool:
        return cloud.process.poll() is not None or _written_at(outputs) not in (None, before)

    try:
        wait_for(ready_or_dead, "the local cloud is ready", START_SECONDS)
        assert cloud.process.poll() is None, "the local cloud has ended"
    except BaseException:
        cloud.process.kill()
        sys.stderr.write(cloud.said)
        raise
    return cloud


def _written_at(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


# These functions read /proc. On other systems than Linux they find nothing.


def _environment_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""  # it has ended, or belongs to another user


def _links(folder: Path) -> list[str]:
    found = []
    for link in folder.glob("*"):
        try:
            found.append(os.readlink(link))
        except OSError:
            continue  # closed meanwhile
    return found


def _listening_sockets() -> Iterator[tuple[str, str]]:
    """Returns the inode and address of every listening TCP socket.

    Source:  proc_pid_net(5): addresses are hexadecimal, in 32-bit words in the byte order of the machine
    """
    for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in path.read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A":
                host, port = local.split(":")
                words = [int(host[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(host), 8)]
                yield rest[5], f"{ipaddress.ip_address(b''.join(words))}:{int(port, 16)}"


@contextmanager
def settings_changed(cloud: Cloud, function: str, **changes: str) -> Iterator[None]:
    """Changes the settings of a function temporarily. Each change causes a cold start.

    A published version cannot change. So the alias points to the unpublished function meanwhile.
    """
    functions = cloud.local_cloud.client("lambda")
    live = functions.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
    before = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": before | changes})
    functions.update_alias(FunctionName=function, Name="live", FunctionVersion="$LATEST")
    try:
        yield
    finally:
        functions.update_alias(FunctionName=function, Name="live", FunctionVersion=live)
        functions.update_function_configuration(FunctionName=function, Environment={"Variables": before})

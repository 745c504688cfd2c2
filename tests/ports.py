"""Ports of the loopback interface: a free one, and the wait for a server."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import suppress

_HOST = "127.0.0.1"
_START_SECONDS = 30  # many times the duration on an idle machine


def free_port() -> int:
    """Returns a free port. The next one is free too: a cloud uses it for its company."""
    while True:
        with socket.socket() as probe, socket.socket() as neighbour:
            probe.bind((_HOST, 0))
            port: int = probe.getsockname()[1]
            with suppress(OSError, OverflowError):
                neighbour.bind((_HOST, port + 1))
                return port


def is_open(port: int) -> bool:
    """Returns whether a server listens on a port of the loopback interface."""
    with socket.socket() as visitor:
        return visitor.connect_ex((_HOST, port)) == 0


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    """Waits until the server of a process listens. Raises RuntimeError if the process ends or is too slow."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if is_open(port):
            return
        time.sleep(0.02)
    raise RuntimeError(f"no server listens on port {port} (exit code {process.returncode})")

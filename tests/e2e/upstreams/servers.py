"""Starts servers that contain no code for Gatehouse. Each has /public/page, /public/secret and /private/page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.node_programs import FOLDER, node
from tests.environment import child_environment
from tests.ports import wait_until_open

_HERE = Path(__file__).parent


@contextmanager
def plain(port: int, folder: Path) -> Iterator[None]:
    """A plain Python server."""
    with _running([sys.executable, str(_HERE / "plain.py"), str(port)], port, folder):
        yield


@contextmanager
def static(port: int, folder: Path) -> Iterator[None]:
    """A static site."""
    for name in ("public/page", "public/secret", "private/page"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    with _running([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"], port, folder):
        yield


@contextmanager
def express(port: int, folder: Path) -> Iterator[None]:
    """An Express server. Skips the test without Node and its packages."""
    with _running([node(), str(FOLDER / "programs/express_upstream.mjs"), str(port)], port, folder):
        yield


@contextmanager
def _running(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=folder, env=child_environment(), stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port, process)
        yield
    finally:
        process.terminate()
        process.wait(30)

"""Runs programs in Node: clients and identity providers that nobody here wrote.

Without Node or its packages, the tests are skipped on the machine of a developer. CI sets GATEHOUSE_NODE, so they run
there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest

from tests.e2e.cloud import free_port
from tests.environment import child_environment

REQUIRED = "GATEHOUSE_NODE"
FOLDER = Path(__file__).with_name("node")
PACKAGES = FOLDER / "node_modules"
_SECONDS = 60  # many times the duration on an idle machine


def node() -> str:
    """Returns the path of Node. Skips the test if something is missing, unless GATEHOUSE_NODE names a Node."""
    path = shutil.which(os.environ.get(REQUIRED, "node"))
    missing = "Node is not on PATH" if not path else "" if PACKAGES.is_dir() else "`make test` installs the packages"
    if path and not missing:
        return path
    if REQUIRED in os.environ:
        pytest.fail(f"{REQUIRED} is set, and {missing}")
    pytest.skip(f"{missing}. This test needs Node 20 or newer, and the packages of {FOLDER.name}/package.json.")


def ask(program: str, action: str, **request: Any) -> dict[str, Any]:
    """Sends one request to a program, and returns its response. A refusal has the keys `error` and `message`."""
    ended = subprocess.run(
        [node(), f"programs/{program}.mjs"],
        cwd=FOLDER,
        env=child_environment(),
        input=json.dumps({"action": action, **request}),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    response: dict[str, Any] = json.loads(ended.stdout)
    return response


@contextmanager
def served(program: str, *arguments: str, log: Path) -> Iterator[str]:
    """Runs a server on a free port of this machine, and yields its address. It ends with this process."""
    port = str(free_port())
    command = [node(), f"programs/{program}.mjs", port, *arguments]
    start = partial(subprocess.Popen, command, cwd=FOLDER, env=child_environment(), text=True)
    with log.open("w") as errors, start(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process:
        try:
            assert _line_of(process.stdout) == "ready", log.read_text()
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(_SECONDS)


def _line_of(output: IO[str] | None) -> str:
    assert output
    return output.readline().strip()

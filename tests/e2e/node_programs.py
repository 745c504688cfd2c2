"""Runs programs in Node with published clients and identity providers. `tests.node` says when tests are skipped."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from tests.environment import child_environment
from tests.node import find_node
from tests.ports import free_port

FOLDER = Path(__file__).with_name("node")
PACKAGES = FOLDER / "node_modules"
_SECONDS = 60  # many times the duration on an idle machine


def node() -> str:
    """Returns the path of Node. Skips the test if Node or a package is missing, see `find_node`."""
    return find_node(PACKAGES)


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

"""Runs Node's verifiers in the same rounds, through a pipe. The Node process measures the times."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import tokens
from benchmarks.rounds import Timer

NAMES = ("aws-jwt-verify", "fast-jwt")
_FOLDER = Path(__file__).parent / "node"


@contextmanager
def contestants(token: str) -> Iterator[dict[str, Timer]]:
    """Yields Node's contestants for a token, by name and version. Yields an empty dict without Node or its packages."""
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules").is_dir():
        yield {}
        return
    given = {
        "token": token,
        "forged": tokens.forged(token),
        "jwks": tokens.JWKS,
        "issuer": tokens.ISSUER,
        "pool": tokens.POOL,
        "client": tokens.CLIENT,
    }
    command = [node, str(_FOLDER / "verify.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:  # noqa: S603
        versions = json.loads(_request(process, given))
        yield {f"{name} {versions[name]} (Node)": partial(_seconds, process, name) for name in NAMES}


def _seconds(process: "subprocess.Popen[str]", name: str, count: int) -> float:
    return int(_request(process, [name, count])) / 1e9


def _request(process: "subprocess.Popen[str]", question: object) -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(question) + "\n")
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError("Node stopped without an answer. Its error message is above.")
    return answer

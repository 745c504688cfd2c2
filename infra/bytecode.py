"""Compiles sources to bytecode for Lambda. The same sources give the same bytes.

Lambda's code folder is read-only, so the bundle must contain the bytecode. Lambda sets its own file times, so the
bytecode must not depend on them. It is hash-based, and unchecked to save the hashing at the start (PEP 552).

Two compilations of one module can differ, because the interpreter's memory affects which constants are marked as shared
(https://github.com/python/cpython/issues/129724). So a new, isolated interpreter compiles all sources in a fixed order.
Another build of Python can still write other bytes.
"""

import marshal
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash

CODE_FOLDER = "/var/task"  # where Lambda puts the code
UNCHECKED_HASH = (0b01).to_bytes(4, "little")
_NEW_INTERPRETER = (sys.executable, "-I", "-S", "-X", "utf8", "-W", "ignore", __file__)


def compiled(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Returns the bytecode files of the sources. Sources and results are named as in the bundle.

    A source that this Python cannot compile gets no bytecode. Its import reports the reason.
    """
    given = marshal.dumps(dict(sorted(sources.items())))
    finished = subprocess.run(_NEW_INTERPRETER, input=given, env={}, capture_output=True, check=True)  # noqa: S603
    files: dict[str, bytes] = marshal.loads(finished.stdout)  # noqa: S302
    return files


def _compile_all(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    files = {}
    for name, source in sources.items():
        try:
            files[cache_from_source(name, optimization="")] = _bytecode(name, source)
        except (SyntaxError, ValueError):  # for instance an example or a template
            continue
    return files


def _bytecode(name: str, source: bytes) -> bytes:
    code = compile(source, f"{CODE_FOLDER}/{name}", "exec", dont_inherit=True, optimize=0)
    return MAGIC_NUMBER + UNCHECKED_HASH + source_hash(source) + marshal.dumps(code)


if __name__ == "__main__":
    sys.stdout.buffer.write(marshal.dumps(_compile_all(marshal.loads(sys.stdin.buffer.read()))))  # noqa: S302

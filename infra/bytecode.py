"""Compiles sources for Lambda, always to the same bytes.

Lambda unzips with the times of the zip, and lets nobody write beside the code. So bytecode has to come with it, and has
to be valid whatever the time of its source: hash-based, and unchecked, which spares the start the hashing (PEP 552).

Compiled twice, a module may differ in which of its constants are marked as shared: that hangs on what else the
interpreter has in memory (https://github.com/python/cpython/issues/129724). Hence a new interpreter without anything of
its machine, which compiles all sources in their order. Another build of Python may still write other bytes.
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
    """Give the bytecode files for sources; both by their names in the bundle.

    A source that this Python cannot compile gets none: who imports it will be told why.
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
        except (SyntaxError, ValueError):  # an example or a template, say
            continue
    return files


def _bytecode(name: str, source: bytes) -> bytes:
    code = compile(source, f"{CODE_FOLDER}/{name}", "exec", dont_inherit=True, optimize=0)
    return MAGIC_NUMBER + UNCHECKED_HASH + source_hash(source) + marshal.dumps(code)


if __name__ == "__main__":
    sys.stdout.buffer.write(marshal.dumps(_compile_all(marshal.loads(sys.stdin.buffer.read()))))  # noqa: S302

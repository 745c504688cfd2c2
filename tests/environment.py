"""Isolates the tests, and the processes that they start, from the settings of the developer's shell.

`isolate` removes such settings from a test process. `child_environment` returns the environment of a new process.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

NO_AWS_FILES = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)

_REMOVED_PREFIXES = ("AWS_", "BOTO_", "GATEHOUSE_", "PYTHON")
_REMOVED_SUFFIXES = ("_PROXY",)
# `make storm` sets the first two. CI sets the browser and Node. pytest-xdist passes the environment of the run to its
# workers.
_RETAINED = {
    *("GATEHOUSE_STORM_SECONDS", "GATEHOUSE_STORM_PAIRS"),
    *("GATEHOUSE_TEST_RUN", "GATEHOUSE_CHROMIUM", "GATEHOUSE_NODE", "GATEHOUSE_SCREENSHOTS"),
    "PYTHONDONTWRITEBYTECODE",
}
# The paths of programs, libraries, certificates and packages. pip reads HOME and PIP_*.
_INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GATEHOUSE_TEST_RUN")


def isolate(environ: MutableMapping[str, str]) -> None:
    """Removes AWS, proxy, Python and Gatehouse settings, and ignores the developer's AWS profiles."""
    for name in list(environ):
        is_removed = name.startswith(_REMOVED_PREFIXES) or name.upper().endswith(_REMOVED_SUFFIXES)
        if is_removed and name not in _RETAINED:
            del environ[name]
    environ.update(NO_AWS_FILES, AWS_EC2_METADATA_DISABLED="true")


def child_environment(**settings: str) -> dict[str, str]:
    """Returns the environment of a process that a test starts: the paths of programs, and the given settings."""
    pip = [name for name in os.environ if name.startswith("PIP_")]
    inherited = {name: os.environ[name] for name in (*_INHERITED, *pip) if name in os.environ}
    return {
        **inherited,
        **NO_AWS_FILES,
        "LANG": "C.UTF-8",
        **settings,
    }

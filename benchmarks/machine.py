"""Describes the machine of a measurement, without its name."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl.backend import backend


def describe() -> str:
    load, _, _ = os.getloadavg()
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; Python {platform.python_version()}, "
        f"cryptography {version('cryptography')} with {backend.openssl_version_text()}, {_node()}; "
        f"load average at the start {load:.1f}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        return "no Node"
    return "Node " + subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603

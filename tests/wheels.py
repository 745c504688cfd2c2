"""Makes a folder with one small wheel, which pip can use as an index without a network."""

import os
import zipfile
from hashlib import sha256
from pathlib import Path

WHEEL = "ledger-1.0-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\nName: ledger\nVersion: 1.0\n"


def write_wheel(folder: Path) -> str:
    """Writes the package `ledger`. Returns its SHA-256 digest."""
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("ledger.py", "BALANCE = 7\n")
        wheel.writestr("ledger-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("ledger-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("ledger-1.0.dist-info/RECORD", "ledger.py,,\n")
    return sha256((folder / WHEEL).read_bytes()).hexdigest()


def lock_of(digest: str) -> str:
    return f"ledger==1.0 \\\n    --hash=sha256:{digest}\n"


def pip_settings(folder: Path) -> dict[str, str]:
    """Returns environment variables that make pip use only this folder."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}

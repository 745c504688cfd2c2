"""Chalice's bundle made anew: with bytecode, without what never runs, and the same bytes for the same files."""

import zipfile
from collections.abc import Mapping
from fnmatch import fnmatchcase
from io import BytesIO

from infra.bytecode import compiled

# Patterns of names; `*` stands for folders, too.
LEFT_OUT = (
    "*.pyc",  # whoever wrote it: all bytecode is made here
    "*.pyi",
    "*/py.typed",
    "*.h",
    "*.data/scripts/*",
    "*.dist-info/RECORD",  # lists what is left out
    # Compiles bindings to C. Those of cryptography are compiled, and need _cffi_backend alone.
    "cffi/*",
    "pycparser/*",
    "pycparser-*.dist-info/*",
    # A router, in whose place Chalice stands. It wants pydantic, which is not here, and brings the whole of Swagger UI.
    "aws_lambda_powertools/event_handler/*",
)

_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)  # of a zip's time
_READABLE_FILE = 0o100644  # Lambda runs the code as a user who does not own it
_UNIX = 3


def rebuilt(bundle: bytes) -> bytes:
    """Give a zip's code as Lambda should get it. Doing it twice changes nothing."""
    files = {name: content for name, content in _unzipped(bundle).items() if not _left_out(name)}
    sources = {name: content for name, content in files.items() if name.endswith(".py")}
    return _zipped({**files, **compiled(sources)})


def rebuilt_with(bundle: bytes, dependencies: bytes) -> bytes:
    """Give a bundle's code together with the dependencies of another bundle. Files of the first one win."""
    return rebuilt(_zipped({**_unzipped(dependencies), **_unzipped(bundle)}, zipfile.ZIP_STORED))


def is_incomplete(said: str) -> bool:
    """Whether Chalice has said that dependencies are missing in a bundle, which it calls a success."""
    return "Could not install dependencies" in said


def _left_out(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in LEFT_OUT)


def _unzipped(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(bundle)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}


def _zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in sorted(files):
            archive.writestr(_entry(name), files[name], compression, compresslevel=6)
    return content.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry that says nothing of who made it, when, and on what system."""
    entry = zipfile.ZipInfo(name, _BEGINNING_OF_TIME)
    entry.create_system, entry.external_attr = _UNIX, _READABLE_FILE << 16
    return entry

"""Rebuilds Chalice's bundle: adds bytecode, removes files that never run, and makes the result reproducible."""

import zipfile
from collections.abc import Mapping
from fnmatch import fnmatchcase
from io import BytesIO

from infra.bytecode import compiled

# Patterns of names. `*` also matches `/`.
LEFT_OUT = (
    "*.pyc",  # this module compiles all bytecode itself
    "*.pyi",
    "*/py.typed",
    "*.h",
    "*.data/scripts/*",
    "*.dist-info/RECORD",  # lists files that are removed here
    # cffi compiles bindings to C. The bindings of cryptography are compiled, and need only _cffi_backend.
    "cffi/*",
    "pycparser/*",
    "pycparser-*.dist-info/*",
    # A router. Chalice does its work. It needs pydantic, which is not installed, and contains the whole Swagger UI.
    "aws_lambda_powertools/event_handler/*",
    # These need packages that are not installed: pydantic, Avro and Protobuf, the encryption SDK, and fastjsonschema.
    *(f"aws_lambda_powertools/utilities/{name}/*" for name in ("data_masking", "kafka", "parser", "validation")),
)

_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)  # of a zip's time
_READABLE_FILE = 0o100644  # Lambda runs the code as a user who does not own it
_UNIX = 3


def rebuilt(bundle: bytes) -> bytes:
    """Returns the bundle for Lambda. Rebuilding the result again changes nothing."""
    files = {name: content for name, content in _unzipped(bundle).items() if not _left_out(name)}
    sources = {name: content for name, content in files.items() if name.endswith(".py")}
    return _zipped({**files, **compiled(sources)})


def rebuilt_with(bundle: bytes, dependencies: bytes) -> bytes:
    """Returns a bundle together with the dependencies of another bundle. Files of the first one take precedence."""
    return rebuilt(_zipped({**_unzipped(dependencies), **_unzipped(bundle)}, zipfile.ZIP_STORED))


def is_incomplete(output: str) -> bool:
    """Returns whether Chalice's output reports missing dependencies. Chalice treats this as a success."""
    return "Could not install dependencies" in output


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
    """Returns an entry that does not depend on the user, the time and the system."""
    entry = zipfile.ZipInfo(name, _BEGINNING_OF_TIME)
    entry.create_system, entry.external_attr = _UNIX, _READABLE_FILE << 16
    return entry

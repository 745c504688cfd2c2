"""Reads bundles as Lambda receives them."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import source_from_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from infra.package import PROJECT

# Imports each handler and each further module, and prints the file of every module of the application. `sys.path`
# contains only the standard library and the given folders: neither the repository nor the virtual environment.
IMPORT_HANDLERS = """
import importlib, json, sys
folders, handlers, modules = json.loads(sys.argv[1])
sys.path[:0] = folders
for handler in handlers:
    module, name = handler.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name)), handler
for module in modules:
    importlib.import_module(module)
ours = ("app", "authorizers", "chalice", "chalicelib", "jwt", "cryptography", "aws_lambda_powertools")
print(json.dumps({name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in ours}))
"""


@dataclass(frozen=True)
class Bundle:
    """A packaged application: its template, and a folder with its unzipped code."""

    template: dict[str, Any]
    folder: Path
    zipped_bytes: int

    @property
    def resources(self) -> dict[str, Any]:
        return {name: resource["Properties"] for name, resource in self.template["Resources"].items()}

    @property
    def functions(self) -> dict[str, Any]:
        """Returns the properties of each function, by its name in the template."""
        return {
            name: resource["Properties"]
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        }

    @property
    def api(self) -> dict[str, Any]:
        """Returns the OpenAPI definition of the API."""
        definition: dict[str, Any] = self.resources["RestAPI"]["DefinitionBody"]
        return definition

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def sources(self) -> set[str]:
        return {name for name in self.files() if name.endswith(".py")}

    def bytecode(self) -> dict[str, bytes]:
        """Returns every bytecode file, by the name of its source."""
        found = {name: (self.folder / name).read_bytes() for name in self.files() if name.endswith(".pyc")}
        return {source_from_cache(name): content for name, content in found.items()}

    def imported(self, *further: Path, only: Sequence[str] = ()) -> dict[str, str]:
        """Imports from only the bundle and the further folders. Returns the file of every imported module.

        only  the handlers to import; by default, all handlers and all our modules: a function imports some when it runs
        """
        handlers = only or [function["Handler"] for function in self.functions.values()]
        ours = [name for name in self.sources() if name.startswith(("authorizers/", "chalicelib/"))]
        modules = [] if only else sorted(name.removesuffix(".py").replace("/", ".") for name in ours)
        folders = [str(folder) for folder in (self.folder, *further)]
        finished = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", IMPORT_HANDLERS, json.dumps([folders, handlers, modules])],
            cwd=self.folder,
            env={},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        files: dict[str, str] = json.loads(finished.stdout)
        return files


def unzipped(packaged: tuple[str, bytes], folder: Path) -> Bundle:
    template, code = packaged
    with zipfile.ZipFile(BytesIO(code)) as archive:
        archive.extractall(folder)
    return Bundle(json.loads(template), folder, len(code))


def names_in(code: bytes) -> set[str]:
    with zipfile.ZipFile(BytesIO(code)) as archive:
        return set(archive.namelist())


def required() -> list[str]:
    """Returns the packages that requirements.txt names."""
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [match[0] for line in lines if (match := re.match(r"\w[\w.-]*", line))]


def needed_by(package: str) -> set[str]:
    """Returns the package and all its requirements, without extras."""
    found, open_ = set(), [package]
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            lines = metadata.distribution(name).requires or []
            open_ += [re.split(r"[^\w.-]", line)[0] for line in lines if "extra ==" not in line]
    return found


def folder_of(packages: set[str], folder: Path) -> Path:
    """Makes a folder with links to exactly these installed packages."""
    folder.mkdir()
    for package in packages:
        distribution = metadata.distribution(package)
        for top in {file.parts[0] for file in distribution.files or [] if ".." not in file.parts}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    return folder

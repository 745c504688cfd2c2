"""Checks that the bundle's bytecode matches its runtime and its sources, needs no check, and names no local path."""

import platform
import sys
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from io import BytesIO
from marshal import loads
from pathlib import Path
from types import CodeType
from zipfile import ZipFile

import pytest

from infra.bytecode import compiled
from infra.package import PROJECT, package_without_dependencies
from tests.packaging.bundles import Bundle, folder_of, needed_by, required, unzipped

HEADER_BYTES = 16
UNCHECKED_HASH = 0b01


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    return package_without_dependencies(tmp_path_factory.mktemp("bytecode"))


@pytest.fixture
def bundle(packaged: tuple[str, bytes], tmp_path: Path) -> Bundle:
    return unzipped(packaged, tmp_path / "unzipped")


@pytest.fixture(scope="module")
def lambda_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of({*required(), *needed_by("boto3")}, tmp_path_factory.mktemp("lambda") / "runtime")


def code_of(bytecode: bytes) -> CodeType:
    code: CodeType = loads(bytecode[HEADER_BYTES:])  # noqa: S302
    return code


def code_objects(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from code_objects(constant)


def test_sources_and_bytecode_files_correspond_one_to_one(bundle: Bundle) -> None:
    assert set(bundle.bytecode()) == bundle.sources()


def test_the_bytecode_is_for_the_python_version_of_the_functions(bundle: Bundle) -> None:
    major, minor, _ = platform.python_version_tuple()
    assert {function["Runtime"] for function in bundle.functions.values()} == {f"python{major}.{minor}"}
    assert {content[:4] for content in bundle.bytecode().values()} == {MAGIC_NUMBER}


def test_the_bytecode_does_not_depend_on_the_time_of_its_source(bundle: Bundle) -> None:
    flags = {int.from_bytes(content[4:8], "little") for content in bundle.bytecode().values()}
    assert flags == {UNCHECKED_HASH}


def test_the_bytecode_equals_that_of_its_source(bundle: Bundle) -> None:
    for name, content in bundle.bytecode().items():
        source = (bundle.folder / name).read_bytes()
        assert content[8:HEADER_BYTES] == source_hash(source), name
        assert code_of(content) == compile(source, f"/var/task/{name}", "exec", dont_inherit=True), name


def test_the_bytecode_contains_the_path_on_lambda_and_no_local_path(bundle: Bundle) -> None:
    for name, content in bundle.bytecode().items():
        assert {code.co_filename for code in code_objects(code_of(content))} == {f"/var/task/{name}"}
        for folder in (PROJECT, bundle.folder.parent, Path.home(), Path(sys.prefix)):
            assert f"{folder}/".encode() not in content, name


def test_every_handler_imports_from_bytecode_without_the_sources(bundle: Bundle, lambda_runtime: Path) -> None:
    for name in bundle.sources():
        (bundle.folder / name).write_text("raise SystemError('the source was read')\n", encoding="utf-8")
    assert "authorizers.policy" in bundle.imported(lambda_runtime)


def test_a_missing_bytecode_file_makes_python_read_the_source(bundle: Bundle, lambda_runtime: Path) -> None:
    source = "authorizers/policy.py"
    (bundle.folder / source).write_text("raise SystemError('the source was read')\n", encoding="utf-8")
    (bundle.folder / cache_from_source(source)).unlink()
    with pytest.raises(AssertionError, match="the source was read"):
        bundle.imported(lambda_runtime)


def test_bytecode_with_a_timestamp_makes_python_read_the_source(
    packaged: tuple[str, bytes], bundle: Bundle, lambda_runtime: Path
) -> None:
    source = "authorizers/policy.py"
    written = ZipFile(BytesIO(packaged[1])).getinfo(source)
    assert written.date_time == (1980, 1, 1, 0, 0, 0)
    bytecode = bundle.folder / cache_from_source(source)
    stamped = MAGIC_NUMBER + bytes(4) + (1_700_000_000).to_bytes(4, "little") + written.file_size.to_bytes(4, "little")
    bytecode.write_bytes(stamped + bytecode.read_bytes()[HEADER_BYTES:])
    (bundle.folder / source).write_text("raise SystemError('the source was read')\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="the source was read"):
        bundle.imported(lambda_runtime)


# Whether these equal sets are marked as shared depends on other uses of the word in the interpreter.
WEEK = b"open_on = {'monday', 2, 3}\ndef is_open(day): return {'monday', 2, 3}\n"
USES_THE_WORD = b"import monday\n"


def test_the_memory_of_this_interpreter_does_not_change_the_bytecode() -> None:
    before = compiled({"week.py": WEEK})
    in_memory = compile(USES_THE_WORD, "visit.py", "exec")
    assert compiled({"week.py": WEEK}) == before
    assert len(in_memory.co_names) == 1  # the word itself in this line would be in memory from the start


def test_the_order_of_the_sources_does_not_change_the_bytecode() -> None:
    sources = {"week.py": WEEK, "visit.py": USES_THE_WORD}  # without sorting, the order matters since Python 3.12
    assert compiled(sources) == compiled(dict(reversed(sources.items())))


def test_a_source_with_a_syntax_error_gets_no_bytecode() -> None:
    files = compiled({"shop.py": b"OPEN = True", "template.py": b"{{ name }} = "})
    assert set(files) == {cache_from_source("shop.py")}

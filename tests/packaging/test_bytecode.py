"""The bundle's bytecode is for its runtime, is that of its sources, is trusted as it is, and names no machine."""

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


def test_every_source_has_its_bytecode_and_no_bytecode_is_without_a_source(bundle: Bundle) -> None:
    assert set(bundle.bytecode()) == bundle.sources()


def test_the_bytecode_is_of_the_python_that_the_functions_run_on(bundle: Bundle) -> None:
    major, minor, _ = platform.python_version_tuple()
    assert {function["Runtime"] for function in bundle.functions.values()} == {f"python{major}.{minor}"}
    assert {content[:4] for content in bundle.bytecode().values()} == {MAGIC_NUMBER}


def test_the_bytecode_is_valid_whatever_the_time_of_its_source(bundle: Bundle) -> None:
    flags = {int.from_bytes(content[4:8], "little") for content in bundle.bytecode().values()}
    assert flags == {UNCHECKED_HASH}


def test_the_bytecode_is_that_of_its_source(bundle: Bundle) -> None:
    for name, content in bundle.bytecode().items():
        source = (bundle.folder / name).read_bytes()
        assert content[8:HEADER_BYTES] == source_hash(source), name
        assert code_of(content) == compile(source, f"/var/task/{name}", "exec", dont_inherit=True), name


def test_the_bytecode_says_where_lambda_has_the_source_and_names_no_other_place(bundle: Bundle) -> None:
    for name, content in bundle.bytecode().items():
        assert {code.co_filename for code in code_objects(code_of(content))} == {f"/var/task/{name}"}
        for local_cloud in (PROJECT, bundle.folder.parent, Path.home(), Path(sys.prefix)):
            assert f"{local_cloud}/".encode() not in content, name


def test_every_handler_runs_from_its_bytecode_and_reads_no_source(bundle: Bundle, lambda_runtime: Path) -> None:
    for name in bundle.sources():
        (bundle.folder / name).write_text("raise SystemError('the source was read')\n", encoding="utf-8")
    assert "authorizers.policy" in bundle.imported(lambda_runtime)


def test_without_its_bytecode_the_source_would_be_read(bundle: Bundle, lambda_runtime: Path) -> None:
    source = "authorizers/policy.py"
    (bundle.folder / source).write_text("raise SystemError('the source was read')\n", encoding="utf-8")
    (bundle.folder / cache_from_source(source)).unlink()
    with pytest.raises(AssertionError, match="the source was read"):
        bundle.imported(lambda_runtime)


def test_bytecode_with_the_time_of_its_source_would_be_stale(
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


# Which of these equal sets is marked as shared hangs on whether anybody else knows the word.
WEEK = b"open_on = {'monday', 2, 3}\ndef is_open(day): return {'monday', 2, 3}\n"
KNOWS_THE_WORD = b"import monday\n"


def test_what_this_interpreter_has_in_memory_changes_no_bytecode() -> None:
    before = compiled({"week.py": WEEK})
    in_memory = compile(KNOWS_THE_WORD, "visit.py", "exec")
    assert compiled({"week.py": WEEK}) == before
    assert len(in_memory.co_names) == 1  # to spell it here would have it in memory from the beginning


def test_the_order_in_which_sources_are_given_changes_no_bytecode() -> None:
    sources = {"week.py": WEEK, "visit.py": KNOWS_THE_WORD}  # since Python 3.12, it would
    assert compiled(sources) == compiled(dict(reversed(sources.items())))


def test_a_source_that_cannot_be_compiled_gets_no_bytecode_and_stops_nothing() -> None:
    files = compiled({"shop.py": b"OPEN = True", "template.py": b"{{ name }} = "})
    assert set(files) == {cache_from_source("shop.py")}

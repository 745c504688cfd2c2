"""The command tree of `manage.py`: its help, its exit statuses, and the commands that start other programs."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer import TyperException

from infra.checks.check import Finding
from operations.command_line import main
from operations.output import Output, is_styled
from operations.stages import report
from tests.commands import parse, tree
from tests.environment import child_environment

PROJECT = Path(__file__).resolve().parents[1]
COMMANDS = tree()
NAMES = [words for words, _ in COMMANDS]
ESCAPE = "\x1b"


def manage(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env=child_environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )


# --- help ---


def test_one_tree_has_the_commands_of_developers_and_of_operators() -> None:
    assert {"run", "demo", "token", "reset", "local", "package", "bench", "fork"} <= set(NAMES)
    assert {"deploy", "destroy", "verify", "outputs", "policies apply", "policies lint"} <= set(NAMES)


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=NAMES)
def test_every_command_and_every_parameter_has_a_help_text(words: str, command: Any) -> None:
    assert command.help
    assert [parameter.name for parameter in command.params if not parameter.help] == []


@pytest.mark.parametrize("words", NAMES)
def test_the_help_has_80_columns_and_complete_sentences(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    listed = re.findall(r"^  [a-z]+  +(.+)$", shown.partition("Commands:")[2], re.MULTILINE)
    assert [text for text in listed if not text.endswith(".") or text.endswith("...")] == []


def test_the_help_documents_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    expected = "0 done; 1 the command failed, or it reported a fault; 2 wrong arguments; 130 interrupted."
    assert f"Exit status: {expected}" in shown
    runbook = " ".join((PROJECT / "docs/runbook/README.md").read_text("utf-8").split())
    for status, meaning in re.findall(r"(\d+) ([a-z, ]+)", expected):
        assert f"| {status} | {meaning}" in runbook


@pytest.mark.parametrize("words", [[], ["policies"], ["deploy"]])
def test_the_help_in_a_pipe_has_no_styles_whatever_the_environment_asks(words: list[str]) -> None:
    shown = manage(*words, "--help", FORCE_COLOR="1", GITHUB_ACTIONS="true", PY_COLORS="1")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert not {ESCAPE, "─", "│"} & set(shown.stdout)


def test_the_help_on_a_terminal_has_frames(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"], output=Output(sys.stdout, sys.stderr, styled=True)) == 0
    assert "╭─ The cloud on this machine" in capsys.readouterr().out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_without_no_color_is_styled() -> None:
    assert is_styled(Terminal(), {"TERM": "xterm"})
    assert is_styled(Terminal(), {"NO_COLOR": ""})
    assert not is_styled(Terminal(), {"NO_COLOR": "1"})
    assert not is_styled(Terminal(), {"TERM": "dumb"})
    assert not is_styled(io.StringIO(), {"TERM": "xterm"})


def test_the_help_imports_no_library_of_a_command() -> None:
    program = (
        "import sys; from operations.command_line import main; main(['--help']);"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(shown.stdout.splitlines()[-1].split())
    assert {"operations", "typer"} <= imported
    assert not imported & {
        "boto3",
        "botocore",
        "chalice",
        "ministack",
        "cfnlint",
        "samtranslator",
        "local",
        "benchmarks",
    }
    assert not imported & {"rich", "jwt", "cryptography", "asyncio"}


# --- tables ---

ROWS = [("UserPoolId", "p1"), ("Url", f"https://[b]example[/b]/{'a' * 200}")]


def test_a_table_in_a_pipe_has_one_line_for_each_row() -> None:
    stream = io.StringIO()
    Output(stream, stream).table(("output", "value"), ROWS)
    assert stream.getvalue().splitlines() == ["output      value", "UserPoolId  p1", f"Url         {ROWS[1][1]}"]


def test_a_table_on_a_terminal_shows_every_character_of_a_value() -> None:
    stream = Terminal()
    Output(stream, stream, styled=True).table(("output", "value"), ROWS)
    values = re.sub(r"\x1b\[[\d;]*m|Url|\s", "", stream.getvalue())
    assert ROWS[1][1] in values


# --- findings ---

FINDINGS = [Finding("pool", False, "expected a, got b"), Finding("table", True, "as described")]


@pytest.mark.parametrize(("findings", "status"), [(FINDINGS, 1), (FINDINGS[1:], 0), ([], 0)])
def test_findings_as_json_are_one_document_with_the_result(findings: list[Finding], status: int) -> None:
    stream = io.StringIO()
    assert report(Output(stream, stream), findings, as_json=True) == status
    told = json.loads(stream.getvalue())
    assert told["ok"] is (status == 0)
    assert [Finding(**finding) for finding in told["findings"]] == findings


def test_findings_for_people_are_one_line_each() -> None:
    stream = io.StringIO()
    assert report(Output(stream, stream), FINDINGS, as_json=False) == 1
    assert stream.getvalue() == "ok   table: as described\nFAIL pool: expected a, got b\n1 of 2 checks passed\n"


# --- wrong arguments, and failures ---


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run --verb", "python manage.py run: No such option: --verb"),
        ("deploy --stage trial --overwrite", "python manage.py deploy: No such option: --overwrite"),
        ("token reader --scop read", "python manage.py token: No such option: --scop"),
        ("toke", "python manage.py: No such command 'toke'. Did you mean 'token'"),
        ("token reader admin", "python manage.py token: Got unexpected extra argument"),
        ("local --port 0", "python manage.py local: Invalid value for '--port'"),
        ("bench --quick cost", "python manage.py bench: Invalid value for '--quick': it applies to `bench` without"),
    ],
)
def test_wrong_arguments_end_with_status_2_and_one_sentence(words: str, message: str) -> None:
    refused = manage(*words.split())
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert refused.stderr.startswith(message)
    assert refused.stderr.endswith(" --help`.\n")


def test_an_interrupted_command_ends_with_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_stage: Any) -> Any:
        raise KeyboardInterrupt

    assert main(["outputs", "--stage", "dev"], connect=interrupted) == 130
    assert capsys.readouterr().err == "Interrupted. To continue, run the same command again.\n"


def test_an_interrupt_of_the_imports_is_reported_too() -> None:
    program = (
        "import runpy, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=child_environment(), capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (130, "Interrupted. To continue, run the same command again.\n")


def test_an_unexpected_error_is_not_hidden() -> None:
    def broken(_stage: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main(["outputs", "--stage", "dev"], connect=broken)


def test_a_traceback_shows_no_local_variable() -> None:
    program = (
        "from operations.command_line import main\n"
        "def broken(stage):\n    password = 'tulip' + 'mania'\n    raise ZeroDivisionError\n"
        "main(['outputs', '--stage', 'dev'], connect=broken)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=child_environment(), capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, "ZeroDivisionError")
    assert "tulipmania" not in ended.stderr


@pytest.mark.parametrize(("package", "words"), [("botocore", "outputs --stage dev"), ("ministack", "run")])
def test_a_package_that_only_a_command_needs_is_named_when_it_is_missing(
    package: str, words: str, tmp_path: Path
) -> None:
    program = (
        "import runpy, sys; sys.modules[sys.argv[1]] = None; sys.argv = ['manage.py', *sys.argv[2:]];"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, package, *words.split()],
        cwd=PROJECT,
        env=child_environment(GATEHOUSE_LOCAL=str(tmp_path / "local"), GATEHOUSE_PORT="65533"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"The Python package {package} is missing: run `.venv/bin/python manage.py`")
    assert ended.stderr.count("\n") == 1


# --- commands that become another program ---


class Started:
    """Records the program that a command becomes."""

    def __init__(self) -> None:
        self.words: Sequence[str] = ()
        self.folder = Path()

    def __call__(self, words: Sequence[str], folder: Path) -> int:
        self.words, self.folder = words, folder
        return 0


@pytest.mark.parametrize(
    ("typed", "setting", "arguments"),
    [
        ("", "", "--port 8000"),
        ("", "8123", "--port 8123"),
        ("--port 8124", "8123", "--port 8124"),
        ("--no-autoreload", "", "--port 8000 --no-autoreload"),
    ],
)
def test_local_becomes_chalice_local(typed: str, setting: str, arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_LOCAL_PORT", setting)
    started = Started()
    assert main(["local", *typed.split()], become=started) == 0
    chalice = str(Path(sys.executable).with_name("chalice"))
    assert (started.words, started.folder) == ([chalice, "local", *arguments.split()], PROJECT)


@pytest.mark.parametrize("options", [[], ["--quick"]])
def test_bench_runs_with_the_python_of_its_own_environment(options: list[str], tmp_path: Path) -> None:
    started = Started()
    (tmp_path / "build/bench").mkdir(parents=True)
    (tmp_path / "build/bench/installed").touch()
    assert main(["bench", *options], tmp_path, become=started) == 0
    python = str(tmp_path / "build/bench/bin/python")
    assert (started.words, started.folder) == ([python, "-m", "benchmarks", *options], tmp_path)


def test_bench_without_its_environment_names_make_bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = Started()
    assert main(["bench"], tmp_path, become=started) == 1
    assert capsys.readouterr().err == (
        "The packages of the measurement are missing in build/bench. `make bench` installs them.\n"
    )
    assert started.words == ()


def test_a_command_that_becomes_a_program_has_its_exit_status_and_its_folder(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from operations.invocation import become_program;"
        "become_program([sys.executable, '-c', 'import os; print(os.getcwd()); os._exit(7)'], Path(sys.argv[1]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, env=child_environment(), capture_output=True
    )
    assert ended.returncode == 7


# --- make ---

MANAGED = ["run", "demo", "token", "reset", "local", "policies", "bench", "package", "deploy", "verify", "destroy"]


@pytest.mark.parametrize("target", MANAGED)
def test_a_make_target_calls_a_command_that_manage_accepts(target: str) -> None:
    """`make -n` prints the recipe of a target and runs nothing."""
    installed = [word for name in (".venv", "build/bench") for word in ("-o", f"{name}/installed")]
    shown = subprocess.run(
        ["make", "-n", "--no-print-directory", *installed, target],  # noqa: S607
        cwd=PROJECT,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in shown.stdout.splitlines() if "manage.py" in line)
    words = shlex.split(line.removeprefix("exec "))
    assert (words[:2], words[2]) == ([".venv/bin/python", "manage.py"], target)
    parse(words[2:])


def test_the_check_of_a_command_line_refuses_wrong_words() -> None:
    for words in ("deploy --stag dev", "policies", "token a b"):
        with pytest.raises(TyperException):
            parse(words.split())


def test_no_page_and_no_message_names_an_old_command() -> None:
    old = re.compile(r"-m (?:local(?!\.front)|infra\.package|benchmarks(?!\.services))\b")
    pages = [path for glob in ("Makefile", "*.md", "docs/**/*.md", ".github/**/*.*") for path in PROJECT.glob(glob)]
    sources = [
        path for name in ("infra", "local", "operations", "benchmarks") for path in PROJECT.glob(f"{name}/**/*.py")
    ]
    assert len(sources) > 100
    named = {path.name for path in (*pages, *sources) if old.search(path.read_text("utf-8"))}
    assert named - {"CHANGELOG.md"} == set()

"""The commands that show permissions, on the policy files: no cloud, no credentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from infra.stage import Stage
from operations.command_line import main
from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command on the files of this repository. Returns the status and both streams."""

    def connect(_: Stage) -> object:
        raise AssertionError("the command must not connect")

    def run(*words: str) -> tuple[int, str, str]:
        status = main(["policies", *words], connect=connect)  # type: ignore[arg-type]  # it never returns
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_a_denial_is_explained_on_the_files(command: Command) -> None:
    status, out, err = command("explain", "put", "/whoami", "--group", DEFAULT_GROUP)
    assert (status, err) == (0, "")
    assert out == (
        "PUT /whoami is denied: not_permitted\n"
        "  No route of the application handles this request: API Gateway returns 404.\n"
        f"  policies in force: group:{DEFAULT_GROUP}\n"
        f'  To allow it: Add PUT to the statement "who-am-i" of group:{DEFAULT_GROUP}.\n'
    )


def test_a_permission_names_its_statement(command: Command) -> None:
    out = command("explain", "GET", "/admin/matrix", "--group", DEFAULT_GROUP, "--group", PRIVILEGED_GROUP)[1]
    assert out.startswith("GET /admin/matrix is allowed: allowed_by\n")
    assert f'  decided by the statement "everything" of group:{PRIVILEGED_GROUP}\n' in out


def test_a_machine_is_named_by_its_output(command: Command) -> None:
    found = json.loads(command("explain", "GET", "/whoami", "--client", "MachineClientId", "--json")[1])
    assert (found["allowed"], found["policies"]) == (True, ["client:MachineClientId@0"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param("GET /whoami", "Give exactly one of --group, --user, --client and --token.", id="no caller"),
        pytest.param("GET / --group a --client b", "Give exactly one of --group, --user", id="two callers"),
        pytest.param("GET / --token --scope a", "--scope: a token carries its own scopes.", id="a scope and a token"),
        pytest.param("FETCH / --group a", "METHOD: got 'FETCH', expected one of DELETE, GET", id="no HTTP method"),
        pytest.param("GET whoami --group a", "path: does not begin with a slash", id="no slash"),
        pytest.param("GET /a//b --group a", "path: holds a control character, or an empty", id="an empty segment"),
        pytest.param("GET /whoami --user a", "The files know no users and no tokens. Pass --stage.", id="a user"),
    ],
)
def test_a_wrong_question_is_refused_with_one_message(command: Command, words: str, message: str) -> None:
    status, out, err = command("explain", *words.split(" "))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(message)


def test_the_matrix_has_four_forms(command: Command) -> None:
    table, svg, text, document = (command("matrix", "--format", form)[1] for form in ("table", "svg", "csv", "json"))
    cells = json.loads(document)["cells"]
    assert json.loads(command("matrix", "--json")[1])["cells"] == cells
    assert len(text.splitlines()) == len(cells) + 1
    assert len(table.splitlines()) == len(json.loads(document)["routes"]) + 1
    assert table.splitlines()[0].split()[0] == "route"
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  # our own text

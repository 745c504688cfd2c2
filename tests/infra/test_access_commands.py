"""The commands that show permissions, on the policy files: no cloud, no credentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from chalicelib.core.policy import Policy
from chalicelib.core.route import Authorizer, Route
from chalicelib.matrix import MOST_CELLS
from infra.errors import Refused
from infra.stage import Stage
from operations.access import of_files, shown_matrix
from operations.command_line import main
from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP

Command = Callable[..., tuple[int, str, str]]
ASSUMED = "Assumed: AuthorizerCacheSeconds 0, no upstream. To use the values of a stage, pass --stage."


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
        f"  {ASSUMED}\n"
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
    rows = len(json.loads(document)["routes"]) + 1
    words = [line.partition(":")[0] for line in table.splitlines()[rows:]]
    assert set(words) - {"scope", "partly"} == {"yes", "-", "Assumed"}
    assert table.splitlines()[-1] == ASSUMED
    assert table.splitlines()[0].split()[0] == "route"
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  # our own text


def test_the_matrix_is_filtered_by_its_options(command: Command) -> None:
    words = ("matrix", "--json", "--group", DEFAULT_GROUP, "--client", "MachineClientId", "--path", "/admin/policies")
    found = json.loads(command(*words)[1])
    assert {item["subject"] for item in found["subjects"]} == {f"group:{DEFAULT_GROUP}", "client:MachineClientId"}
    assert all(route["path"].startswith("/admin/policies") for route in found["routes"])
    assert len(found["cells"]) == 2 * len(found["routes"]) > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--group", "ghosts"), "a policy for group:ghosts does not exist\n"),
        (("--path", "/nowhere"), "path: no route begins with it\n"),
    ],
)
def test_a_filter_that_shows_nothing_is_refused(command: Command, words: tuple[str, ...], message: str) -> None:
    assert command("matrix", *words) == (1, "", message)


def test_a_matrix_that_is_too_large_is_refused_and_names_the_options() -> None:
    policies = [Policy(f"group:g{number}", 1, (), "", "") for number in range(MOST_CELLS)]
    routes = [Route("/a", "GET", Authorizer.POLICIES), Route("/b", "GET", Authorizer.POLICIES)]
    with pytest.raises(Refused) as refused:
        shown_matrix(of_files(policies), routes, [], "")
    assert str(refused.value) == (
        "5000 groups and app clients x 2 routes are 10,000 cells, and at most 5,000 are computed. Choose groups with"
        " --group, an app client with --client, or routes with --path."
    )
    assert len(shown_matrix(of_files(policies), routes, [], "/a").cells) == MOST_CELLS
    assert len(shown_matrix(of_files(policies), routes, ["group:g7"], "").cells) == 2

"""The JSON Schema of policy files accepts what the parser accepts, and nothing else.

A schema cannot say that the sids of all statements differ, and editors check group names less strictly than Cognito.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chalicelib.core.errors import InvalidInput
from chalicelib.core.group_name import is_group_name
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.statement import METHODS

POLICIES = Path(__file__).resolve().parents[1] / "policies"
SCHEMA = Draft202012Validator(json.loads((POLICIES / "schema.json").read_text("utf-8")))
FILES = [path for path in sorted(POLICIES.glob("*.yaml")) if path.name != "expected.yaml"]

# Values near the limits of each field, so that both accepted and refused policies are common.
_texts = st.text(st.sampled_from('aZ9_.:-/*?~% \n"{é'), max_size=5)
_names = st.one_of(_texts, st.sampled_from(["a" * 64, "a" * 65, "read\n"]))
_methods = st.lists(st.one_of(st.sampled_from(["GET", "PUT", "*", "get", "TRACE"]), st.none()), max_size=3)
_segments = st.sampled_from(["", "a", ".", "..", "*", "a.b", "...", "é", "%41", "{id}", "a\n"])
_path = st.lists(_segments, max_size=4).map("/".join) | st.lists(_segments, max_size=4).map(
    lambda it: "/" + "/".join(it)
)
_scopes = st.lists(st.one_of(_texts, st.sampled_from(["a" * 256, "a" * 257, "https://api.example/read"])), max_size=3)
_junk = st.one_of(st.none(), st.booleans(), st.integers(), _texts, st.lists(_texts, max_size=2))
_good: dict[str, st.SearchStrategy[Any]] = {
    "effect": st.sampled_from(["Allow", "Deny"]),
    "methods": st.lists(st.sampled_from(["GET", "PUT", "*"]), min_size=1, max_size=3, unique=True),
    "paths": st.lists(st.sampled_from(["/", "/a", "/a/*", "/a?b"]), min_size=1, max_size=2, unique=True),
}
_maybe_bad: dict[str, st.SearchStrategy[Any]] = {
    "sid": _names | _junk,
    "effect": st.sampled_from(["Allow", "allow", "Deny"]) | _junk,
    "methods": _methods | _junk,
    "paths": st.lists(_path | st.none(), max_size=3) | _junk,
    "scopes": _scopes | _junk,
    "Effect": _junk,
}


@st.composite
def _statement(draw: st.DrawFn) -> Any:
    """A valid statement, of which at most one field is replaced or removed."""
    statement = {name: draw(strategy) for name, strategy in _good.items()}
    name = draw(st.sampled_from([*_maybe_bad]))
    statement[name] = draw(_maybe_bad[name])
    if draw(st.integers(0, 5)) == 0:
        del statement[name]
    return statement


def parses(statements: Any) -> bool:
    try:
        parse_statements(statements)
    except InvalidInput:
        return False
    return True


def accepts(statements: Any) -> bool:
    return bool(SCHEMA.is_valid({"group": "readers", "statements": statements}))


def _sids(statements: list[Any]) -> list[str]:
    return [str(item.get("sid", f"statement{number + 1}")) for number, item in enumerate(statements)]


_READ = {"effect": "Allow", "methods": ["GET"], "paths": ["/a"]}


@given(st.lists(_statement(), min_size=1, max_size=2).filter(lambda them: len(set(_sids(them))) == len(them)))
@example([{**_READ, "methods": ["GET", "GET"]}])
@example([{**_READ, "methods": ["*"]}])
@example([{**_READ, "methods": list(METHODS)}])
@example([{**_READ, "methods": ["get"]}])
@example([{**_READ, "paths": ["/a", "/a"]}])
@example([{**_READ, "paths": ["/a//b"]}])
@example([{**_READ, "paths": ["a"]}])
@example([{**_READ, "paths": ["/%41"]}])
@example([{**_READ, "scopes": ["a", "a"]}])
@example([{**_READ, "scopes": ["a" * 256]}])
@example([{**_READ, "scopes": ["a" * 257]}])
@example([{**_READ, "scopes": ["a b"]}])
@example([{**_READ, "sid": "a" * 64}])
@example([{**_READ, "sid": "a" * 65}])
@example([{**_READ, "actions": []}])
@example([{"effect": "Allow", "methods": ["GET"]}])
@example([{**_READ, "sid": "read\n"}])
@example([{**_READ, "paths": ["/a\n"]}])
@example([{**_READ, "paths": ["/a/.."]}])
@example([{**_READ, "paths": ["/a/..."]}])
@example([{**_READ, "scopes": []}])
@example([{**_READ, "sid": None}])
@example([{**_READ, "sid": f"s{number}"} for number in range(100)])
@example([{**_READ, "sid": f"s{number}"} for number in range(101)])
def test_the_schema_accepts_exactly_the_statements_that_the_parser_accepts(statements: Any) -> None:
    assert accepts(statements) == parses(statements)


@given(st.text(max_size=130))
@example("a" * 128)
@example("a" * 129)
@example("readers\n")
def test_the_schema_accepts_every_group_name_of_the_user_pool(name: str) -> None:
    accepted = SCHEMA.is_valid({"group": name, "statements": []})
    assert accepted or not is_group_name(name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_policy_file_follows_the_schema(path: Path) -> None:
    SCHEMA.validate(yaml.safe_load(path.read_text("utf-8")))


def test_an_editor_finds_the_schema_of_a_policy_file() -> None:
    first, *_ = (POLICIES / "admins.yaml").read_text("utf-8").splitlines()
    assert first == "# yaml-language-server: $schema=schema.json"


@pytest.mark.parametrize(
    "policy",
    [
        {"statements": []},
        {"group": "readers"},
        {"group": "readers", "client": "MachineClientId", "statements": []},
        {"group": "two words", "statements": []},
        {"group": "readers", "statements": [], "version": 1},
    ],
)
def test_the_schema_refuses_a_file_without_one_subject_and_its_statements(policy: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(policy)

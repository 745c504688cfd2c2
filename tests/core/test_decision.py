"""A Deny overrides any Allow. A request that no statement covers is denied. Patterns match as in API Gateway."""

from itertools import product
from typing import Any, SupportsIndex

import pytest
from hypothesis import given

from chalicelib.core.decision import Decision, decide
from tests.fakes import allow, deny, statements
from tests.oracle import iam
from tests.strategies import paths, patterns, repeatable

READ = allow("/reports", "/reports/*", sid="read")
FREEZE = deny("/reports/archived", methods=["*"], sid="freeze")


@pytest.mark.parametrize(
    ("rules", "method", "path", "decision"),
    [
        pytest.param([READ], "GET", "/reports", Decision(True, "allowed_by", ("read",)), id="an allow"),
        pytest.param([], "GET", "/reports", Decision(False, "not_permitted"), id="no statement"),
        pytest.param([READ], "GET", "/files", Decision(False, "not_permitted"), id="an allow for another path"),
        pytest.param([READ], "POST", "/reports", Decision(False, "not_permitted"), id="an allow for another method"),
        pytest.param([READ], "get", "/reports", Decision(False, "not_permitted"), id="a method in lower case"),
        pytest.param([READ], "GET", "/Reports", Decision(False, "not_permitted"), id="a path in another case"),
        pytest.param(
            [READ], "GET", "/reports/", Decision(True, "allowed_by", ("read",)), id="a star matches the empty string"
        ),
        pytest.param([READ], "GET", "/reports/7/pages", Decision(True, "allowed_by", ("read",)), id="a star crosses /"),
        pytest.param([READ], "GET", "/reportsx", Decision(False, "not_permitted"), id="a path longer than the literal"),
        pytest.param([FREEZE], "PUT", "/reports/archived", Decision(False, "denied_by", ("freeze",)), id="a deny"),
        pytest.param([FREEZE], "PUT", "/reports", Decision(False, "not_permitted"), id="a deny for another path"),
        pytest.param(
            [READ, FREEZE], "GET", "/reports/archived", Decision(False, "denied_by", ("freeze",)), id="deny after allow"
        ),
        pytest.param(
            [FREEZE, READ],
            "GET",
            "/reports/archived",
            Decision(False, "denied_by", ("freeze",)),
            id="deny before allow",
        ),
        pytest.param(
            [READ, FREEZE],
            "GET",
            "/reports/7",
            Decision(True, "allowed_by", ("read",)),
            id="an allow and a deny for another path",
        ),
        pytest.param(
            [READ, allow("/*", sid="all"), allow("/files", sid="files")],
            "GET",
            "/reports",
            Decision(True, "allowed_by", ("read", "all")),
            id="several allows",
        ),
        pytest.param(
            [FREEZE, deny("/*", sid="closed"), READ],
            "GET",
            "/reports/archived",
            Decision(False, "denied_by", ("freeze", "closed")),
            id="several denies and an allow",
        ),
        pytest.param(
            [allow("/r?ports", sid="one")],
            "GET",
            "/reports",
            Decision(True, "allowed_by", ("one",)),
            id="? matches one character",
        ),
        pytest.param(
            [allow("/r?ports")],
            "GET",
            "/rports",
            Decision(False, "not_permitted"),
            id="? does not match the empty string",
        ),
        pytest.param(
            [allow("/r?ports")],
            "GET",
            "/reeports",
            Decision(False, "not_permitted"),
            id="? does not match two characters",
        ),
        pytest.param(
            [allow("/a?b", sid="x")], "GET", "/a/b", Decision(True, "allowed_by", ("x",)), id="? matches a slash"
        ),
        pytest.param([allow("/a.b")], "GET", "/axb", Decision(False, "not_permitted"), id="a dot matches only a dot"),
        pytest.param([allow("/")], "GET", "/", Decision(True, "allowed_by", ("allow",)), id="the root"),
        pytest.param([allow("/")], "GET", "/x", Decision(False, "not_permitted"), id="a path below the root"),
    ],
)
def test_the_decision_contains_its_reason_and_its_statements(
    rules: list[dict[str, Any]], method: str, path: str, decision: Decision
) -> None:
    assert decide(statements(*rules), method, path) == decision


def covers(pattern: str, path: str) -> bool:
    return statements(allow(pattern))[0].covers("GET", path)


def test_each_short_pattern_matches_the_same_paths_as_in_api_gateway() -> None:
    every_pattern = ["/" + "".join(symbols) for length in range(5) for symbols in product("a:*?", repeat=length)]
    every_path = ["/" + "".join(letters) for length in range(6) for letters in product("a:", repeat=length)]
    disagreements = [(p, t) for p, t in product(every_pattern, every_path) if covers(p, t) is not iam.matches(p, t)]
    assert disagreements == []


@repeatable
@given(patterns, paths)
def test_patterns_of_several_segments_match_the_same_paths_as_in_api_gateway(pattern: str, path: str) -> None:
    assert covers(pattern, path) is iam.matches(pattern, path)


class Counted(str):
    """A path that counts how often one of its characters is read. Fails above a limit."""

    __slots__ = ("left",)

    def readable_up_to(self, times: int) -> "Counted":
        self.left = times
        return self

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        self.left -= 1
        assert self.left >= 0, "the match takes more steps than len(pattern) x len(path)"
        return super().__getitem__(key)


@pytest.mark.parametrize("end", ["", "b", "?b", "*b*"])
@pytest.mark.parametrize("part", ["*a", "*?", "**a", "*aa*a"])
def test_a_match_takes_at_most_pattern_length_times_path_length_steps(part: str, end: str) -> None:
    pattern = "/" + part * 40 + end
    path = Counted("/" + "a" * 300).readable_up_to(len(pattern) * 301)
    assert statements(allow(pattern))[0].covers("GET", path) is iam.matches(pattern, str(path))


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        pytest.param("/a*b", "/ab", True, id="a star in the middle matches the empty string"),
        pytest.param("/a*b*c", "/abc", True, id="two stars match the empty string"),
        pytest.param("/a*b*c", "/ab-b-c", True, id="the second star matches the rest"),
        pytest.param("/?X", "/a", False, id="a pattern longer than the path"),
        pytest.param("/?*", "/a", True, id="a star at the end matches the empty string"),
    ],
)
def test_a_star_matches_the_empty_string_and_a_question_mark_one_character(
    pattern: str, path: str, covered: bool
) -> None:
    (statement,) = statements(allow(pattern))
    assert statement.covers("GET", path) is covered

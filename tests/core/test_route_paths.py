"""The example paths of a route show every decision that a path of the route can get."""

from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.core.path_pattern import matches
from chalicelib.core.route import Authorizer, Route, find_route
from chalicelib.core.route_paths import TooManyPatterns, example_paths
from tests.strategies import repeatable

PATTERNS = st.lists(st.text("ab*?/.", max_size=4).map("/r/".__add__), max_size=4)
TEMPLATES = ["/r/{id}", "/r/{id}/b", "/r/{path+}", "/r/a", "/", "/{x}/{y}"]


def route(path: str, method: str = "GET") -> Route:
    return Route(path, method, Authorizer.POLICIES)


def matched(patterns: list[str], path: str) -> tuple[bool, ...]:
    return tuple(matches(pattern, path) for pattern in patterns)


# All short paths of one or two segments, without the segments that no request has.
SHORT = [
    f"/r/{'/'.join(parts)}"
    for count in (1, 2)
    for parts in product(["".join(text) for size in (1, 2, 3) for text in product("abz.", repeat=size)], repeat=count)
    if not {".", ".."} & set(parts) and len("/".join(parts)) <= 5
]


@pytest.mark.parametrize("template", TEMPLATES)
@repeatable
@given(PATTERNS)
@example(["/r/a*", "/r/ab*", "/r/?"])
@example(["/r/*/b", "/r/a/*"])
@example(["/r/.*"])
def test_every_short_path_is_matched_by_the_patterns_of_an_example(template: str, patterns: list[str]) -> None:
    examples = example_paths(template, patterns)
    of_the_route = [path for path in SHORT if route(template).covers(path)]
    assert {matched(patterns, path) for path in of_the_route} <= {matched(patterns, path) for path in examples}


@pytest.mark.parametrize("template", TEMPLATES)
@repeatable
@given(PATTERNS)
def test_every_example_is_a_path_of_the_route_and_differs_from_the_others(template: str, patterns: list[str]) -> None:
    examples = example_paths(template, patterns)
    assert all(route(template).covers(path) for path in examples)
    assert [path for path in examples if {".", ".."} & set(path.split("/"))] == [], "no request has such a segment"
    found = [matched(patterns, path) for path in examples]
    assert 0 < len(found) == len(set(found))


def test_the_first_example_has_parameters_that_no_pattern_names() -> None:
    first, *others = example_paths("/reports/{id}", ["/reports/annual", "/reports/?", "/reports/*"])
    assert matched(["/reports/annual", "/reports/?", "/reports/*"], first) == (False, False, True)
    assert len(others) == 2


def test_patterns_that_overlap_in_too_many_ways_are_refused() -> None:
    with pytest.raises(TooManyPatterns):
        example_paths("/r/{id}", [f"/r/*{letter}{'?' * 12}" for letter in "abcd"])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/reports", "/reports"),
        ("/reports/7", "/reports/{id}"),
        ("/reports/latest", "/reports/latest"),
        ("/reports/7/pages/3", "/reports/{rest+}"),
        ("/reports/", None),
        ("/Reports", None),
    ],
)
def test_a_literal_segment_takes_precedence_over_a_parameter(path: str, expected: Any) -> None:
    routes = [route(path) for path in ("/reports/{rest+}", "/reports/{id}", "/reports/latest", "/reports")]
    found = find_route(routes, "GET", path)
    assert (found.path if found else None) == expected


def test_a_route_answers_its_own_method_only() -> None:
    assert find_route([route("/reports")], "PUT", "/reports") is None


def test_a_dot_in_a_template_is_only_a_dot() -> None:
    assert not route("/a.json").covers("/abjson")

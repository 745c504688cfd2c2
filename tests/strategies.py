"""Generates policies and requests for property tests. Small alphabets make patterns match paths often."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from chalicelib.core.policy_json import parse_statements
from chalicelib.core.statement import METHODS, Statement

# The same examples in every run and no deadline, so that a result depends only on the code.
repeatable = settings(max_examples=100, deadline=None, derandomize=True, database=None)

_segments = st.sampled_from(["reports", "annual", "admin", "7", "a:b", "~"])
_pattern_segments = (
    _segments | st.sampled_from(["*", "?", "r?ports", "rep*", "**"]) | st.text("ab*?:-", min_size=1, max_size=4)
)

paths = st.lists(_segments | st.text("ab:-", min_size=1, max_size=4), max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
patterns = st.lists(_pattern_segments, max_size=3).map(lambda parts: "/" + "/".join(parts))
methods = st.sampled_from(METHODS)
requests = st.tuples(methods, paths)
scopes = st.sampled_from(["openid", "https://gatehouse.example/file.read", "https://gatehouse.example/file.write"])

_fields: dict[str, st.SearchStrategy[Any]] = {
    "methods": st.just(["*"]) | st.lists(methods, min_size=1, max_size=3, unique=True),
    "paths": st.lists(patterns, min_size=1, max_size=2, unique=True),
}
_scopes = {"scopes": st.lists(scopes, min_size=1, max_size=2, unique=True)}
_allows = st.fixed_dictionaries(
    {"effect": st.just("Allow"), **_fields}, optional={**_scopes, "signed_in_within": st.sampled_from([60, 900])}
)
_denies = st.fixed_dictionaries({"effect": st.just("Deny"), **_fields}, optional=_scopes)
_rules: st.SearchStrategy[dict[str, Any]] = _allows | _denies


# few enough for one policy document
statement_tuples: st.SearchStrategy[tuple[Statement, ...]] = st.lists(_rules, max_size=3).map(parse_statements)

"""The authorizer and API Gateway refuse every path of the upstream that can be read in two ways."""

from __future__ import annotations

import pytest

from authorizers.policy_document import LONGEST_ARN_BASE, build, json_bytes, max_result_bytes
from chalicelib.core.decision import decide
from chalicelib.core.permission_codec import decode, encode
from chalicelib.core.statement import METHODS, Effect, Statement
from chalicelib.core.upstream_paths import guarded, is_upstream
from local.iam import Verdict, read_policy

BASE = "arn:aws:execute-api:mars-west-1:111122223333:abc123/prod/"
EVERYTHING = Statement("all", Effect.ALLOW, METHODS, ("/*",))
NO_ADMIN = Statement("no-admin", Effect.DENY, ("GET",), ("/upstream/admin", "/upstream/shop/", "/upstream/x*"))
STATEMENTS = guarded([EVERYTHING, NO_ADMIN])

AMBIGUOUS = [
    "/upstream/public/%2e%2e/admin",
    "/upstream/public/..%2fadmin",
    "/upstream/public/%252e%252e/admin",
    "/upstream/%61dmin",
    "/upstream/a%2Fb",
    "/upstream/a%",
    "/upstream//admin",
    "/upstream/a//b",
    "/upstream/a//",
    "/upstream/./admin",
    "/upstream/../admin/policies",
    "/upstream/a/..",
    "/upstream/a/.",
    "/upstream/.git/config",
    "/upstream/a..\\..\\admin",
    "/upstream/admin\\users",
    "/upstream/admin#part",
    "/upstream/..;/admin",
    "/upstream/admin;v=1",
    "/upstream;v=1",
    "/upstream%2fadmin",
]
PLAIN = ["/upstream", "/upstream/", "/upstream/a/b.html", "/upstream/a/", "/upstream/a=b@c,d(e)", "/reports/a%20b;c//d"]


def allowed(path: str, method: str = "GET") -> bool:
    """Decides in the four places that decide: in the authorizer, the gateway, its cache, and the service."""
    document = read_policy(build(STATEMENTS, BASE))
    by_gateway = document.verdict_on(f"{BASE}{method}{path}") is Verdict.ALLOWED
    by_authorizer = decide(STATEMENTS, method, path).allowed
    by_service = decide(decode(encode(STATEMENTS)), method, path).allowed
    assert by_gateway == by_authorizer == by_service
    return by_gateway


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", AMBIGUOUS)
def test_an_ambiguous_path_is_denied_even_if_a_policy_allows_everything(path: str, method: str) -> None:
    assert not allowed(path, method)


@pytest.mark.parametrize("path", PLAIN)
def test_a_plain_path_and_any_path_of_the_application_are_decided_by_the_policies(path: str) -> None:
    assert allowed(path)


@pytest.mark.parametrize("path", ["/upstream/admin", "/upstream/shop", "/upstream/xyz"])
def test_a_deny_of_a_path_covers_it_with_and_without_a_final_slash(path: str) -> None:
    assert not allowed(path)
    assert not allowed(f"{path}/")
    assert allowed(path, "PUT")


@pytest.mark.parametrize(
    "pattern",
    [
        "/*/admin",
        "/*admin",
        "*/admin",
        "/up*/admin",
        "/?pstream/admin",
        "/upstrea?/admin",
        "/upstream*/admin",
        "/*/admin/",
    ],
)
def test_a_deny_whose_wildcard_reaches_the_upstream_covers_both_spellings_too(pattern: str) -> None:
    denying = guarded([EVERYTHING, Statement("no", Effect.DENY, ("GET",), (pattern,))])
    assert not decide(denying, "GET", "/upstream/admin").allowed
    assert not decide(denying, "GET", "/upstream/admin/").allowed


@pytest.mark.parametrize(
    "pattern", ["/reports/*/secret", "/reports", "/", "/up", "/upload?", "/use?s/a", "/upstreams*/a"]
)
def test_a_deny_that_reaches_no_path_of_the_upstream_stays_as_it_is(pattern: str) -> None:
    deny = Statement("no", Effect.DENY, ("GET",), (pattern,))
    assert guarded([deny])[0] == deny


def test_an_allow_is_not_extended() -> None:
    alone = guarded([Statement("one", Effect.ALLOW, ("GET",), ("/upstream/a",))])
    assert decide(alone, "GET", "/upstream/a").allowed
    assert not decide(alone, "GET", "/upstream/a/").allowed


def test_the_guard_takes_at_most_900_bytes_of_the_authorizer_s_result() -> None:
    def size(statements: tuple[Statement, ...]) -> int:
        return json_bytes([build(statements, "x" * LONGEST_ARN_BASE), encode(statements)])

    assert size(guarded([EVERYTHING])) - size((EVERYTHING,)) <= 900


def test_the_size_check_of_a_write_reserves_little_more_than_the_guard_takes() -> None:
    reserved = max_result_bytes(guarded([EVERYTHING])) - max_result_bytes([EVERYTHING])
    assert 865 <= reserved <= 1_200


@pytest.mark.parametrize(
    ("pattern", "expected"), [("/upstream", True), ("/upstream/*", True), ("/upstreams", False), ("/*", False)]
)
def test_a_pattern_of_the_upstream_is_recognized(pattern: str, expected: bool) -> None:
    assert is_upstream(pattern) is expected

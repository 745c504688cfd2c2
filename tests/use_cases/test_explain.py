"""An explanation agrees with the authorizer, names the deciding statements, and its nearest change reverses it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.authorize import Authorize
from chalicelib.core.decision import Decision
from chalicelib.core.errors import InvalidInput, NotFound, TokenRejected
from chalicelib.core.policy import CorruptPolicy, Policy
from chalicelib.core.principal import Principal
from chalicelib.core.request_path import spellings
from chalicelib.core.route import Authorizer, Route, find_route
from chalicelib.core.statement import Statement
from chalicelib.core.upstream_paths import guarded
from chalicelib.core.upstream_paths import routes as upstream_routes
from chalicelib.explain import Explain, Explanation
from chalicelib.nearest import Change, Kind, Request, nearest_change
from chalicelib.ports import Revocation
from chalicelib.stage_rules import StageRules
from chalicelib.verify import VerifyToken
from tests import mint
from tests import strategies as random
from tests.fakes import Clock, FakeGroups, FakeKeys, FakePolicies, FakeState, allow, deny, principal, statements
from tests.strategies import repeatable

READ, WRITE = "https://gatehouse.example/file.read", "https://gatehouse.example/file.write"
ROUTES = [
    Route("/", "GET", Authorizer.NONE),
    Route("/files", "GET", Authorizer.SCOPES, (READ,)),
    Route("/reports", "GET", Authorizer.POLICIES),
    Route("/reports/{id}", "GET", Authorizer.POLICIES),
    Route("/reports/{id}", "DELETE", Authorizer.POLICIES),
]


class System:
    """The use case and the authorizer, on the same policies.

    reused_for  the seconds for which API Gateway reuses a result
    upstream    whether the stage has an upstream
    """

    def __init__(self, *policies: Policy, reused_for: float = 0, upstream: bool = False) -> None:
        self.rules = StageRules(reused_for, guarded, upstream_routes()) if upstream else StageRules(reused_for)
        self.policies, self.state = FakePolicies({policy.subject: policy for policy in policies}), FakeState()
        self.verify = VerifyToken(FakeKeys(), mint.EXPECTED, now=Clock())
        self.explain = self.explaining(self.verify)

    def explaining(self, verify: Any) -> Explain:
        authorize = Authorize(verify, self.state, self.policies, now=Clock())
        groups = FakeGroups({"clerk": ("clerks",)})
        return Explain(self.policies, groups, verify, authorize.authenticate, Clock(), self.rules)

    def decision(self, caller: Principal, method: str, path: str) -> Decision:
        authorize = Authorize(
            lambda _: caller,
            self.state,
            self.policies,
            now=Clock(),
            reused_for=self.rules.reused_for,
            complete=self.rules.complete,
        )
        return authorize("", method, path).decision

    def ask(self, words: str, *groups: str, scopes: tuple[str, ...] = ()) -> Explanation:
        method, path = words.split(" ")
        subjects = [f"group:{name}" for name in groups or ("clerks",)]
        return self.explain.for_subjects(method, path, subjects, scopes, ROUTES)


def policy(*rules: dict[str, Any], subject: str = "group:clerks", version: int = 3) -> Policy:
    return Policy(subject, version, statements(*rules), "admin", "2027-01-15T08:00:00+00:00")


# --- an explanation agrees with the authorizer ---

POLICIES = st.lists(random.statement_tuples, min_size=1, max_size=3).map(
    lambda found: [
        Policy(f"group:{name}", number + 1, rules, "admin", "")
        for number, (name, rules) in enumerate(zip(("clerks", "auditors", "guests"), found, strict=False))
    ]
)
SCOPES = st.frozensets(random.scopes, max_size=2)


@repeatable
@given(POLICIES, SCOPES, random.requests)
def test_an_explanation_agrees_with_the_authorizer(policies: Any, scopes: Any, request: Any) -> None:
    system = System(*policies)
    for caller in callers(scopes):
        decision = system.decision(caller, request[0], request[1])
        found = system.explain.for_subjects(request[0], request[1], caller.policy_subjects, scopes, routes=[])
        assert (found.allowed, found.reason) == (decision.allowed, decision.reason)
        assert {name.sid for name in found.because} == set(decision.because)


@repeatable
@given(POLICIES, SCOPES, random.requests, st.sampled_from([0, 61, 901]), st.sampled_from([0, 300]))
@example([policy(allow("/a", signed_in_within=900))], frozenset(), ("GET", "/a"), 901, 0)
@example([policy(allow("/a", signed_in_within=900), deny("/a"))], frozenset(), ("GET", "/a"), 901, 0)
@example([policy(allow("/a", signed_in_within=900))], frozenset(), ("GET", "/a"), 700, 300)
@example([policy(allow("/a", signed_in_within=60))], frozenset(), ("GET", "/a"), 0, 300)
def test_an_explanation_of_a_token_counts_the_age_of_the_sign_in(
    policies: Any, scopes: Any, request: Any, age: int, reused_for: int
) -> None:
    groups = ("group:clerks", "group:auditors")
    caller = replace(principal(), policy_subjects=groups, scopes=scopes, signed_in_at=mint.NOW - age)
    system = System(*policies, reused_for=reused_for)
    decision = system.decision(caller, request[0], request[1])
    found = system.explaining(lambda _: caller).for_token(request[0], request[1], "token", [])
    assert (found.allowed, found.reason) == (decision.allowed, decision.reason)
    assert {name.sid for name in found.because} == set(decision.because)
    if found.nearest is not None:
        changed, after = apply(found.nearest, policies, caller)
        assert System(*changed, reused_for=reused_for).decision(after, *request).allowed is not found.allowed


UPSTREAM_PATHS = ["/a", "/a/", "//a", "/a//", "/%61", "/a;b", "/./a", "/.git", "/a\\b", "/a#b", ""]


@repeatable
@given(st.lists(random.statement_tuples, min_size=1, max_size=2), st.sampled_from(UPSTREAM_PATHS), random.methods)
@example([statements(allow("/*", methods=["*"]))], "/a;b", "GET")
@example([statements(allow("/*", methods=["*"]), deny("/a", sid="no-a"))], "/a/", "GET")
def test_an_explanation_of_a_route_of_the_upstream_agrees_with_the_authorizer(
    found: Any, path: str, method: str
) -> None:
    names = zip(("clerks", "auditors"), found, strict=False)
    policies = [Policy(f"group:{name}", 1, below_upstream(rules), "admin", "") for name, rules in names]
    system, path = System(*policies, upstream=True), f"/upstream{path}"
    caller = replace(principal(), policy_subjects=("group:clerks", "group:auditors"), scopes=frozenset())
    decision = system.decision(caller, method, path)
    routes = system.rules.with_upstream(ROUTES)
    if find_route(routes, method, path) is None:
        return
    explained = system.explain.for_subjects(method, path, caller.policy_subjects, (), routes)
    assert (explained.allowed, explained.reason) == (decision.allowed, decision.reason)
    assert {name.sid for name in explained.because} == set(decision.because)
    if explained.nearest is not None:
        changed, after = apply(explained.nearest, policies, caller)
        assert System(*changed, upstream=True).decision(after, method, path).allowed is not explained.allowed


def below_upstream(rules: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(replace(rule, paths=tuple(f"/upstream{path}" for path in rule.paths)) for rule in rules)


def test_a_path_that_the_stage_denies_to_everyone_names_the_statement_of_the_stage() -> None:
    system = System(policy(allow("/*", methods=["*"])), upstream=True)
    routes = system.rules.with_upstream(ROUTES)
    ask = partial(system.explain.for_subjects, "GET", subjects=["group:clerks"], scopes=[], routes=routes)
    denied, allowed = ask(path="/upstream/a;b"), ask(path="/upstream/a")
    assert (denied.reason, [tuple(name) for name in denied.because]) == (
        "denied_by",
        [("stage", "ambiguous-path", 0)],
    )
    assert (denied.nearest, denied.route) == (None, Route("/upstream/{proxy+}", "GET", Authorizer.POLICIES))
    assert (allowed.allowed, allowed.because[0].sid) == (True, "allow")


@pytest.mark.parametrize(
    ("limits", "reused_for", "expected"),
    [([900], 0, 900), ([60, 900], 0, 900), ([900], 300, 600), ([None, 60], 0, None), ([60, 600], 300, 300)],
)
def test_an_explanation_names_the_greatest_age_of_the_sign_in(
    limits: list[int | None], reused_for: float, expected: int | None
) -> None:
    rules = [
        {**allow("/reports", sid=f"s{number}"), **({"signed_in_within": limit} if limit else {})}
        for number, limit in enumerate(limits)
    ]
    assert System(policy(*rules), reused_for=reused_for).ask("GET /reports").signed_in_within == expected
    assert System(policy()).ask("GET /reports").signed_in_within is None


def test_a_limit_below_the_time_that_results_are_reused_is_too_old_right_after_the_sign_in() -> None:
    system = System(policy(allow("/reports", signed_in_within=60)), reused_for=300)
    found = system.ask("GET /reports")
    assert (found.allowed, found.reason, found.nearest) == (False, "sign_in_too_old", None)


def callers(scopes: frozenset[str]) -> list[Principal]:
    everyone = [("group:clerks",), ("group:auditors", "group:clerks"), (), ("client:machineofolympus",)]
    return [replace(principal(), policy_subjects=subjects, scopes=scopes) for subjects in everyone]


@repeatable
@given(POLICIES, SCOPES, random.methods, st.sampled_from(["/%61nnual", "/a%2Fb", "/reports/%2561", "/reports/"]))
@example([policy(allow("/*"), deny("/annual"))], frozenset(), "GET", "/%61nnual")
def test_a_request_is_allowed_only_if_every_spelling_of_its_path_is(
    policies: Any, scopes: Any, method: str, path: str
) -> None:
    caller = replace(principal(), policy_subjects=("group:clerks", "group:auditors"), scopes=scopes)
    system = System(*policies)
    found = system.explain.for_subjects(method, path, caller.policy_subjects, scopes, routes=[])
    assert found.allowed == all(system.decision(caller, method, spelling).allowed for spelling in spellings(path))


@repeatable
@given(POLICIES, SCOPES, random.requests)
@example([policy(allow("/a"))], frozenset(), ("GET", "/b"))
@example([policy(allow("/a"), deny("/a"))], frozenset(), ("GET", "/a"))
def test_the_nearest_change_reverses_the_decision(policies: Any, scopes: Any, request: Any) -> None:
    caller = replace(principal(), policy_subjects=("group:clerks", "group:auditors"), scopes=scopes)
    found = System(*policies).explain.for_subjects(request[0], request[1], caller.policy_subjects, scopes, routes=[])
    if found.nearest is not None:
        changed, after = apply(found.nearest, policies, caller)
        assert System(*changed).decision(after, request[0], request[1]).allowed is not found.allowed


def apply(change: Change, policies: list[Policy], caller: Principal) -> tuple[list[Policy], Principal]:
    """Makes the change as a person would: edits the statement, the token or the groups."""
    if change.kind is Kind.SCOPE:
        return policies, replace(caller, scopes=caller.scopes | {change.value})
    if change.kind is Kind.SIGN_IN:
        return policies, replace(caller, signed_in_at=mint.NOW)
    if change.kind is Kind.JOIN:
        return policies, replace(caller, policy_subjects=(*caller.policy_subjects, change.subject))
    return [edited(change, policy) if policy.subject == change.subject else policy for policy in policies], caller


def edited(change: Change, policy: Policy) -> Policy:
    method, _, path = change.value.rpartition(" ") if "/" in change.value else (change.value, "", "")

    def extended(old: Statement) -> Statement:
        methods, paths = (method,) if method else (), (path,) if path else ()
        return replace(old, methods=old.methods + methods, paths=old.paths + paths)

    kept = [s for s in policy.statements if s.sid != change.sid or change.kind is not Kind.REMOVE]
    return replace(policy, statements=tuple(extended(s) if s.sid == change.sid else s for s in kept))


# --- by example ---


def test_an_explanation_names_subject_sid_and_version_of_each_deciding_statement() -> None:
    system = System(
        policy(allow("/reports", sid="read")),
        policy(allow("/*", sid="read"), subject="group:auditors", version=7),
        policy(allow("/reports", sid="other"), subject="group:guests"),
    )
    found = system.ask("GET /reports", "auditors", "clerks")
    assert (found.allowed, found.reason) == (True, "allowed_by")
    assert set(found.because) == {("group:clerks", "read", 3), ("group:auditors", "read", 7)}
    assert found.policies == ("group:auditors@7", "group:clerks@3")


def test_a_statement_of_the_other_effect_is_not_named_although_it_has_the_same_sid() -> None:
    system = System(
        policy(allow("/reports", sid="reports")),
        policy(deny("/reports", sid="reports"), subject="group:guests", version=2),
    )
    found = system.ask("GET /reports", "clerks", "guests")
    assert (found.reason, found.because) == ("denied_by", (("group:guests", "reports", 2),))


def nearest(*rules: dict[str, Any], words: str = "DELETE /reports/7", scopes: tuple[str, ...] = ()) -> Any:
    others = policy(allow("/*", sid="all", methods=["*"]), subject="group:admins", version=1)
    change = System(policy(*rules), others).ask(words, scopes=scopes).nearest
    return change and (change.kind.value, change.subject, change.sid, change.value)


OWN, ADMINS = "group:clerks", "group:admins"
NEAREST = [
    pytest.param([allow("/reports/*")], ("extend", OWN, "allow", "DELETE"), id="a method is missing"),
    pytest.param(
        [allow("/reports/*", methods=["DELETE"], scopes=[WRITE])],
        ("scope", OWN, "allow", WRITE),
        id="the token lacks the scope of the statement",
    ),
    pytest.param([allow("/whoami")], ("join", ADMINS, "all", ""), id="another group may"),
    pytest.param(
        [allow("/reports/*", methods=["DELETE"]), deny("/reports/7", methods=["*"])],
        ("remove", OWN, "deny", ""),
        id="a Deny overrides the Allow",
    ),
    pytest.param(
        [allow("/reports/*", methods=["DELETE"])], ("remove", OWN, "allow", ""), id="one statement allows the request"
    ),
    pytest.param(
        [
            allow("/reports/*", methods=["DELETE"]),
            allow("/*", methods=["DELETE"], sid="more"),
            deny("/reports/*", scopes=[WRITE], methods=["DELETE"]),
        ],
        ("scope", OWN, "deny", WRITE),
        id="a Deny waits for a scope",
    ),
    pytest.param(
        [
            deny("/*", methods=["DELETE"], sid="never"),
            deny("/reports/*", methods=["DELETE"], sid="again"),
            allow("/*", methods=["*"]),
        ],
        None,
        id="no single change is enough",
    ),
]


@pytest.mark.parametrize(("rules", "expected"), NEAREST)
def test_the_nearest_change_names_the_statement_and_what_to_change(rules: Any, expected: Any) -> None:
    assert nearest(*rules) == expected


def test_the_group_that_gives_the_least_is_advised() -> None:
    system = System(
        policy(allow("/*"), subject="group:admins"), policy(allow("/reports"), subject="group:readers", version=1)
    )
    found = system.ask("GET /reports", "nobody").nearest
    assert found == Change("group:readers", "allow", 1, Kind.JOIN)


@pytest.mark.parametrize(("length", "tried"), [(20, 100), (2000, 3)])
def test_with_a_long_path_and_many_patterns_few_changes_are_tried(length: int, tried: int) -> None:
    decisions = []

    def counted(found: Iterable[Statement]) -> tuple[Statement, ...]:
        in_force = tuple(found)
        decisions.append(in_force)
        return in_force

    rules = [allow(f"/reports/*{number:02}x*", sid=f"allow-{number}") for number in range(98)]
    rules += [deny("/reports/*", sid=f"deny-{number}") for number in range(2)]  # no single change is enough
    policy = Policy("group:clerks", 1, statements(*rules), "admin", "")
    request = Request("GET", ("/reports/" + "a" * length,), rules=StageRules(complete=counted))
    assert nearest_change(request, [policy], frozenset(), []) is None
    made = [it for it in decisions if len(it) > 1]  # the others apply the rules to one statement
    assert len(made) == 1 + tried


def test_a_machine_is_not_advised_to_join_a_group() -> None:
    system = System(policy(allow("/*"), subject="group:admins"))
    found = system.explain.for_subjects("GET", "/reports", ["client:machineofolympus"], [], ROUTES)
    assert (found.reason, found.nearest) == ("no_policy", None)


@pytest.mark.parametrize(
    ("words", "scopes", "expected"),
    [
        ("GET /", (), (True, "public")),
        ("GET /files", (READ,), (True, "scope_granted")),
        ("GET /files", (WRITE,), (False, "scope_missing")),
        ("GET /reports", (), (True, "allowed_by")),
    ],
)
def test_policies_do_not_decide_on_other_routes(words: str, scopes: Any, expected: Any) -> None:
    found = System(policy(allow("/reports"), deny("/", "/files"))).ask(words, scopes=scopes)
    assert (found.allowed, found.reason) == expected
    assert str(found.route) == words


def test_a_request_without_a_route_has_a_decision_and_no_route() -> None:
    found = System(policy(allow("/*"))).ask("GET /report")
    assert (found.allowed, found.route) == (True, None)


def test_a_corrupt_policy_of_the_caller_explains_the_failure() -> None:
    system = System(policy(allow("/reports"), subject="group:auditors"))
    system.policies.corrupt = (CorruptPolicy("group:clerks", 4, None, None),)
    assert system.ask("GET /reports", "auditors", "clerks").reason == "policy_corrupt"
    assert system.ask("GET /reports", "auditors").allowed


@pytest.mark.parametrize("path", ["reports", "", "/a//b", "/a/../b", "/%00", "/%ff"])
def test_a_path_that_no_request_has_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match=r"^path: "):
        System().explain.for_subjects("GET", path, [], [], ROUTES)


# --- users and tokens ---


def test_a_user_has_the_policies_of_the_groups_in_the_pool() -> None:
    explain = System(policy(allow("/reports"))).explain
    assert explain.for_user("GET", "/reports", "clerk", frozenset(), ROUTES).allowed
    with pytest.raises(NotFound):
        explain.for_user("GET", "/reports", "nobody", frozenset(), ROUTES)


def test_a_token_is_explained_with_its_groups_and_scopes() -> None:
    system = System(policy(allow("/reports", scopes=[READ])))
    found = system.explain.for_token("GET", "/reports", mint.token(mint.person()), ROUTES)
    assert (found.allowed, found.policies) == (True, ("group:clerks@3",))
    assert system.explain.for_token("GET", "/files", mint.token(mint.person()), ROUTES).reason == "scope_granted"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (mint.token(mint.person(exp=mint.NOW)), "token_expired"),
        (mint.token(mint.person(iss="https://elsewhere.example")), "wrong_issuer"),
        (mint.token(mint.person(client_id="another")), "wrong_client"),
        (mint.token(mint.person(token_use="id")), "wrong_token_use"),
        (mint.token(mint.person())[:-8] + "AAAAAAAA", "bad_signature"),
        ("not.a.token", "malformed_token"),
    ],
)
@pytest.mark.parametrize("path", ["/reports", "/files"])
def test_a_token_is_verified_in_full(token: str, code: str, path: str) -> None:
    found = System(policy(allow("/*"))).explain.for_token("GET", path, token, ROUTES)
    assert (found.allowed, found.reason, found.policies, found.because) == (False, code, (), ())


def test_a_revoked_token_is_refused_where_policies_decide_and_only_there() -> None:
    system, claims = System(policy(allow("/*"))), mint.person()
    system.state.put(Revocation("sub", claims["sub"], mint.NOW, "admin"))
    told = [system.explain.for_token("GET", path, mint.token(claims), ROUTES) for path in ("/reports", "/files", "/")]
    assert [found.reason for found in told] == ["revoked", "scope_granted", "public"]


def test_a_rejected_token_can_still_call_a_public_route() -> None:
    def rejects(_: str) -> Principal:
        raise TokenRejected("bad_signature", "the signature does not match")

    assert System().explaining(rejects).for_token("GET", "/", "", ROUTES).allowed


def test_a_token_is_explained_by_the_lockdown_before_the_age_of_the_sign_in() -> None:
    system = System(policy(allow("/reports", signed_in_within=60)))
    caller = replace(principal(), signed_in_at=mint.NOW - 3600)
    explain = system.explaining(lambda _: caller)
    assert explain.for_token("GET", "/reports", "token", ROUTES).reason == "sign_in_too_old"
    system.state.locked_until = mint.NOW + 600
    assert explain.for_token("GET", "/reports", "token", ROUTES).reason == "locked_down"
    assert explain.for_token("GET", "/", "token", ROUTES).reason == "public"

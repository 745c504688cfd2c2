"""The plan of an apply: what it gives and takes in routes, conflicts with other authors, and the last administrator."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given

from chalicelib.authorize import merge
from chalicelib.core.policy import CorruptPolicy, DeletedPolicy, Policy, StoredPolicy
from chalicelib.core.policy_json import as_dict
from chalicelib.core.route import Authorizer, Route
from chalicelib.policy_reach import reach
from chalicelib.stage_rules import NO_RULES
from chalicelib.wiring import administer_with
from infra.audit_log import audit_log
from infra.errors import Refused
from infra.policy_files import PolicyFile
from infra.policy_plan import AUTHOR, PolicyFiles, as_stored, plan, refuse_lock_out
from tests.aws.tables import empty_tables
from tests.fakes import allow, deny, statements
from tests.infra.stages import OUTPUTS
from tests.strategies import repeatable
from tests.use_cases.test_matrix import RULES

SCOPE = "https://gatehouse.example/file.read"
ROUTES = [
    Route("/", "GET", Authorizer.NONE),
    Route("/files", "GET", Authorizer.SCOPES, (SCOPE,)),
    Route("/reports", "GET", Authorizer.POLICIES),
    Route("/reports", "POST", Authorizer.POLICIES),
    Route("/reports/{id}", "DELETE", Authorizer.POLICIES),
    Route("/reports/{id}", "GET", Authorizer.POLICIES),
]
EVERYTHING = allow("/*", methods=["*"])


def policy(*rules: dict[str, Any], subject: str = "group:editors", author: str = AUTHOR) -> Policy:
    return Policy(subject, 3, statements(*rules), author, "2027-01-15T08:00:00+00:00")


def file(*rules: dict[str, Any], subject: str = "group:editors") -> PolicyFile:
    return PolicyFile(f"policies/{subject}.yaml", subject, [as_dict(s) for s in statements(*rules)])


# --- what a change gives and takes ---

READ = allow("/reports", "/reports/*", sid="read")
REACHES = [
    pytest.param([READ], [READ], [], id="nothing"),
    pytest.param(
        [READ],
        [READ, allow("/reports/*", methods=["DELETE"], sid="new")],
        ["editors gain DELETE /reports/{id}"],
        id="a method",
    ),
    pytest.param([READ], [], ["editors lose GET /reports", "editors lose GET /reports/{id}"], id="everything"),
    pytest.param(
        [READ],
        [allow("/reports/*", sid="read"), allow("/reports", methods=["POST"])],
        ["editors lose GET /reports", "editors gain POST /reports"],
        id="one for another",
    ),
    pytest.param(
        [READ],
        [READ, deny("/reports/annual")],
        ["editors lose GET /reports/{id}, for example GET /reports/annual"],
        id="one path",
    ),
    pytest.param(
        [READ],
        [{**READ, "scopes": [SCOPE]}],
        [
            f"editors lose GET /reports, for a token without {SCOPE}",
            f"editors lose GET /reports/{{id}}, for a token without {SCOPE}",
        ],
        id="tokens without a scope",
    ),
    pytest.param(
        [],
        [allow("/reports", scopes=[SCOPE])],
        [f"editors gain GET /reports, for a token with {SCOPE}"],
        id="tokens with a scope",
    ),
    pytest.param([READ], [{**READ, "sid": "renamed"}], [], id="another sid"),
    pytest.param([allow("/files", "/")], [deny("/files", "/")], [], id="routes on which policies do not decide"),
]


@pytest.mark.parametrize(("before", "after", "expected"), REACHES)
def test_a_change_is_told_in_routes(before: Any, after: Any, expected: Any) -> None:
    told = [str(found) for found in reach(policy(*before), policy(*after), ROUTES)]
    assert told == expected


def test_a_machine_gains_and_loses_in_the_singular() -> None:
    before, after = (policy(*rules, subject="client:abc") for rules in ([], [allow("/reports")]))
    assert [str(found) for found in reach(before, after, ROUTES)] == ["client:abc gains GET /reports"]


PATHS = [f"/r/{''.join(text)}" for size in (1, 2, 3) for text in product("abz", repeat=size)]
TOKENS = [frozenset[str](), frozenset({SCOPE}), frozenset({"https://gatehouse.example/file.write"})]


@repeatable
@given(RULES, RULES)
@example([allow("/r/*")], [allow("/r/*"), deny("/r/a*", sid="deny")])
def test_every_change_of_a_decision_is_told(before: Any, after: Any) -> None:
    route = Route("/r/{id}", "GET", Authorizer.POLICIES)
    old, new = policy(*before), policy(*after)
    told = {found.gains for found in reach(old, new, [route])}
    for path, token in product(PATHS, TOKENS):
        was, is_now = (merge([p], token, generation=0).decide("GET", path).allowed for p in (old, new))
        assert was == is_now or is_now in told


# --- the plan ---


def test_a_plan_has_the_differences_only() -> None:
    stored: list[StoredPolicy] = [
        policy(READ),
        policy(READ, subject="group:clerks"),
        policy(READ, subject="group:gone"),
        policy(READ, subject="group:guests", author="the dean"),
        policy(READ, subject="group:owners", author="the dean"),
        DeletedPolicy("group:past", 4, AUTHOR, None),
    ]
    files = [file(READ), file(subject="group:clerks"), file(subject="group:owners"), file(subject="group:new")]
    found = [(c.subject, c.version, c.after is None, c.kept) for c in plan(files, stored, overwrite=False)]
    assert found == [
        ("group:clerks", 3, False, False),
        ("group:owners", 3, False, True),
        ("group:new", 0, False, False),
        ("group:gone", 3, True, False),
    ]


def test_a_corrupt_policy_permits_nothing_before_its_change() -> None:
    (change,) = plan([file(READ)], [CorruptPolicy("group:editors", None, None, None)], overwrite=True)
    before, after = as_stored(change)
    assert (before.statements, after.statements) == ((), statements(READ))


# --- the last administrator ---


@pytest.mark.parametrize(
    ("files", "groups", "refused"),
    [
        pytest.param([file(READ, subject="group:admins")], {"admins"}, True, id="its policy loses the right"),
        pytest.param([], {"admins"}, True, id="its file is gone"),
        pytest.param([file(EVERYTHING, subject="group:ghosts")], {"admins"}, True, id="a group that does not exist"),
        pytest.param([file(EVERYTHING, subject="client:abc")], {"admins"}, True, id="a machine"),
        pytest.param([file(EVERYTHING, subject="group:owners")], {"admins", "owners"}, False, id="another group"),
        pytest.param([], {"owners"}, False, id="there was no administrator"),
    ],
)
def test_a_plan_that_leaves_no_administrator_is_refused(files: Any, groups: Any, refused: bool) -> None:
    stored = [policy(EVERYTHING, subject="group:admins")]
    changes = plan(files, stored, overwrite=False)
    if refused:
        with pytest.raises(Refused, match="no group could change policies"):
            refuse_lock_out(changes, stored, groups.__contains__, NO_RULES)
    else:
        refuse_lock_out(changes, stored, groups.__contains__, NO_RULES)


def test_a_policy_that_is_kept_counts_as_it_is() -> None:
    stored = [policy(EVERYTHING, subject="group:admins", author="the dean")]
    refuse_lock_out(plan([file(subject="group:admins")], stored, overwrite=False), stored, lambda _: True, NO_RULES)


# --- conflicts ---


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_policy_that_changed_since_the_plan_is_not_written_and_the_others_are(
    tmp_path: Path, overwrite: bool
) -> None:
    for name in ("carters", "grooms"):
        (tmp_path / f"{name}.yaml").write_text(f"group: {name}\nstatements: []\n", encoding="utf-8")
    with empty_tables() as dynamodb:
        dean = administer_with(dynamodb, "PolicyTable", "StateTable", audit_log(OUTPUTS, dynamodb))
        dean.put_policy("group:carters", statements(READ), "the dean" if overwrite else AUTHOR)
        files = PolicyFiles(tmp_path, OUTPUTS, dynamodb, NO_RULES)
        changes = plan(files.files, files.stored(), overwrite)
        dean.put_policy("group:carters", statements(EVERYTHING), "the dean")
        with pytest.raises(Refused) as refused:
            files.execute(changes)
        assert str(refused.value) == (
            "Changed by another author in the meantime, and not written: group:carters. Written: group:grooms."
            " Run the command again."
        )
        assert dean.get_policy("group:carters").statements == statements(EVERYTHING)


def test_a_policy_that_was_written_since_the_plan_is_not_deleted(tmp_path: Path) -> None:
    with empty_tables() as dynamodb:
        dean = administer_with(dynamodb, "PolicyTable", "StateTable", audit_log(OUTPUTS, dynamodb))
        dean.put_policy("group:carters", statements(READ), AUTHOR)
        files = PolicyFiles(tmp_path, OUTPUTS, dynamodb, NO_RULES)
        changes = plan(files.files, files.stored(), overwrite=False)
        dean.put_policy("group:carters", statements(READ), "the dean")
        with pytest.raises(Refused, match="not written: group:carters"):
            files.execute(changes)
        assert dean.get_policy("group:carters").updated_by == "the dean"

"""A change that would leave no administrator is refused, unless it is forced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.administer import Administer
from chalicelib.audit import Audit
from chalicelib.core.administrator import administers
from chalicelib.core.errors import LastAdministrator, VersionConflict
from chalicelib.core.policy import CorruptPolicy, Policy, StoredPolicy
from chalicelib.core.upstream_paths import guarded
from chalicelib.lock_out import Administrators, RefuseLockOut
from chalicelib.ports import PolicyCatalog, User
from chalicelib.stage_rules import NO_RULES, StageRules
from tests.fakes import FakeAuditLog, FakeGroups, FakePolicies, FakeState, allow, deny, statements

EVERYTHING = allow("/*", methods=["*"])
READ = allow("/reports")
SCOPE = "https://gatehouse.example/file.write"


def rules(*paths: str, **more: Any) -> dict[str, Any]:
    return allow(*paths, methods=["PUT"], **more)


@pytest.mark.parametrize(
    "policy",
    [
        [EVERYTHING],
        [rules("/admin/policies/*")],
        [rules("/admin/policies/group/admins")],
        [rules("/admin/*"), deny("/admin/policies/group/editors", methods=["*"])],
        [EVERYTHING, deny("/*", methods=["GET"])],
    ],
)
def test_a_group_that_can_change_its_own_policy_is_an_administrator(policy: Any) -> None:
    assert administers("group:admins", statements(*policy))


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param([], id="nothing"),
        pytest.param([allow("/admin/*")], id="it may only read"),
        pytest.param([rules("/admin/policies")], id="no route has this path for a PUT"),
        pytest.param([rules("/admin/policies/group/editors")], id="the policy of another group"),
        pytest.param([rules("/admin/policies/client/*")], id="the policies of machines"),
        pytest.param([EVERYTHING, deny("/admin/policies/*", methods=["PUT"])], id="a Deny overrides it"),
        pytest.param(
            [EVERYTHING, deny("/admin/*", methods=["*"], scopes=["openid"])], id="a Deny for the scope of every user"
        ),
        pytest.param([rules("/*", scopes=[SCOPE])], id="an Allow that waits for a scope"),
        pytest.param([rules("/admin/policies/group/admin?/")], id="a slash at the end"),
    ],
)
def test_a_group_that_cannot_change_its_own_policy_is_not_an_administrator(policy: Any) -> None:
    assert not administers("group:admins", statements(*policy))


def test_a_limit_that_api_gateway_s_cache_exceeds_makes_no_administrator() -> None:
    recent = statements(rules("/admin/policies/*", signed_in_within=300))
    assert administers("group:admins", recent)
    assert administers("group:admins", recent, reused_for=300)
    assert not administers("group:admins", recent, reused_for=301)


def test_the_last_administrator_cannot_get_a_limit_that_api_gateway_s_cache_exceeds() -> None:
    system = System(admins=[EVERYTHING], reused_for=600)
    with pytest.raises(LastAdministrator):
        system.put("admins", allow("/*", methods=["*"], signed_in_within=300))
    system.put("admins", allow("/*", methods=["*"], signed_in_within=900))


@pytest.mark.parametrize("subject", ["client:machineofolympus", "user:admins", "group:..", "admins"])
def test_nothing_but_a_group_is_an_administrator(subject: str) -> None:
    assert not administers(subject, statements(EVERYTHING))


@pytest.mark.parametrize("name", ["équipe", "R&D", "a/b", "100%", "ops@example.com"])
def test_a_group_of_any_name_can_be_an_administrator(name: str) -> None:
    assert administers(f"group:{name}", statements(EVERYTHING))


def user(name: str, enabled: bool = True, status: str = "CONFIRMED") -> User:
    return User(name, name, None, None, status, enabled, "2026-11-01T10:00:00Z")


def test_a_group_whose_own_policy_has_an_ambiguous_path_is_no_administrator_of_a_stage_with_an_upstream() -> None:
    policy = statements(EVERYTHING)
    assert NO_RULES.administers("group:upstream#1", policy)
    assert not StageRules(complete=guarded).administers("group:upstream#1", policy)
    assert StageRules(complete=guarded).administers("group:admins", policy)


class System:
    """A stage with policies of groups. Each group has one user who can sign in, except those of `members`.

    members  group → its users
    asked    the groups whose members were read
    """

    def __init__(
        self,
        groups: frozenset[str] | None = None,
        members: Mapping[str, Sequence[User]] | None = None,
        reused_for: float = 0,
        **policies: list[dict[str, Any]],
    ) -> None:
        self.policies = FakePolicies()
        for name, found in policies.items():
            subject = f"group:{name}"
            self.policies.policies[subject] = Policy(subject, 1, statements(*found), "admin", "")
        self.groups = FakeGroups(existing=groups)
        self._members, self.asked, self._reused_for = members or {}, list[str](), reused_for
        self.administer = Administer(
            self.policies,
            FakeState(),
            FakeState(),
            Audit(FakeAuditLog()),
            check_size=lambda _: None,
            refuse_lock_out=self.refuse(self.policies),
        )

    def refuse(self, policies: PolicyCatalog) -> RefuseLockOut:
        return RefuseLockOut(
            Administrators(policies, self.groups.group_exists, StageRules(self._reused_for)), self.members
        )

    def members(self, group: str) -> Iterator[User]:
        self.asked.append(group)
        yield from self._members.get(group, [user("athena")])

    def put(self, name: str, *found: dict[str, Any], force: bool = False) -> Policy:
        return self.administer.put_policy(f"group:{name}", statements(*found), "admin", force=force)


def test_the_last_administrator_cannot_lose_the_right_by_accident() -> None:
    system = System(admins=[EVERYTHING], editors=[READ])
    for change in (
        lambda: system.put("admins", READ),
        lambda: system.put("admins"),
        lambda: system.put("admins", EVERYTHING, deny("/admin/*", methods=["PUT"])),
        lambda: system.administer.delete_policy("group:admins", "admin"),
    ):
        with pytest.raises(LastAdministrator):
            change()
    assert system.policies.get("group:admins").version == 1


def test_a_forced_change_is_made() -> None:
    system = System(admins=[EVERYTHING])
    assert system.put("admins", READ, force=True).version == 2
    system = System(admins=[EVERYTHING])
    system.administer.delete_policy("group:admins", "admin", force=True)
    assert system.policies.list() == []


def test_another_administrator_is_enough() -> None:
    assert System(admins=[EVERYTHING], owners=[EVERYTHING]).put("admins", READ).version == 2


class AtTheSameTime(FakePolicies):
    """Another writer changes the policy of the owners between the check and the write."""

    def list_stored(self) -> Sequence[StoredPolicy]:
        stored = super().list_stored()
        super().put("group:owners", statements(READ), "an owner", None)
        return stored


@pytest.mark.parametrize(
    "change",
    [
        lambda administer: administer.put_policy("group:admins", statements(READ), "admin"),
        lambda administer: administer.delete_policy("group:admins", "admin"),
    ],
    ids=["put", "delete"],
)
def test_two_administrators_cannot_remove_each_other_at_the_same_time(change: Any) -> None:
    system = System(admins=[EVERYTHING], owners=[EVERYTHING])
    policies = AtTheSameTime(system.policies.policies)
    administer = replace(system.administer, policies=policies, refuse_lock_out=system.refuse(policies))
    with pytest.raises(VersionConflict, match="group:owners"):
        change(administer)
    assert system.policies.get("group:admins").version == 1


def test_a_policy_of_a_group_that_nobody_can_join_is_not_enough() -> None:
    system = System(frozenset({"admins"}), admins=[EVERYTHING], ghosts=[EVERYTHING])
    with pytest.raises(LastAdministrator):
        system.put("admins")


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([], id="empty"),
        pytest.param([user("hera", enabled=False)], id="its user is disabled"),
        pytest.param([user("iris", status="FORCE_CHANGE_PASSWORD")], id="its user was invited and never signed in"),
        pytest.param([user("echo", status="UNCONFIRMED")], id="its user never confirmed the address"),
    ],
)
def test_a_group_without_a_user_who_can_sign_in_is_not_enough(members: list[User]) -> None:
    system = System(members={"owners": members}, admins=[EVERYTHING], owners=[EVERYTHING])
    for change in (lambda: system.put("admins", READ), lambda: system.administer.delete_policy("group:admins", "hera")):
        with pytest.raises(LastAdministrator, match="no group with an enabled user who has signed in could change"):
            change()
    assert system.policies.get("group:admins").version == 1


@pytest.mark.parametrize("status", ["CONFIRMED", "EXTERNAL_PROVIDER"])
def test_one_user_who_can_sign_in_is_enough(status: str) -> None:
    members = [user("hera", enabled=False), user("zeus", status=status)]
    system = System(
        members={"ghosts": [], "owners": members}, admins=[EVERYTHING], ghosts=[EVERYTHING], owners=[EVERYTHING]
    )
    assert system.put("admins", READ).version == 2


def test_a_group_without_a_member_keeps_its_policy_if_it_is_the_last_one() -> None:
    """Its users can get the group from a company's provider, which is not a membership in the user pool."""
    system = System(members={"admins": []}, admins=[EVERYTHING])
    with pytest.raises(LastAdministrator):
        system.put("admins", READ)


def test_only_a_change_that_removes_an_administrator_reads_members() -> None:
    system = System(admins=[EVERYTHING], owners=[EVERYTHING], readers=[READ])
    system.put("readers")
    system.put("admins", EVERYTHING, READ | {"sid": "read"})
    assert system.asked == []
    system.put("admins")
    assert system.asked == ["owners"]


def test_a_machine_is_not_enough() -> None:
    system = System(admins=[EVERYTHING])
    system.administer.put_policy("client:machineofolympus", statements(EVERYTHING), "admin")
    with pytest.raises(LastAdministrator):
        system.put("admins")


def test_a_corrupt_policy_is_not_enough() -> None:
    system = System(admins=[EVERYTHING])
    system.policies.corrupt = (CorruptPolicy("group:owners", 1, None, None),)
    with pytest.raises(LastAdministrator):
        system.put("admins")


def test_the_last_administrator_can_change_the_rest_of_the_policy() -> None:
    assert System(admins=[EVERYTHING]).put("admins", rules("/admin/*"), READ | {"sid": "read"}).version == 2


def test_a_stage_without_an_administrator_can_be_changed() -> None:
    assert System(editors=[READ]).put("editors").version == 2
    assert System().put("admins", EVERYTHING).version == 1

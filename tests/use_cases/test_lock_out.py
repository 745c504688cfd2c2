"""A change that would leave no administrator is refused, unless it is forced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.administer import Administer
from chalicelib.core.administrator import administers
from chalicelib.core.errors import LastAdministrator, VersionConflict
from chalicelib.core.policy import CorruptPolicy, Policy, StoredPolicy
from chalicelib.lock_out import Administrators, RefuseLockOut
from tests.fakes import FakeGroups, FakePolicies, FakeState, allow, deny, statements

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


@pytest.mark.parametrize("subject", ["client:machineofolympus", "user:admins", "group:..", "admins"])
def test_nothing_but_a_group_is_an_administrator(subject: str) -> None:
    assert not administers(subject, statements(EVERYTHING))


@pytest.mark.parametrize("name", ["équipe", "R&D", "a/b", "100%", "ops@example.com"])
def test_a_group_of_any_name_can_be_an_administrator(name: str) -> None:
    assert administers(f"group:{name}", statements(EVERYTHING))


class System:
    def __init__(self, groups: frozenset[str] | None = None, **policies: list[dict[str, Any]]) -> None:
        self.policies = FakePolicies()
        for name, found in policies.items():
            subject = f"group:{name}"
            self.policies.policies[subject] = Policy(subject, 1, statements(*found), "admin", "")
        self.groups = FakeGroups(existing=groups)
        refuse = RefuseLockOut(Administrators(self.policies, self.groups.group_exists))
        self.administer = Administer(
            self.policies, FakeState(), FakeState(), check_size=lambda _: None, refuse_lock_out=refuse
        )

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
    refuse = RefuseLockOut(Administrators(policies, system.groups.group_exists))
    administer = replace(system.administer, policies=policies, refuse_lock_out=refuse)
    with pytest.raises(VersionConflict, match="group:owners"):
        change(administer)
    assert system.policies.get("group:admins").version == 1


def test_a_policy_of_a_group_that_nobody_can_join_is_not_enough() -> None:
    system = System(frozenset({"admins"}), admins=[EVERYTHING], ghosts=[EVERYTHING])
    with pytest.raises(LastAdministrator):
        system.put("admins")


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

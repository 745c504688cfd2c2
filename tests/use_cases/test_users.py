"""Users are invited, changed and kept out in an order in which a failure leaves no more access than before."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.audit import Audit
from chalicelib.core.errors import Conflict, InternalError, InvalidInput, LastAdministrator, NotFound
from chalicelib.core.policy import CorruptPolicy
from chalicelib.core.user_search import UserSearch
from chalicelib.list_groups import ListGroups
from chalicelib.lock_out import Administrators, RefuseUserLockOut
from chalicelib.ports import Group, GroupPage, Revocation, User, UserPage
from chalicelib.users import MOST_CHANGES, AdministerUsers, Result
from tests.fakes import FakeAuditLog, FakePolicies, allow, deny, statements

ADDRESS = "clio@olympus.example"
EVERYTHING = allow("/*", methods=["*"])


def user(name: str, **more: Any) -> User:
    known = {
        "username": name,
        "sub": f"sub-of-{name}",
        "email": None,
        "name": None,
        "status": "CONFIRMED",
        "enabled": True,
    }
    return User(**{**known, "created_at": "2027-01-15T08:00:00+00:00", **more})


@dataclass
class Pool:
    """Implements UserAccounts and the revocation. Records the writes. The write number `fails_at` fails."""

    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    existing: frozenset[str] = frozenset({"clerks", "readers", "owners", "admins"})
    writes: list[str] = field(default_factory=list)
    audit: FakeAuditLog = field(default_factory=FakeAuditLog)
    fails_at: int | None = None

    def add(self, added: User, *groups: str) -> None:
        self.users[added.username], self.groups[added.username] = added, set(groups)

    def list(self, limit: int, token: str | None, search: UserSearch) -> UserPage:
        members = (found for name, found in self.users.items() if search.group in (None, *self.groups[name]))
        users = sorted(members, key=lambda found: found.username)
        start = int(token or 0)
        more = str(start + limit) if start + limit < len(users) else None
        return UserPage(tuple(users[start : start + limit]), more)

    def find(self, name: str) -> User:
        for found in self.users.values():
            if name in (found.username, found.sub, found.email):
                return found
        raise NotFound("the user")

    def groups_of(self, username: str) -> tuple[str, ...]:
        return tuple(sorted(self.groups[username]))

    def group_exists(self, group: str) -> bool:
        return group in self.existing

    def members(self, group: str) -> Iterator[User]:
        return (found for name, found in self.users.items() if group in self.groups[name])

    def list_groups(self, limit: int, token: str | None) -> GroupPage:
        names = sorted({*self.existing, "pool_Corp"})
        start = int(token or 0)
        more = str(start + limit) if start + limit < len(names) else None
        return GroupPage(tuple(Group(name, f"about {name}") for name in names[start : start + limit]), more)

    def is_automatic(self, group: str) -> bool:
        return group.startswith("pool_")

    def create(self, address: str) -> User:
        if any(found.email == address for found in self.users.values()):
            raise Conflict("user_exists", "a user with this address exists")
        self._write("create")
        self.add(user("new", email=address, status="FORCE_CHANGE_PASSWORD"))
        return self.users["new"]

    def send_invitation(self, address: str) -> None:
        self._write("invite")

    def add_to_group(self, username: str, group: str) -> None:
        self._write(f"add {group}")
        self.groups[username].add(group)

    def remove_from_group(self, username: str, group: str) -> None:
        self._write(f"remove {group}")
        self.groups[username].discard(group)

    def disable(self, username: str) -> None:
        self._write("disable")
        self.users[username] = replace(self.users[username], enabled=False)

    def enable(self, username: str) -> None:
        self._write("enable")
        self.users[username] = replace(self.users[username], enabled=True)

    def sign_out(self, username: str) -> None:
        self._write("sign out")

    def remove_authenticator(self, username: str) -> None:
        self._write("remove authenticator")

    def revoke(self, sub: str, author: str) -> Revocation:
        self._write(f"revoke {sub}")
        return Revocation("sub", sub, 1_800_000_000, author)

    def _write(self, name: str) -> None:
        if len(self.writes) + 1 == self.fails_at:
            self.writes.append(f"{name} fails")
            raise InternalError("unreachable", "AWS: timeout")
        self.writes.append(name)


def accept(_user: User, _lost: Collection[str], _kept: Collection[str]) -> None:
    return None


def over(pool: Pool, refuse: Callable[[User, Collection[str], Collection[str]], None] = accept) -> AdministerUsers:
    return AdministerUsers(pool, pool.revoke, refuse, Audit(pool.audit))


@pytest.fixture
def pool() -> Pool:
    found = Pool()
    found.add(user("clio", email=ADDRESS), "clerks", "readers")
    return found


REVOKE = "revoke sub-of-clio"


def test_a_user_is_found_by_each_name_with_the_groups(pool: Pool) -> None:
    for name in ("clio", "sub-of-clio", ADDRESS):
        assert over(pool).show(name) == (pool.users["clio"], ("clerks", "readers"))
    with pytest.raises(NotFound):
        over(pool).show("nobody")


@pytest.mark.parametrize(
    ("status", "enabled", "next_step"),
    [
        ("CONFIRMED", True, "To change the groups, set them"),
        ("UNCONFIRMED", True, "must confirm the address"),
        ("RESET_REQUIRED", True, "must set a new password"),
        ("CONFIRMED", False, "Enable the user"),
        ("FORCE_CHANGE_PASSWORD", False, "Enable the user"),
    ],
)
def test_the_refusal_to_invite_a_known_user_names_the_next_step(
    pool: Pool, status: str, enabled: bool, next_step: str
) -> None:
    pool.add(user("clio", email=ADDRESS, status=status, enabled=enabled))
    with pytest.raises(Conflict, match=next_step):
        over(pool).invite(ADDRESS, ["clerks"], "admin")
    assert pool.writes == []


def test_users_are_listed_in_pages(pool: Pool) -> None:
    pool.add(user("urania"))
    first = over(pool).list(1)
    assert [found.username for found in first.users] == ["clio"]
    assert over(pool).list(1, first.next_token) == UserPage((pool.users["urania"],), None)
    assert over(pool).list(9, search=UserSearch(group="clerks")) == UserPage((pool.users["clio"],), None)


# --- groups ---


def test_groups_are_taken_between_two_revocations_and_added_last_but_one(pool: Pool) -> None:
    result = over(pool).set_groups("clio", ["readers", "owners"], "admin")
    assert pool.writes == [REVOKE, "remove clerks", "add owners", REVOKE]
    assert (result.groups, result.added, result.removed) == (("owners", "readers"), ("owners",), ("clerks",))
    assert result.revoked_at == 1_800_000_000
    assert "tokens that were issued until now are refused" in " ".join(result.notices)


def test_a_group_that_is_only_added_revokes_nothing(pool: Pool) -> None:
    result = over(pool).set_groups("clio", ["clerks", "readers", "owners"], "admin")
    assert pool.writes == ["add owners"]
    assert (result.added, result.removed, result.revoked_at) == (("owners",), (), None)


def test_one_group_is_added_and_no_other_group_changes(pool: Pool) -> None:
    result = over(pool).add_to_group("clio", "owners", "admin")
    assert pool.writes == ["add owners"]
    assert (result.added, result.groups, result.revoked_at) == (("owners",), ("clerks", "owners", "readers"), None)
    assert over(pool).add_to_group("clio", "owners", "admin").added == ()
    assert pool.writes == ["add owners"]
    assert [entry.detail for entry in pool.audit.entries] == [
        {"added": ("owners",), "removed": ()},
        {"added": (), "removed": ()},
    ]


def test_one_group_is_taken_between_two_revocations(pool: Pool) -> None:
    result = over(pool).remove_from_group("clio", "clerks", "admin")
    assert pool.writes == [REVOKE, "remove clerks", REVOKE]
    assert (result.removed, result.groups, result.revoked_at) == (("clerks",), ("readers",), 1_800_000_000)
    assert over(pool).remove_from_group("clio", "clerks", "admin").removed == ()
    assert pool.writes[3:] == [REVOKE, REVOKE], "the first request may have failed before its revocation"


@pytest.mark.parametrize("group", ["ghosts", "a b", "pool_Corp"])
def test_a_group_without_choosable_members_is_neither_added_nor_taken(pool: Pool, group: str) -> None:
    for change in (over(pool).add_to_group, over(pool).remove_from_group):
        with pytest.raises(InvalidInput):
            change("clio", group, "admin")
    assert (pool.writes, list(pool.audit.entries)) == ([], [])


def test_groups_are_listed_with_the_state_of_their_policies(pool: Pool) -> None:
    owners = FakePolicies().put("group:owners", statements(EVERYTHING), "admin", None)
    ghosts = FakePolicies().put("group:ghosts", (), "admin", None)
    corrupt = CorruptPolicy("group:clerks", 3, None, None)
    policies = FakePolicies({"group:owners": owners, "group:ghosts": ghosts}, corrupt=(corrupt,))
    groups, token = ListGroups(pool, policies)(3)
    assert [(group.name, group.policy, group.statements, group.automatic) for group in groups] == [
        ("admins", "none", None, False),
        ("clerks", "corrupt", None, False),
        ("owners", "valid", 1, False),
    ]
    rest, end = ListGroups(pool, policies)(3, token)
    assert ([(group.name, group.automatic) for group in rest], end) == ([("pool_Corp", True), ("readers", False)], None)


def test_a_repeated_request_revokes_because_the_first_one_may_have_failed_before_its_revocation(pool: Pool) -> None:
    result = over(pool).set_groups("clio", ["clerks", "readers"], "admin")
    assert pool.writes == [REVOKE, REVOKE]
    assert result.revoked_at is not None


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_a_failed_change_of_groups_leaves_no_more_access_than_before_and_can_be_repeated(
    pool: Pool, fails_at: int
) -> None:
    pool.fails_at = fails_at
    with pytest.raises(InternalError):
        over(pool).set_groups("clio", ["readers", "owners"], "admin")
    assert pool.writes[0].startswith(REVOKE), "the issued tokens are refused, or nothing has changed"
    assert not {"clerks", "owners"} <= pool.groups["clio"], "at no time with both groups"
    assert len(pool.writes) == 1 or pool.writes[-1].startswith(REVOKE), "the last write is tried after each failure"

    pool.fails_at = None
    assert over(pool).set_groups("clio", ["readers", "owners"], "admin").groups == ("owners", "readers")


def test_the_groups_that_cognito_keeps_are_not_taken_and_not_given(pool: Pool) -> None:
    pool.add(user("Corp_clio", status="EXTERNAL_PROVIDER"), "pool_Corp", "clerks")
    result = over(pool).set_groups("Corp_clio", [], "admin")
    assert (result.groups, result.removed) == (("pool_Corp",), ("clerks",))
    with pytest.raises(InvalidInput, match="Cognito keeps the members"):
        over(pool).set_groups("clio", ["pool_Corp"], "admin")


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        pytest.param(["ghosts"], "'ghosts': the user pool has no such group", id="a group that does not exist"),
        pytest.param(["a b"], "'a b': expected 1 to 128 letters", id="a name with a space"),
        pytest.param([""], "'': expected 1 to 128 letters", id="an empty name"),
        pytest.param([f"g{n}" for n in range(MOST_CHANGES + 1)], "at most 20 are accepted", id="too many groups"),
    ],
)
def test_a_group_that_nobody_can_have_is_refused_before_the_first_write(
    pool: Pool, groups: list[str], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        over(pool).set_groups("clio", groups, "admin")
    with pytest.raises(InvalidInput, match=message):
        over(pool).invite("new@olympus.example", groups, "admin")
    assert pool.writes == []


def test_more_changes_than_fit_into_the_timeout_are_refused(pool: Pool) -> None:
    pool.groups["clio"] = {f"g{n}" for n in range(MOST_CHANGES)} | {"clerks"}
    with pytest.raises(InvalidInput, match="21 changes"):
        over(pool).set_groups("clio", [], "admin")
    assert pool.writes == []


# --- disable, enable, sign out ---


def test_a_disabled_user_gets_no_token_before_the_issued_ones_are_revoked(pool: Pool) -> None:
    result = over(pool).disable("clio", "admin")
    assert pool.writes == ["disable", "sign out", REVOKE]
    assert (result.user.enabled, result.revoked_at) == (False, 1_800_000_000)
    assert "use case 1" in " ".join(result.notices)


def test_an_enabled_user_keeps_the_revocation(pool: Pool) -> None:
    over(pool).disable("clio", "admin")
    result = over(pool).enable("clio", "admin")
    assert pool.writes[3:] == ["enable"]
    assert (result.user.enabled, result.revoked_at) == (True, None)


def test_a_sign_out_revokes_after_the_refresh_tokens_have_ended_and_names_the_cookie(pool: Pool) -> None:
    result = over(pool).sign_out(ADDRESS, "admin")
    assert pool.writes == ["sign out", REVOKE]
    assert "cookie" in " ".join(result.notices)


def test_a_reset_of_mfa_ends_the_sessions_after_the_authenticator_is_removed(pool: Pool) -> None:
    result = over(pool).reset_mfa(ADDRESS, "admin")
    assert pool.writes == ["remove authenticator", "sign out", REVOKE]
    assert result.revoked_at == 1_800_000_000
    assert {"password", "cookie"} <= set(" ".join(result.notices).split())


def test_a_user_of_a_company_has_no_authenticator_to_reset(pool: Pool) -> None:
    pool.add(user("Corp_clio", status="EXTERNAL_PROVIDER"))
    with pytest.raises(Conflict) as refused:
        over(pool).reset_mfa("Corp_clio", "admin")
    assert (refused.value.code, pool.writes) == ("external_user", [])


@pytest.mark.parametrize(
    ("change", "fails_at", "writes"),
    [
        ("disable", 1, ["disable fails", REVOKE]),
        ("disable", 2, ["disable", "sign out fails", REVOKE]),
        ("disable", 3, ["disable", "sign out", f"{REVOKE} fails"]),
        ("sign_out", 1, ["sign out fails", REVOKE]),
        ("sign_out", 2, ["sign out", f"{REVOKE} fails"]),
        ("reset_mfa", 1, ["remove authenticator fails", "sign out", REVOKE]),
        ("reset_mfa", 2, ["remove authenticator", "sign out fails", REVOKE]),
        ("reset_mfa", 3, ["remove authenticator", "sign out", f"{REVOKE} fails"]),
    ],
)
def test_the_revocation_is_tried_after_every_failure_and_the_failure_is_reported(
    pool: Pool, change: str, fails_at: int, writes: list[str]
) -> None:
    pool.fails_at = fails_at
    with pytest.raises(InternalError):
        getattr(over(pool), change)("clio", "admin")
    assert pool.writes == writes
    getattr(over(pool), change)("clio", "admin")
    assert pool.writes[-1] == REVOKE


# --- the audit log ---


@pytest.mark.parametrize(
    ("change", "actions"),
    [
        (lambda users: users.disable("clio", "admin"), ["user.disable"]),
        (lambda users: users.enable("clio", "admin"), ["user.enable"]),
        (lambda users: users.sign_out("clio", "admin"), ["user.sign_out"]),
        (lambda users: users.reset_mfa("clio", "admin"), ["user.reset_mfa"]),
        (lambda users: users.set_groups("clio", ["clerks"], "admin"), ["user.set_groups"]),
        (lambda users: users.add_to_group("clio", "owners", "admin"), ["user.set_groups"]),
        (lambda users: users.remove_from_group("clio", "clerks", "admin"), ["user.set_groups"]),
        (lambda users: users.invite("new@olympus.example", ["clerks"], "admin"), ["user.invite"]),
    ],
    ids=["disable", "enable", "sign out", "reset MFA", "set groups", "add to a group", "remove from a group", "invite"],
)
def test_an_action_is_recorded_under_the_sub_of_the_user_and_names_who_acted(
    pool: Pool, change: Callable[[AdministerUsers], Result], actions: list[str]
) -> None:
    change(over(pool))
    assert pool.audit.actions == actions
    (entry,) = pool.audit.entries
    assert (entry.by, entry.way) == ("admin", "api")
    assert entry.subject in ("sub:sub-of-clio", "sub:sub-of-new")
    assert "olympus" not in str(entry)


def test_a_failed_action_gets_a_second_entry_with_the_code(pool: Pool) -> None:
    pool.fails_at = 1
    with pytest.raises(InternalError):
        over(pool).disable("clio", "admin")
    assert [entry.detail for entry in pool.audit.entries] == [{}, {"failed": "unreachable"}]


@pytest.mark.parametrize("change", ["disable", "enable", "sign_out"])
def test_an_action_that_cannot_be_recorded_is_not_done(pool: Pool, change: str) -> None:
    pool.audit.failure = InternalError("audit_unreachable", "AWS: timeout")
    with pytest.raises(InternalError):
        getattr(over(pool), change)("clio", "admin")
    assert pool.writes == []


# --- invitations ---


def test_the_invitation_is_sent_after_the_groups_were_added(pool: Pool) -> None:
    result = over(pool).invite("new@olympus.example", ["readers", "clerks"], "admin")
    assert pool.writes == ["create", "add clerks", "add readers", "invite"]
    assert (result.user.email, result.groups) == ("new@olympus.example", ("clerks", "readers"))


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_a_failed_invitation_gives_nobody_a_password_and_can_be_repeated(pool: Pool, fails_at: int) -> None:
    pool.fails_at = fails_at
    with pytest.raises(InternalError):
        over(pool).invite("new@olympus.example", ["readers", "clerks"], "admin")
    assert "invite" not in pool.writes
    assert over(pool).invite("new@olympus.example", ["readers", "clerks"], "admin").groups == ("clerks", "readers")
    assert pool.writes[-1] == "invite"


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(user("clio", email=ADDRESS), id="who has a password"),
        pytest.param(user("clio", email=ADDRESS, status="FORCE_CHANGE_PASSWORD", enabled=False), id="who is disabled"),
    ],
)
def test_a_user_cannot_be_invited_again(pool: Pool, known: User) -> None:
    pool.add(known, "readers")
    with pytest.raises(Conflict):
        over(pool).invite(ADDRESS, ["clerks"], "admin")
    assert (pool.writes, pool.groups["clio"]) == ([], {"readers"})


# --- the last administrator ---


def refuse_lock_out(pool: Pool, policies: FakePolicies) -> RefuseUserLockOut:
    return RefuseUserLockOut(Administrators(policies, pool.group_exists), pool.members, pool.groups_of)


@pytest.fixture
def administered() -> tuple[Pool, AdministerUsers]:
    """A pool whose group admins administers. athena is its only member who counts."""
    pool, policies = Pool(), FakePolicies()
    policies.put("group:admins", statements(EVERYTHING), "admin", None)
    policies.put("group:ghosts", statements(EVERYTHING), "admin", None)
    policies.put("group:readers", statements(allow("/reports")), "admin", None)
    policies.put("group:clerks", statements(deny("/admin/*", methods=["*"])), "admin", None)
    pool.add(user("athena"), "admins", "readers")
    pool.add(user("hera", enabled=False), "admins")
    pool.add(user("iris", status="FORCE_CHANGE_PASSWORD"), "admins")
    pool.add(user("clio"), "readers")
    return pool, over(pool, refuse_lock_out(pool, policies))


CHANGES: dict[str, Callable[..., Result]] = {
    "disable": lambda users, **more: users.disable("athena", "athena", **more),
    "take the group": lambda users, **more: users.set_groups("athena", ["readers"], "athena", **more),
    "take all groups": lambda users, **more: users.set_groups("athena", [], "athena", **more),
    "take one group": lambda users, **more: users.remove_from_group("athena", "admins", "athena", **more),
    "give a group that denies": lambda users, **more: users.add_to_group("athena", "clerks", "athena", **more),
    "give another one": lambda users, **more: users.set_groups("athena", ["admins", "clerks"], "athena", **more),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_last_administrator_cannot_lose_access_by_accident(
    administered: tuple[Pool, AdministerUsers], change: Callable[..., Result]
) -> None:
    pool, users = administered
    with pytest.raises(LastAdministrator, match=r'Add another user to admins first\. .* "force": true'):
        change(users)
    assert pool.writes == []
    change(users, force=True)
    assert pool.writes


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_administrator_can_lose_access_while_another_one_remains(
    administered: tuple[Pool, AdministerUsers], change: Callable[..., Result]
) -> None:
    pool, users = administered
    pool.groups["clio"].add("admins")
    change(users)
    assert pool.writes


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_member_who_is_denied_by_another_group_is_no_other_administrator(
    administered: tuple[Pool, AdministerUsers], change: Callable[..., Result]
) -> None:
    pool, users = administered
    pool.groups["clio"] |= {"admins", "clerks"}
    with pytest.raises(LastAdministrator):
        change(users)
    assert pool.writes == []
    assert users.add_to_group("clio", "owners", "athena").added == ("owners",)  # of no effect for the administration


def test_a_member_of_a_group_with_a_corrupt_policy_is_no_other_administrator() -> None:
    admins = FakePolicies().put("group:admins", statements(EVERYTHING), "admin", None)
    policies = FakePolicies({"group:admins": admins}, corrupt=(CorruptPolicy("group:clerks", 3, None, None),))
    pool = Pool()
    pool.add(user("athena"), "admins")
    pool.add(user("clio"), "admins", "clerks")
    users = over(pool, refuse_lock_out(pool, policies))
    with pytest.raises(LastAdministrator):
        users.disable("athena", "athena")
    assert not users.disable("clio", "athena").user.enabled


def test_a_user_of_two_administering_groups_can_lose_one() -> None:
    pool, policies = Pool(), FakePolicies()
    for group in ("admins", "owners"):
        policies.put(f"group:{group}", statements(EVERYTHING), "admin", None)
    pool.add(user("athena"), "admins", "owners")
    users = over(pool, refuse_lock_out(pool, policies))
    assert users.set_groups("athena", ["owners"], "athena").removed == ("admins",)
    assert users.set_groups("athena", ["admins"], "athena").removed == ("owners",)
    with pytest.raises(LastAdministrator, match="admins or owners"):
        users.set_groups("athena", [], "athena")


def test_a_user_who_is_no_administrator_can_always_be_disabled(administered: tuple[Pool, AdministerUsers]) -> None:
    _, users = administered
    for name in ("clio", "hera"):
        assert not users.disable(name, "athena").user.enabled

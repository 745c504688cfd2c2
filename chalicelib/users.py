"""Use case: administer the users of the user pool, and end their access.

Two systems hold a user's access: Cognito issues tokens, and the state table refuses issued ones. The order of the
writes ensures that a failure between them leaves no more access than before. After a failure, repeat the request.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.audit import Audit
from chalicelib.core.errors import Conflict, InvalidInput
from chalicelib.core.group_name import EXPECTED, is_group_name
from chalicelib.core.user_name import EXPECTED_ADDRESS, is_address, is_user_name
from chalicelib.core.user_search import UserSearch
from chalicelib.ports import Revocation, User, UserAccounts, UserPage

MOST_CHANGES = 20  # calls to Cognito that fit into the timeout of the function
_EVERYBODY = UserSearch()
_PENDING = "FORCE_CHANGE_PASSWORD"
_EXTERNAL = "EXTERNAL_PROVIDER"  # the status of a user of an identity provider
_NO_AUTHENTICATOR = (
    "The user has no authenticator app. A stage that requires MFA asks for a new one at the next sign-in, after the"
    " password alone. If somebody else may know the password, reset it too."
)
_REVOKED = "The tokens that were issued until now are refused. Clients need new ones."
_USE_CASE_1 = "Routes of use case 1 accept the tokens that were already issued until they expire."
_COOKIE = (
    "The user can sign in again. If SignInCookieMinutes of the stage is 0, a signed-in browser needs the password."
    " Otherwise, its cookie still gives new tokens. A session at the company also remains. To keep the user out,"
    " disable the user."
)


# What to do for a user with this status, whom nobody can invite again.
_NEXT_STEP = {
    "UNCONFIRMED": "The user signed up and must confirm the address on the sign-in pages.",
    "RESET_REQUIRED": "The user must set a new password on the sign-in pages (forgotten password).",
}
_HAS_SIGNED_IN = (
    "The user has a password, so there is no invitation to send again. To change the groups, set them. If the password"
    " is lost, the user resets it on the sign-in pages. If the authenticator app is lost, reset the MFA."
)


def _next_step(user: User) -> str:
    if not user.enabled:
        return "The user is disabled. Enable the user, then invite again or set the groups."
    return _NEXT_STEP.get(user.status, _HAS_SIGNED_IN)


@dataclass(frozen=True, slots=True)
class Result:
    """A user after a change.

    added, removed  the groups that the change gave and took
    revoked_at      seconds since 1970: tokens that were issued until then are refused. None: no token is refused
    notices         messages for people about access that ended and access that remains
    """

    user: User
    groups: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    revoked_at: int | None = None
    notices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form. The groups are in `user`."""
        fields = asdict(self)
        fields["user"]["groups"] = fields.pop("groups")
        return fields


@dataclass(frozen=True, slots=True)
class AdministerUsers:
    """Administers users.

    revoke           revokes the tokens of a `sub` that were issued up to now: (sub, author) → revocation
    refuse_lock_out  raises LastAdministrator if a user must not get other groups: (user, groups before, groups after)
    audit            records each action. The subject of an entry is the user's `sub`, and not the name or address
    """

    accounts: UserAccounts
    revoke: Callable[[str, str], Revocation]
    refuse_lock_out: Callable[[User, Collection[str], Collection[str]], None]
    audit: Audit

    def list(self, limit: int, token: str | None = None, search: UserSearch = _EVERYBODY) -> UserPage:
        """Returns a page of users. It can contain fewer users than `limit`, or none, and not be the last one.

        Raises:  InvalidInput for a token of another search and for an unknown group; InternalError
        """
        return self.accounts.list(limit, token, search)

    def show(self, name: str) -> tuple[User, tuple[str, ...]]:
        """Returns a user by e-mail address, `sub` or username, and the groups.

        Raises:  InvalidInput for a text that is not a name, NotFound, InternalError
        """
        if not is_user_name(name):
            raise InvalidInput("username", "expected an e-mail address, a sub or a username of the user pool")
        user = self.accounts.find(name)
        return user, self.accounts.groups_of(user.username)

    def invite(self, address: str, groups: Collection[str], author: str) -> Result:
        """Creates a user and send an invitation. A user who has not accepted yet is invited again.

        The invitation is sent last. Until then, nobody knows a password, so nobody signs in with some of the groups.

        Raises:  InvalidInput, Conflict for a user who has accepted or is disabled; InternalError
        """
        if not is_address(address):
            raise InvalidInput("username", f"expected {EXPECTED_ADDRESS}")
        self._check_groups(groups)
        try:
            user = self.accounts.create(address)
        except Conflict as taken:
            user = self.accounts.find(address)
            if user.status != _PENDING or not user.enabled:
                raise Conflict(taken.code, f"{taken.message}. {_next_step(user)}") from taken
        before = self.accounts.groups_of(user.username)
        added = tuple(sorted(set(groups) - set(before)))
        with self._recorded("user.invite", user, author, {"added": added}):
            for group in added:
                self.accounts.add_to_group(user.username, group)
            self.accounts.send_invitation(address)
        return Result(user, self.accounts.groups_of(user.username), added)

    def set_groups(self, name: str, groups: Collection[str], author: str, force: bool = False) -> Result:
        """Gives a user exactly these groups. A change that removes a group also revokes the user's older tokens.

        A request that changes no group also revokes the tokens, because it may repeat a request that has failed.

        force    change the groups also of the last administrator
        Raises:  InvalidInput, NotFound, LastAdministrator, InternalError
        """
        user, before = self.show(name)
        automatic = {group for group in before if self.accounts.is_automatic(group)}
        added = tuple(sorted(set(groups) - set(before)))
        removed = tuple(sorted(set(before) - set(groups) - automatic))
        self._check_groups(added)
        if len(added) + len(removed) > MOST_CHANGES:
            raise InvalidInput("groups", f"{len(added) + len(removed)} changes, at most {MOST_CHANGES} are accepted")
        if not force:
            self.refuse_lock_out(user, before, set(before) - set(removed) | set(added))
        with self._recorded("user.set_groups", user, author, {"added": added, "removed": removed}):
            return self._change_groups(user, added, removed, author)

    def add_to_group(self, name: str, group: str, author: str, force: bool = False) -> Result:
        """Adds a user to one group, and changes no other group. A member stays a member.

        force    add also the last administrator to a group whose policy denies the administration
        Raises:  InvalidInput, NotFound, LastAdministrator, InternalError
        """
        user, before = self.show(name)
        self._check_groups([group])
        added = () if group in before else (group,)
        if not force:
            self.refuse_lock_out(user, before, {*before, *added})
        with self._recorded("user.set_groups", user, author, {"added": added, "removed": ()}):
            for missing in added:
                self.accounts.add_to_group(user.username, missing)
        return Result(user, self.accounts.groups_of(user.username), added)

    def remove_from_group(self, name: str, group: str, author: str, force: bool = False) -> Result:
        """Removes a user from one group, and revokes the user's older tokens. It changes no other group.

        A request for a user who is not a member also revokes the tokens, as in `set_groups`.

        force    remove also the last administrator
        Raises:  InvalidInput, NotFound, LastAdministrator, InternalError
        """
        user, before = self.show(name)
        self._check_groups([group])
        removed = (group,) if group in before else ()
        if not force:
            self.refuse_lock_out(user, before, set(before) - set(removed))
        with self._recorded("user.set_groups", user, author, {"added": (), "removed": removed}):
            return self._change_groups(user, (), removed, author)

    def _change_groups(self, user: User, added: Collection[str], removed: Collection[str], author: str) -> Result:
        if added and not removed:
            for group in added:
                self.accounts.add_to_group(user.username, group)
            return Result(user, self.accounts.groups_of(user.username), tuple(added))
        self.revoke(user.sub, author)  # if this fails, nothing has changed
        try:
            for group in removed:
                self.accounts.remove_from_group(user.username, group)
            for group in added:
                self.accounts.add_to_group(user.username, group)
        finally:
            # Tokens that were issued since the first revocation contain the groups that are now removed.
            revoked_at = self.revoke(user.sub, author).revoked_at
        after = self.accounts.groups_of(user.username)
        return Result(user, after, tuple(added), tuple(removed), revoked_at, (_REVOKED, _USE_CASE_1))

    def disable(self, name: str, author: str, force: bool = False) -> Result:
        """Disables a user and revoke the issued tokens. The cookie of the sign-in pages gives no new tokens either.

        force    disable also the last administrator
        Raises:  InvalidInput, NotFound, LastAdministrator, InternalError
        """
        user, groups = self.show(name)
        if not force:
            self.refuse_lock_out(user, groups, ())
        with self._recorded("user.disable", user, author):
            try:
                self.accounts.disable(user.username)
                self.accounts.sign_out(user.username)  # so that the refresh tokens do not work after `enable`
            finally:
                # After the user is disabled: until then, Cognito issues tokens that a revocation would not cover.
                revoked_at = self.revoke(user.sub, author).revoked_at
        return Result(self.accounts.find(user.username), groups, revoked_at=revoked_at, notices=(_REVOKED, _USE_CASE_1))

    def enable(self, name: str, author: str) -> Result:
        """Lets a user sign in again. The user's older tokens stay revoked.

        Raises:  InvalidInput, NotFound, InternalError
        """
        user, groups = self.show(name)
        with self._recorded("user.enable", user, author):
            self.accounts.enable(user.username)
        return Result(self.accounts.find(user.username), groups)

    def sign_out(self, name: str, author: str) -> Result:
        """Ends the sessions of a user: the refresh tokens, and the tokens that were issued.

        Raises:  InvalidInput, NotFound, InternalError
        """
        user, groups = self.show(name)
        with self._recorded("user.sign_out", user, author):
            ended = self._end_sessions(user, author)
        return Result(user, groups, revoked_at=ended, notices=(_REVOKED, _COOKIE, _USE_CASE_1))

    def reset_mfa(self, name: str, author: str) -> Result:
        """Removes the authenticator app of a user, and ends the sessions.

        Raises:  InvalidInput, NotFound, Conflict for a user without an authenticator here; InternalError
        """
        user, groups = self.show(name)
        if user.status == _EXTERNAL:
            raise Conflict("external_user", "this user signs in at a company, which administers the second factor")
        with self._recorded("user.reset_mfa", user, author):
            try:
                self.accounts.remove_authenticator(user.username)
            finally:
                ended = self._end_sessions(user, author)
        return Result(user, groups, revoked_at=ended, notices=(_NO_AUTHENTICATOR, _REVOKED, _COOKIE, _USE_CASE_1))

    def _end_sessions(self, user: User, author: str) -> int:
        """Invalidates the refresh tokens, and revokes the issued tokens."""
        try:
            self.accounts.sign_out(user.username)
        finally:
            # After the refresh tokens: until then, they give access tokens that a revocation would not cover.
            revoked_at = self.revoke(user.sub, author).revoked_at
        return revoked_at

    def _recorded(
        self, action: str, user: User, author: str, detail: dict[str, Any] | None = None
    ) -> AbstractContextManager[None]:
        return self.audit.recorded(action, f"sub:{user.sub}", author, detail)

    def _check_groups(self, groups: Collection[str]) -> None:
        """Raises InvalidInput for a group that nobody can be added to."""
        if len(groups) > MOST_CHANGES:
            raise InvalidInput("groups", f"{len(groups)} groups, at most {MOST_CHANGES} are accepted")
        for group in sorted(groups):
            if not is_group_name(group):
                raise InvalidInput("groups", f"{group[:80]!r}: expected {EXPECTED}")
            if self.accounts.is_automatic(group):
                raise InvalidInput("groups", f"{group!r}: Cognito keeps the members of this group")
            if not self.accounts.group_exists(group):
                raise InvalidInput("groups", f"{group!r}: the user pool has no such group")

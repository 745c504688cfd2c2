"""Use case: refuse a change of a policy or of a user that would leave no administrator."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.core.administrator import administers
from chalicelib.core.errors import LastAdministrator
from chalicelib.core.policy import Policy
from chalicelib.core.statement import Statement
from chalicelib.ports import PolicyCatalog, User

# Users with another status, such as an invited user, might never sign in.
_SIGNED_IN_BEFORE = ("CONFIRMED", "EXTERNAL_PROVIDER")


@dataclass(frozen=True, slots=True)
class Administrators:
    """The policies whose groups are administrators.

    group_exists  whether the user pool has a group; nobody can be in any other group
    """

    policies: PolicyCatalog
    group_exists: Callable[[str], bool]

    def list(self) -> "list[Policy]":
        """Raises InternalError."""
        return [
            policy
            for policy in self.policies.list_stored()
            if isinstance(policy, Policy)
            and administers(policy.subject, policy.statements)
            and self.group_exists(policy.subject.removeprefix("group:"))
        ]


@dataclass(frozen=True, slots=True)
class RefuseLockOut:
    """Refuses the change of the last administrator's policy."""

    administrators: Administrators

    def __call__(self, subject: str, after: Sequence[Statement]) -> Policy | None:
        """Return the policy of another administrator. None if the change removes no administrator.

        Two administrators can remove each other at the same time. So the write must check that the returned policy has
        not changed.

        Raises:  LastAdministrator if the change removes the last administrator; InternalError
        """
        if administers(subject, after):
            return None
        administrators = self.administrators.list()
        others = [policy for policy in administrators if policy.subject != subject]
        if len(others) == len(administrators):  # the subject is not an administrator now
            return None
        if not others:
            raise LastAdministrator(
                f"without this policy of {subject}, no group could change policies. Give another group of the user"
                " pool PUT on /admin/policies/* first."
            )
        return others[0]


@dataclass(frozen=True, slots=True)
class RefuseUserLockOut:
    """Refuses to take the permissions of the last user who is an administrator.

    members  returns the users of a group
    """

    administrators: Administrators
    members: Callable[[str], Iterable[User]]

    def __call__(self, user: User, lost: Collection[str], kept: Collection[str]) -> None:
        """Accept that a user loses some groups and keeps others.

        Raises:  LastAdministrator if no other user could administer policies; InternalError
        """
        if not user.enabled or not lost:
            return
        groups = {policy.subject.removeprefix("group:") for policy in self.administrators.list()}
        if groups.isdisjoint(lost) or not groups.isdisjoint(kept):
            return
        if not any(self._remains(member, user) for group in sorted(groups) for member in self.members(group)):
            raise LastAdministrator(
                "no other enabled user who has signed in could change policies. Add another user to"
                f" {' or '.join(sorted(groups))} first."
            )

    def _remains(self, member: User, user: User) -> bool:
        return member.enabled and member.status in _SIGNED_IN_BEFORE and member.username != user.username

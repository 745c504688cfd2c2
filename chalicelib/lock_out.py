"""Use case: refuse a change of a policy or of a user that would leave no administrator."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.core.errors import LastAdministrator
from chalicelib.core.policy import Policy
from chalicelib.core.statement import Statement
from chalicelib.ports import PolicyCatalog, User
from chalicelib.stage_rules import NO_RULES, StageRules

# Users with another status, such as an invited user, might never sign in.
_SIGNED_IN_BEFORE = ("CONFIRMED", "EXTERNAL_PROVIDER")

Members = Callable[[str], Iterable[User]]  # group → its users


def can_sign_in(user: User) -> bool:
    """Returns whether a user is enabled and has signed in before."""
    return user.enabled and user.status in _SIGNED_IN_BEFORE


@dataclass(frozen=True, slots=True)
class Administrators:
    """The policies whose groups are administrators.

    group_exists  whether the user pool has a group; nobody can be in any other group
    rules         of the stage
    """

    policies: PolicyCatalog
    group_exists: Callable[[str], bool]
    rules: StageRules = NO_RULES

    def administers(self, subject: str, statements: Sequence[Statement]) -> bool:
        return self.rules.administers(subject, statements)

    def list(self) -> "list[Policy]":
        """Raises InternalError."""
        return [
            policy
            for policy in self.policies.list_stored()
            if isinstance(policy, Policy)
            and self.administers(policy.subject, policy.statements)
            and self.group_exists(policy.subject.removeprefix("group:"))
        ]


@dataclass(frozen=True, slots=True)
class RefuseLockOut:
    """Refuses the change of the last administrator's policy.

    members  returns the users of a group
    """

    administrators: Administrators
    members: Members

    def __call__(self, subject: str, after: Sequence[Statement]) -> Policy | None:
        """Returns the policy of another administrator. None if the change removes no administrator.

        Two administrators can remove each other at the same time. Therefore the write must check that the returned
        policy has not changed. Whether the subject itself has members does not matter: users of a company's provider
        get the group only in their token.

        Raises:  LastAdministrator if the change removes the last administrator; InternalError
        """
        if self.administrators.administers(subject, after):
            return None
        administrators = self.administrators.list()
        others = [policy for policy in administrators if policy.subject != subject]
        if len(others) == len(administrators):  # the subject is not an administrator now
            return None
        for policy in others:  # one request for each, and one more for each 60 users who cannot sign in
            if any(map(can_sign_in, self.members(policy.subject.removeprefix("group:")))):
                return policy
        raise LastAdministrator(
            f"without this policy of {subject}, no group with an enabled user who has signed in could change policies."
            " Give such a group of the user pool PUT on /admin/policies/* first."
        )


@dataclass(frozen=True, slots=True)
class RefuseUserLockOut:
    """Refuses to take the permissions of the last user who is an administrator.

    members  returns the users of a group
    """

    administrators: Administrators
    members: Members

    def __call__(self, user: User, lost: Collection[str], kept: Collection[str]) -> None:
        """Accepts that a user loses some groups and keeps others.

        Raises:  LastAdministrator if no other user could administer policies; InternalError
        """
        if not user.enabled or not lost:
            return
        groups = {policy.subject.removeprefix("group:") for policy in self.administrators.list()}
        if groups.isdisjoint(lost) or not groups.isdisjoint(kept):
            return
        others = (it for group in sorted(groups) for it in self.members(group) if it.username != user.username)
        if not any(map(can_sign_in, others)):
            raise LastAdministrator(
                "no other enabled user who has signed in could change policies. Add another user to"
                f" {' or '.join(sorted(groups))} first."
            )

"""Use case: refuse a change of a policy or of a user that would leave no administrator."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.core.errors import LastAdministrator
from chalicelib.core.policy import CorruptPolicy, Policy, StoredPolicy
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

    def administers_in(self, own: Collection[str], group: str, stored: Iterable[StoredPolicy]) -> bool:
        """Returns whether the policies of all own groups together let a member administer as one of the group.

        A Deny of another group counts. A corrupt policy denies everything.
        """
        subjects = {f"group:{name}" for name in own}
        policies = [policy for policy in stored if policy.subject in subjects]
        statements = [it for policy in policies if isinstance(policy, Policy) for it in policy.statements]
        corrupt = any(isinstance(policy, CorruptPolicy) for policy in policies)
        return not corrupt and self.administers(f"group:{group}", statements)

    def among(self, stored: Iterable[StoredPolicy]) -> "list[Policy]":
        """Returns the policies of these whose groups are administrators. Raises InternalError."""
        return [
            policy
            for policy in stored
            if isinstance(policy, Policy)
            and self.administers(policy.subject, policy.statements)
            and self.group_exists(policy.subject.removeprefix("group:"))
        ]

    def list(self) -> "list[Policy]":
        """Raises InternalError."""
        return self.among(self.policies.list_stored())


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
    """Refuses a change of groups after which no user is an administrator.

    members    returns the users of a group
    groups_of  returns the groups of a user, for the username
    """

    administrators: Administrators
    members: Members
    groups_of: Callable[[str], Collection[str]]

    def __call__(self, user: User, before: Collection[str], after: Collection[str]) -> None:
        """Accepts that a user has other groups. A further group can deny what the others allow.

        Raises:  LastAdministrator if no other user could administer policies; InternalError
        """
        if not user.enabled or set(before) == set(after):
            return
        stored = self.administrators.policies.list_stored()
        groups = {policy.subject.removeprefix("group:") for policy in self.administrators.among(stored)}

        def administers(own: Collection[str]) -> bool:
            return any(self.administrators.administers_in(own, group, stored) for group in groups.intersection(own))

        if not administers(before) or administers(after):
            return
        others = (it for group in sorted(groups) for it in self.members(group) if it.username != user.username)
        if not any(can_sign_in(it) and administers(self.groups_of(it.username)) for it in others):
            raise LastAdministrator(
                "no other enabled user who has signed in could change policies. Add another user to"
                f" {' or '.join(sorted(groups))} first."
            )

"""Use case: list the groups of the user pool, each with the state of its policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chalicelib.core.policy import CorruptPolicy, Policy, StoredPolicy
from chalicelib.ports import Group, PolicyCatalog, UserAccounts

PolicyState = Literal["valid", "none", "corrupt"]


@dataclass(frozen=True, slots=True)
class GroupWithPolicy(Group):
    """A group with the state of its policy.

    automatic       whether Cognito itself keeps the members: all users of one identity provider
    policy          none: the group permits nothing; corrupt: requests of members get HTTP 500
    policy_version  None without a policy
    statements      the number of statements; None without a valid policy
    """

    automatic: bool
    policy: PolicyState
    policy_version: int | None
    statements: int | None


@dataclass(frozen=True, slots=True)
class ListGroups:
    """Lists the groups of the user pool. A group without a policy is in the list, a policy without a group is not."""

    accounts: UserAccounts
    policies: PolicyCatalog

    def __call__(self, limit: int, token: str | None = None) -> tuple[tuple[GroupWithPolicy, ...], str | None]:
        """Returns a page of groups, and the token of the next page. Raises InvalidInput, InternalError."""
        page = self.accounts.list_groups(limit, token)
        policies = _by_subject(self.policies.list_stored())
        return tuple(self._shown(group, policies.get(f"group:{group.name}")) for group in page.groups), page.next_token

    def _shown(self, group: Group, stored: StoredPolicy | None) -> GroupWithPolicy:
        state, version, statements = _state_of(stored)
        automatic = self.accounts.is_automatic(group.name)
        return GroupWithPolicy(group.name, group.description, automatic, state, version, statements)


def _by_subject(policies: Sequence[StoredPolicy]) -> Mapping[str, StoredPolicy]:
    return {policy.subject: policy for policy in policies}


def _state_of(stored: StoredPolicy | None) -> tuple[PolicyState, int | None, int | None]:
    if isinstance(stored, Policy):
        return "valid", stored.version, len(stored.statements)
    if isinstance(stored, CorruptPolicy):
        return "corrupt", None, None
    return "none", None, None

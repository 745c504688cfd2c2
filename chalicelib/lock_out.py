"""Use case: refuse the change of a policy that would leave no administrator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.core.administrator import administers
from chalicelib.core.errors import LastAdministrator
from chalicelib.core.policy import Policy
from chalicelib.core.statement import Statement
from chalicelib.ports import PolicyCatalog


@dataclass(frozen=True, slots=True)
class RefuseLockOut:
    """Refuses the change of the last administrator's policy.

    group_exists  whether the user pool has a group; nobody can be in any other group
    """

    policies: PolicyCatalog
    group_exists: Callable[[str], bool]

    def __call__(self, subject: str, after: Sequence[Statement]) -> Policy | None:
        """Return the policy of another administrator, which must remain for the change; None if it needs no other.

        Two administrators can remove each other at the same time. So the write must check that the other one remains.

        Raises:  LastAdministrator if only this subject is an administrator, and will not be; InternalError
        """
        if administers(subject, after):
            return None
        administrators = self._administrators()
        others = [policy for policy in administrators if policy.subject != subject]
        if len(others) == len(administrators):  # the subject is not an administrator now
            return None
        if not others:
            raise LastAdministrator(subject)
        return others[0]

    def _administrators(self) -> list[Policy]:
        return [
            policy
            for policy in self.policies.list_stored()
            if isinstance(policy, Policy)
            and administers(policy.subject, policy.statements)
            and self.group_exists(policy.subject.removeprefix("group:"))
        ]

"""Plans how the policy table of a stage becomes equal to the files, and applies the plan.

A plan does not touch the policies of other authors, unless it overwrites them. Each change is conditional on the
version that the plan was made from, and changes the whole policy of its subject or nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from authorizers.policy_document import check_size
from chalicelib.administer import Administer
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.errors import NotFound, VersionConflict
from chalicelib.core.policy import DeletedPolicy, Policy, StoredPolicy
from chalicelib.core.statement import Statement
from chalicelib.stage_rules import StageRules
from chalicelib.wiring import administer_with, check_written
from infra.audit_log import audit_log
from infra.errors import Refused
from infra.policy_files import PolicyFile, read_policies

AUTHOR = "policies/"  # the author in the policy table of every policy that comes from a file


@dataclass(frozen=True)
class PolicyChange:
    """A policy that differs from its file.

    before  what is stored, None if nothing is
    after   the statements of the file, None if the file no longer exists
    kept    whether the change is not made, because another author wrote or deleted the policy
    """

    subject: str
    before: StoredPolicy | None
    after: tuple[Statement, ...] | None
    kept: bool = False

    def __str__(self) -> str:
        if self.kept:
            change = "deleted" if isinstance(self.before, DeletedPolicy) else "written"
            author = (self.before and self.before.updated_by) or "another tool"
            when = (self.before and self.before.updated_at) or "an unknown time"
            return f"{self.subject} ({change} by {author} at {when})"
        return self.subject

    @property
    def version(self) -> int | None:
        """The version that the change replaces. None for an item without a version, which another tool wrote."""
        if self.before is None or isinstance(self.before, DeletedPolicy):
            return 0
        return self.before.version


@dataclass
class Applied:
    """The subjects of the changed policies. `kept` describes policies that another author wrote or deleted last."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.written or self.removed)

    def notes(self, overwrite: str = "--overwrite-policies") -> list[str]:
        """Returns one line for each policy that changed, or that differs from its file.

        overwrite  the option or the command that replaces the policies of other authors
        """
        return [
            *(f"written: {subject}" for subject in self.written),
            *(f"deleted, because its file no longer exists: {subject}" for subject in self.removed),
            *(f"not changed: {kept}. To replace it, use {overwrite}" for kept in self.kept),
        ]


def plan(files: Iterable[PolicyFile], stored: Iterable[StoredPolicy], overwrite: bool) -> list[PolicyChange]:
    """Returns the policies that differ from their files, in the order of the files.

    overwrite  also replace policies that another author wrote or deleted last
    """
    before, after = {policy.subject: policy for policy in stored}, {file.subject: file.parsed for file in files}
    changes = [_write(subject, before.get(subject), after[subject], overwrite) for subject in after]
    gone = [
        PolicyChange(subject, policy, None)
        for subject, policy in sorted(before.items())
        if subject not in after and not isinstance(policy, DeletedPolicy) and policy.updated_by == AUTHOR
    ]
    return [*filter(None, changes), *gone]


def _write(
    subject: str, before: StoredPolicy | None, after: tuple[Statement, ...], overwrite: bool
) -> PolicyChange | None:
    if isinstance(before, Policy) and before.statements == after:
        return None
    return PolicyChange(
        subject, before, after, kept=before is not None and before.updated_by != AUTHOR and not overwrite
    )


def refuse_lock_out(
    changes: Iterable[PolicyChange],
    stored: Iterable[StoredPolicy],
    exists: Callable[[str], bool],
    rules: StageRules,
) -> None:
    """Raises Refused if the changes would leave no administrator, see `chalicelib/core/administrator.py`.

    exists  whether the user pool has a group
    rules   of the stage
    """
    before = {policy.subject: policy.statements for policy in stored if isinstance(policy, Policy)}
    after = before | {change.subject: change.after or () for change in changes if not change.kept}

    def administrators(policies: Mapping[str, Sequence[Statement]]) -> list[str]:
        groups = [subject for subject, statements in policies.items() if rules.administers(subject, statements)]
        return [subject for subject in groups if exists(subject.removeprefix("group:"))]

    if administrators(before) and not administrators(after):
        raise Refused(
            "policies/: after these changes, no group could change policies through the API. Until now,"
            f" {administrators(before)[0]} can. Allow PUT on /admin/policies/* to one group. To proceed anyway, use"
            " `manage.py policies apply --allow-no-administrator`."
        )


class PolicyFiles:
    """The files, and the tables of one stage. Raises Refused, as `read_policies` does.

    outputs   of the identity stack
    rules     of the stage
    operator  returns who applies the files, for the audit log; None: the author of the files
    """

    def __init__(
        self,
        folder: Path,
        outputs: Mapping[str, str],
        dynamodb: Any,
        rules: StageRules,
        operator: Callable[[], str] | None = None,
    ) -> None:
        check = check_written(rules)
        self.files = read_policies(folder, outputs, check)
        self._policies = PolicyTable(dynamodb, outputs["PolicyTableName"], check_size=check_size)
        self._administer = administer_with(
            dynamodb,
            outputs["PolicyTableName"],
            outputs["StateTableName"],
            audit_log(outputs, dynamodb),
            "cli",
            operator,
            check_written=check,
        )

    def stored(self) -> Sequence[StoredPolicy]:
        return self._policies.list_stored()

    def apply(self, overwrite: bool) -> Applied:
        """Writes the policies that differ from their files. Deletes policies whose file no longer exists."""
        return self.execute(plan(self.files, self.stored(), overwrite))

    def execute(self, changes: Iterable[PolicyChange]) -> Applied:
        """Makes the changes, each completely or not at all.

        Raises:  Refused, after all other changes, for policies that changed since the plan was made
        """
        applied, conflicts = Applied(), list[str]()
        for change in changes:
            if change.kept:
                applied.kept.append(str(change))
                continue
            try:
                _make(self._administer, change)
            except (NotFound, VersionConflict):
                conflicts.append(change.subject)
            else:
                (applied.written if change.after is not None else applied.removed).append(change.subject)
        if conflicts:
            raise Refused(
                f"Changed by another author in the meantime, and not written: {', '.join(conflicts)}."
                f" Written: {', '.join([*applied.written, *applied.removed]) or 'nothing'}. Run the command again."
            )
        return applied


def _make(administer: Administer, change: PolicyChange) -> None:
    if change.after is None:
        administer.delete_policy(change.subject, AUTHOR, change.version)
    else:
        administer.put_policy(change.subject, change.after, AUTHOR, change.version)


def as_stored(change: PolicyChange) -> tuple[Policy, Policy]:
    """Returns the policy before and after the change. A policy that is missing or corrupt permits nothing."""
    nothing = Policy(change.subject, 0, (), AUTHOR, "")
    before = change.before if isinstance(change.before, Policy) else nothing
    return before, replace(nothing, statements=change.after or ())

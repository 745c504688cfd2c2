"""Destroys one stage: the application's stack, then the identity stack. Retains the data, unless it is purged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.clients import Client
from infra.errors import Refused
from infra.progress import Progress
from infra.retained import Retained, find_retained
from infra.stacks import Stacks
from infra.stage import Stage
from infra.trial_stage import refuse_destruction


@dataclass(frozen=True)
class Destroy:
    """Destroys one stage. Every step is idempotent and can be repeated after a failed attempt."""

    project: Path
    stage: Stage
    client: Client
    progress: Progress

    def __call__(self, purge: bool) -> None:
        """Destroys the stage. Raises Refused and StepFailed.

        purge  also delete the user pool, the tables, the key and the artifact bucket
        """
        self._refuse_protected()
        refuse_destruction(self.project, self.stage, self.client)
        self._delete_stack("Delete the application stack", self.stage.application_stack)
        self._delete_stack("Delete the identity stack", self.stage.stack)
        retained = self._report_retained(purge)
        if purge:
            self._purge(retained)

    def _refuse_protected(self) -> None:
        if self.stage.identity.get("DataProtection", "true") == "true":
            file = f"infra/stages/{self.stage.name}.yaml"
            raise Refused(
                f"{file}: identity.DataProtection: this stage is protected. Destroying it permanently deletes group"
                " memberships, app clients with their secrets, and logs. To proceed, set `DataProtection: false` in"
                " this file, have the change reviewed, and run the same command again."
            )

    def _delete_stack(self, step_name: str, stack: str) -> None:
        with self.progress.step(step_name) as step:
            step.changed = Stacks(self.client("cloudformation")).delete(stack)

    def _report_retained(self, purge: bool) -> Sequence[Retained]:
        with self.progress.step("Find retained data") as step:
            retained = find_retained(self.stage, self.client)
            step.notes += [f"{'to be deleted' if purge else 'retained'}: {item.name}" for item in retained]
            if retained and not purge:
                step.notes.append("a retained user pool has its users; its groups and app clients are deleted")
        return retained

    def _purge(self, retained: Sequence[Retained]) -> None:
        with self.progress.step("Delete retained data") as step:
            for item in retained:
                item.delete()
                step.changed = True
                step.notes.append(f"deleted {item.when}: {item.name}")

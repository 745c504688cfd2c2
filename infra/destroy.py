"""Destroys one stage: the application, then the identity stack. The data is retained unless the operator purges it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import discovery
from infra.chalice_command import run_chalice
from infra.chalice_config import drop_config
from infra.chalice_state import ChaliceState
from infra.errors import Refused
from infra.progress import Progress
from infra.retained import Retained, find_retained
from infra.stacks import Stacks
from infra.stage import Stage


@dataclass(frozen=True)
class Destroy:
    """Destroys one stage. Every step is idempotent and can be repeated after a failed attempt.

    chalice  runs one of Chalice's commands for the stage
    """

    project: Path
    stage: Stage
    client: discovery.Client
    progress: Progress
    chalice: Callable[[Path, Stage, str], None] = run_chalice

    def __call__(self, purge: bool) -> None:
        """Destroys the stage. Raises Refused and StepFailed.

        purge  also delete the user pool, the tables and the key
        """
        self._refuse_protected()
        self._refuse_packaged()
        self._disconnect()
        self._delete_application()
        self._delete_stack()
        self._delete_state()
        self._report_retained(purge)

    def _refuse_protected(self) -> None:
        if self.stage.identity.get("DataProtection", "true") == "true":
            file = f"infra/stages/{self.stage.name}.yaml"
            raise Refused(
                f"{file}: identity.DataProtection: this stage is protected. Destroying it permanently deletes group"
                " memberships, app clients with their secrets, and logs. To proceed, set `DataProtection: false` in"
                " this file, have the change reviewed, and run the same command again."
            )

    def _refuse_packaged(self) -> None:
        plain = f"{self.stage.app}-{self.stage.name}"
        for name in (f"{plain}-application", plain):
            if self._stacks.describe(name):
                raise Refused(
                    f"Refused: the application of the stage {self.stage.name} belongs to the stack {name}. First update"
                    f" the stack {self.stage.stack} with DeployPhase=foundation and an empty RestApiId, then delete"
                    f" {name} (docs/runbook.md, “Deploy with CloudFormation alone”). Then run the same command again."
                )

    def _disconnect(self) -> None:
        with self.progress.step("Disconnect the identity stack from the application") as step:
            parameters = self._stacks.parameters(self.stage.stack)
            if parameters.get("DeployPhase") == "complete":
                step.changed = self._stacks.change_parameters(
                    self.stage.stack, {"DeployPhase": "foundation", "RestApiId": ""}
                )

    def _delete_application(self) -> None:
        with self.progress.step("Delete the application (chalice delete)") as step:
            deployed = self._deployed()
            if deployed and deployed["resources"]:
                self._state.write_file(deployed)
                self.chalice(self.project, self.stage, "delete")
                step.changed = True
            for api_id in discovery.apis(self.stage, self.client):  # APIs that Chalice's state does not contain
                self.client("apigateway").delete_rest_api(restApiId=api_id)
                step.changed = True

    def _deployed(self) -> Mapping[str, Any] | None:
        state = self._state.read()
        if state and state.api_id and state.deployed:
            return discovery.only_existing(self.stage, self.client, state.deployed)
        apis = discovery.apis(self.stage, self.client)
        return discovery.deployed(self.stage, self.client, next(iter(apis), None))

    def _delete_stack(self) -> None:
        with self.progress.step("Delete the identity stack") as step:
            step.changed = self._stacks.delete(self.stage.stack)

    def _delete_state(self) -> None:
        with self.progress.step("Delete Chalice's state and configuration") as step:
            step.changed = self._state.delete() | drop_config(self.project, self.stage)

    def _report_retained(self, purge: bool) -> None:
        with self.progress.step("Find retained data") as step:
            retained = find_retained(self.stage, self.client)
            step.notes += [f"{'to be deleted' if purge else 'retained'}: {item.name}" for item in retained]
            if retained and not purge:
                step.notes.append("a retained user pool has its users; its groups and app clients are deleted")
        if purge:
            self._purge(retained)

    def _purge(self, retained: Sequence[Retained]) -> None:
        with self.progress.step("Delete retained data") as step:
            for item in retained:
                item.delete()
                step.changed = True
                step.notes.append(f"deleted {item.when}: {item.name}")

    @property
    def _stacks(self) -> Stacks:
        return Stacks(self.client("cloudformation"))

    @property
    def _state(self) -> ChaliceState:
        return ChaliceState(self.project, self.stage, self.client)

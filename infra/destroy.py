"""Takes one stage down: the application, then the stack. What people have entrusted to it stays, unless purged."""

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
    """One end; doing it twice is fine, also after a first attempt that died.

    chalice  runs one of Chalice's commands for the stage
    """

    project: Path
    stage: Stage
    client: discovery.Client
    progress: Progress
    chalice: Callable[[Path, Stage, str], None] = run_chalice

    def __call__(self, purge: bool) -> None:
        """Raises Refused and StepFailed.

        purge  also the people, the policies and the documents
        """
        self._refuse_protected()
        self._refuse_packaged()
        self._untie()
        self._delete_application()
        self._delete_stack()
        self._forget()
        self._look_at_data(purge)

    def _refuse_protected(self) -> None:
        if self.stage.identity.get("DataProtection", "true") == "true":
            file = f"infra/stages/{self.stage.name}.yaml"
            raise Refused(
                f"{file}: identity.DataProtection: protects the stage: who is in which group, app clients with their"
                " secrets, and logs would be lost for good. Say `DataProtection: false` there, have it reviewed, and"
                " give this again"
            )

    def _refuse_packaged(self) -> None:
        plain = f"{self.stage.app}-{self.stage.name}"
        for name in (f"{plain}-application", plain):
            if self._stacks.describe(name):
                raise Refused(
                    f"The application of the stage {self.stage.name} belongs to the stack {name}: update the stack"
                    f" {self.stage.stack} with DeployPhase=foundation and an empty RestApiId, delete {name}"
                    " (docs/runbook.md, “The packaged way”), and give this again"
                )

    def _untie(self) -> None:
        with self.progress.step("identity stack, untied from the application") as step:
            parameters = self._stacks.parameters(self.stage.stack)
            if parameters.get("DeployPhase") == "complete":
                step.changed = self._stacks.change_parameters(
                    self.stage.stack, {"DeployPhase": "foundation", "RestApiId": ""}
                )

    def _delete_application(self) -> None:
        with self.progress.step("application (chalice delete)") as step:
            deployed = self._deployed()
            if deployed and deployed["resources"]:
                self._state.write_file(deployed)
                self.chalice(self.project, self.stage, "delete")
                step.changed = True
            for api_id in discovery.apis(self.stage, self.client):  # of which Chalice knew nothing
                self.client("apigateway").delete_rest_api(restApiId=api_id)
                step.changed = True

    def _deployed(self) -> Mapping[str, Any] | None:
        recalled = self._state.recall()
        if recalled and recalled.api_id and recalled.deployed:
            return discovery.still_there(self.stage, self.client, recalled.deployed)
        apis = discovery.apis(self.stage, self.client)
        return discovery.deployed(self.stage, self.client, next(iter(apis), None))

    def _delete_stack(self) -> None:
        with self.progress.step("identity stack") as step:
            step.changed = self._stacks.delete(self.stage.stack)

    def _forget(self) -> None:
        with self.progress.step("Chalice's memory") as step:
            step.changed = self._state.forget() | drop_config(self.project, self.stage)

    def _look_at_data(self, purge: bool) -> None:
        with self.progress.step("data that was kept") as step:
            kept = find_retained(self.stage, self.client)
            step.notes += [f"{'to be deleted' if purge else 'kept'}: {thing.name}" for thing in kept]
            if kept and not purge:
                step.notes.append("a user pool keeps its people; its groups and clients were the stack's, and are gone")
        if purge:
            self._purge(kept)

    def _purge(self, kept: Sequence[Retained]) -> None:
        with self.progress.step("data that was kept, purged") as step:
            for thing in kept:
                thing.delete()
                step.changed = True
                step.notes.append(f"deleted {thing.when}: {thing.name}")

    @property
    def _stacks(self) -> Stacks:
        return Stacks(self.client("cloudformation"))

    @property
    def _state(self) -> ChaliceState:
        return ChaliceState(self.project, self.stage, self.client)

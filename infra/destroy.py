"""Takes one stage down: the application, then the stack. What people have entrusted to it stays, unless purged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import found
from infra.chalice_command import run_chalice
from infra.chalice_state import ChaliceState
from infra.kept import find_kept
from infra.progress import Progress
from infra.stacks import Stacks
from infra.stage import Stage


@dataclass(frozen=True)
class Destroy:
    """One end; doing it twice is fine, also after a first attempt that died.

    chalice  runs one of Chalice's commands for the stage
    """

    project: Path
    stage: Stage
    client: found.Client
    progress: Progress
    chalice: Callable[[Path, Stage, str], None] = run_chalice

    def __call__(self, purge: bool) -> None:
        """Raises StepFailed.

        purge  also the people, the policies and the documents
        """
        self._untie()
        self._delete_application()
        self._delete_stack()
        self._forget()
        self._look_at_data(purge)

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
            for api_id in found.apis(self.stage, self.client):  # of which Chalice knew nothing
                self.client("apigateway").delete_rest_api(restApiId=api_id)
                step.changed = True

    def _deployed(self) -> Mapping[str, Any] | None:
        recalled = self._state.recall()
        if recalled and recalled.api_id and recalled.deployed:
            return found.still_there(self.stage, self.client, recalled.deployed)
        apis = found.apis(self.stage, self.client)
        return found.deployed(self.stage, self.client, next(iter(apis), None))

    def _delete_stack(self) -> None:
        with self.progress.step("identity stack") as step:
            step.changed = self._stacks.delete(self.stage.stack)

    def _forget(self) -> None:
        with self.progress.step("Chalice's memory") as step:
            step.changed = self._state.forget()

    def _look_at_data(self, purge: bool) -> None:
        with self.progress.step("data") as step:
            for thing in find_kept(self.stage, self.client):
                if purge:
                    thing.delete()
                    step.changed = True
                step.notes.append(f"deleted {thing.when}: {thing.name}" if purge else f"kept: {thing.name}")
            if step.notes and not purge:
                step.notes.append("a user pool keeps its people; its groups and clients were the stack's, and are gone")

    @property
    def _stacks(self) -> Stacks:
        return Stacks(self.client("cloudformation"))

    @property
    def _state(self) -> ChaliceState:
        return ChaliceState(self.project, self.stage, self.client)

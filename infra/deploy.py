"""Brings one stage up: the identity stack around `chalice deploy`, and what neither of them does."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra import discovery, functions, rest_api, stream_mapping
from infra.application import Application, function_names, read_application
from infra.apply_policies import apply_policies
from infra.chalice_command import run_chalice
from infra.chalice_config import write_config
from infra.chalice_state import ChaliceState, Memory
from infra.policy_files import read_policies, template_outputs
from infra.policy_groups import TEMPLATE, pool_groups, refuse_unknown_groups, template_groups
from infra.progress import Progress, Step
from infra.retained import find_retained
from infra.sign_in_domain import refuse_another_prefix
from infra.stacks import Stacks
from infra.stage import Stage
from infra.templates import read_yaml

# What the stack knows of the application; an existing stack keeps it, so that the triggers stay on the pool.
_WIRING = ("DeployPhase", "RestApiId")
# What people have entrusted to a stage is in these.
_KEEP = frozenset({"AWS::Cognito::UserPool", "AWS::DynamoDB::Table", "AWS::KMS::Key"})


@dataclass(frozen=True)
class Options:
    """What a person may want otherwise.

    adopt                the REST API to go on with when Chalice's memory is lost
    overwrite_policies   also those that somebody has changed in the table
    allow_replacement    go on with a new, empty user pool or table where the template demands one
    allow_unknown_group  also write policies of groups that the user pool does not have
    """

    adopt: str | None = None
    overwrite_policies: bool = False
    allow_replacement: bool = False
    allow_unknown_group: bool = False


@dataclass(frozen=True)
class Deploy:
    """One deployment; each step may be done again, whatever end the last attempt had, and then changes nothing.

    client   gives a boto3 client by the name of its service
    chalice  runs one of Chalice's commands for the stage
    """

    project: Path
    stage: Stage
    client: discovery.Client
    progress: Progress
    chalice: Callable[[Path, Stage, str], None] = run_chalice

    def __call__(self, options: Options) -> str:
        """Give the address of the API. Raises Refused and StepFailed."""
        self._check_policies(options)
        keep = () if options.allow_replacement else _KEEP
        outputs = self._lay_foundation(keep)
        memory = self._recall(options, outputs)
        self._configure(memory, outputs)
        memory = self._deploy_application(memory)
        self._reconcile(memory, outputs)
        outputs = self._complete(memory, keep)
        self._apply_policies(outputs, options)
        return discovery.api_url(self.stage, memory.api_id or "")

    def _check_policies(self, options: Options) -> None:
        """Refuse, before anything is changed, policy files that could not be applied at the end."""
        template = read_yaml(self.project, TEMPLATE)
        files = read_policies(self.project / "policies", template_outputs(template))
        groups = template_groups(template)
        if options.allow_unknown_group or {file.group for file in files} <= {None, *groups}:
            return
        pool_id = self._stacks.outputs(self.stage.stack).get("UserPoolId")  # it may have groups made by hand
        refuse_unknown_groups(files, groups | (pool_groups(self.client, pool_id) if pool_id else set()), TEMPLATE)

    def _lay_foundation(self, keep: Container[str]) -> Mapping[str, str]:
        with self.progress.step("identity stack") as step:
            if self._stacks.stands(self.stage.stack):
                self._check_domain()
                given = self._wiring(step)
            else:
                # Should its creation fail, it is all deleted again, which protection would prevent.
                given = {"DataProtection": "false"}
                kept = find_retained(self.stage, self.client)
                step.notes += [f"left alone, of an earlier life of this stage: {thing.name}" for thing in kept]
            outputs, step.changed = self._deploy_stack(given, keep)
        return outputs

    def _check_domain(self) -> None:
        pool_id = self._stacks.outputs(self.stage.stack).get("UserPoolId")
        if pool_id:
            refuse_another_prefix(self.stage, self.client, pool_id)

    def _wiring(self, step: Step) -> dict[str, str]:
        before = self._stacks.parameters(self.stage.stack)
        wiring = {name: before[name] for name in _WIRING if name in before}
        missing = self._missing_functions() if wiring.get("DeployPhase") == "complete" else []
        if missing:  # the stack could not be tied to what is not there
            wiring["DeployPhase"] = "foundation"
            step.notes.append(f"the user pool is without its triggers until {', '.join(missing)} is there")
        return wiring

    def _recall(self, options: Options, outputs: Mapping[str, str]) -> Memory:
        with self.progress.step("what is deployed already, and its stream mapping") as step:
            memory = self._state.pull(options.adopt)
            deployed, pruned = stream_mapping.prune(
                self.stage, self.client, memory.deployed, outputs["PolicyStreamArn"]
            )
            if deployed != memory.deployed:
                memory = Memory(deployed)
            self._state.write_file(deployed)
            # From here on it is remembered that a deployment has begun, so that a retry takes up what it left.
            step.changed = self._state.remember(memory) or bool(pruned)
            step.notes += [f"{pruned} stream mappings deleted that were not current"] if pruned else []
        return memory

    def _configure(self, memory: Memory, outputs: Mapping[str, str]) -> None:
        with self.progress.step(".chalice/config.json") as step:
            step.changed = write_config(self.project, self.stage, self._application(memory, outputs))

    def _deploy_application(self, memory: Memory) -> Memory:
        with self.progress.step("application (chalice deploy)") as step:
            if memory.fingerprint and memory.fingerprint == self._fingerprint(memory):
                return memory
            self.chalice(self.project, self.stage, "deploy")
            memory = Memory(self._state.read_file())
            self._state.remember(memory)
            step.changed = True
        return memory

    def _reconcile(self, memory: Memory, outputs: Mapping[str, str]) -> None:
        with self.progress.step("what Chalice cannot set") as step:
            application = self._application(memory, outputs)  # by now the API's id is known
            changes = [
                write_config(self.project, self.stage, application),
                functions.reconcile(self.stage, self.client, application.functions),
                stream_mapping.reconcile(self.stage, self.client, application.stream_settings),
                rest_api.reconcile(self.stage, self.client("apigateway"), memory.api_id or "", application),
            ]
            self._state.remember(Memory(memory.deployed, self._fingerprint(memory)))
            step.changed = any(changes)

    def _complete(self, memory: Memory, keep: Container[str]) -> Mapping[str, str]:
        with self.progress.step("identity stack, tied to the application") as step:
            wiring = {"DeployPhase": "complete", "RestApiId": memory.api_id or ""}
            outputs, step.changed = self._deploy_stack(wiring, keep)
        return outputs

    def _apply_policies(self, outputs: Mapping[str, str], options: Options) -> None:
        with self.progress.step("policies") as step:
            applied = apply_policies(
                self.project, outputs, self.client, options.overwrite_policies, options.allow_unknown_group
            )
            step.changed = applied.changed
            step.notes += applied.notes()

    def _deploy_stack(self, wiring: Mapping[str, str], keep: Container[str]) -> tuple[Mapping[str, str], bool]:
        template = (self.project / "infra/identity.yaml").read_text(encoding="utf-8")
        given = {**self.stage.identity, "AppName": self.stage.app, "Stage": self.stage.name, **wiring}
        outputs, changed = self._stacks.deploy(self.stage.stack, template, given, keep)
        return {**outputs, **discovery.simulated_keys(self.client, outputs["UserPoolId"])}, changed

    def _application(self, memory: Memory, outputs: Mapping[str, str]) -> Application:
        return read_application(self.project, self.stage, outputs, memory.api_id)

    def _missing_functions(self) -> list[str]:
        there = {self.stage.function(name) for name in discovery.functions(self.stage, self.client)}
        return [name for name in function_names(self.project, self.stage) if name not in there]

    def _fingerprint(self, memory: Memory) -> str:
        return functions.fingerprint(self.project, self.stage, self.client, memory.deployed or {"resources": []})

    @property
    def _stacks(self) -> Stacks:
        return Stacks(self.client("cloudformation"))

    @property
    def _state(self) -> ChaliceState:
        return ChaliceState(self.project, self.stage, self.client)

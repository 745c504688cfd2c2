"""Deploys one stage: the identity stack, the application with `chalice deploy`, further settings, and the policies."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra import discovery, functions, rest_api, stream_mapping
from infra.application import Application, function_names, read_application
from infra.apply_policies import apply_policies
from infra.chalice_command import run_chalice
from infra.chalice_config import write_config
from infra.chalice_state import ChaliceState, State
from infra.policy_files import read_policies, template_outputs
from infra.policy_groups import TEMPLATE, pool_groups, refuse_unknown_groups, template_groups
from infra.progress import Progress, Step
from infra.retained import find_retained
from infra.sign_in_domain import refuse_another_prefix
from infra.stacks import Stacks
from infra.stage import Stage
from infra.templates import read_yaml

# These parameters connect the stack to the application. An existing stack keeps their values, and so its triggers.
_CONNECTION = ("DeployPhase", "RestApiId")
# Resources of these types hold the data of users.
_KEEP = frozenset({"AWS::Cognito::UserPool", "AWS::DynamoDB::Table", "AWS::KMS::Key"})


@dataclass(frozen=True)
class Options:
    """The options of a deployment.

    adopt                the REST API to use when Chalice's state is missing
    overwrite_policies   also replace policies that another author wrote or deleted
    allow_replacement    permit an update that replaces or removes a user pool, a table or a key
    allow_unknown_group  also write policies of groups that the user pool does not have
    """

    adopt: str | None = None
    overwrite_policies: bool = False
    allow_replacement: bool = False
    allow_unknown_group: bool = False


@dataclass(frozen=True)
class Deploy:
    """Runs one deployment. Every step is idempotent and can be repeated after a failed attempt.

    client   returns the boto3 client of a service
    chalice  runs one of Chalice's commands for the stage
    """

    project: Path
    stage: Stage
    client: discovery.Client
    progress: Progress
    chalice: Callable[[Path, Stage, str], None] = run_chalice

    def __call__(self, options: Options) -> str:
        """Returns the URL of the API. Raises Refused and StepFailed."""
        self._check_policies(options)
        keep = () if options.allow_replacement else _KEEP
        outputs = self._deploy_identity_stack(keep)
        state = self._read_state(options, outputs)
        self._configure(state, outputs)
        state = self._deploy_application(state)
        self._reconcile(state, outputs)
        outputs = self._connect(state, keep)
        self._apply_policies(outputs, options)
        return discovery.api_url(self.stage, state.api_id or "")

    def _check_policies(self, options: Options) -> None:
        """Refuses policy files that the last step could not apply, before anything changes."""
        template = read_yaml(self.project, TEMPLATE)
        files = read_policies(self.project / "policies", template_outputs(template))
        groups = template_groups(template)
        if options.allow_unknown_group or {file.group for file in files} <= {None, *groups}:
            return
        pool_id = self._stacks.outputs(self.stage.stack).get("UserPoolId")  # it can have groups created by hand
        refuse_unknown_groups(files, groups | (pool_groups(self.client, pool_id) if pool_id else set()), TEMPLATE)

    def _deploy_identity_stack(self, keep: Container[str]) -> Mapping[str, str]:
        with self.progress.step("Deploy the identity stack") as step:
            if self._stacks.is_updatable(self.stage.stack):
                self._check_domain()
                given = self._connection(step)
            else:
                # CloudFormation deletes everything if the creation fails. Deletion protection would prevent this.
                given = {"DataProtection": "false"}
                retained = find_retained(self.stage, self.client)
                step.notes += [f"not used, from an earlier deployment of this stage: {item.name}" for item in retained]
            outputs, step.changed = self._deploy_stack(given, keep)
        return outputs

    def _check_domain(self) -> None:
        pool_id = self._stacks.outputs(self.stage.stack).get("UserPoolId")
        if pool_id:
            refuse_another_prefix(self.stage, self.client, pool_id)

    def _connection(self, step: Step) -> dict[str, str]:
        before = self._stacks.parameters(self.stage.stack)
        connection = {name: before[name] for name in _CONNECTION if name in before}
        missing = self._missing_functions() if connection.get("DeployPhase") == "complete" else []
        if missing:  # the stack cannot refer to a function that does not exist
            connection["DeployPhase"] = "foundation"
            step.notes.append(
                f"the user pool has no triggers until a later step has created the functions {', '.join(missing)}"
            )
        return connection

    def _read_state(self, options: Options, outputs: Mapping[str, str]) -> State:
        with self.progress.step("Read the state and delete old stream mappings") as step:
            state = self._state.pull(options.adopt)
            deployed, deleted = stream_mapping.prune(
                self.stage, self.client, state.deployed, outputs["PolicyStreamArn"]
            )
            if deployed != state.deployed:
                state = State(deployed)
            self._state.write_file(deployed)
            # The parameter now says that a deployment has started. A retry then uses the resources that it created.
            step.changed = self._state.write(state) or bool(deleted)
            step.notes += [f"deleted stream mappings that are not current: {deleted}"] if deleted else []
        return state

    def _configure(self, state: State, outputs: Mapping[str, str]) -> None:
        with self.progress.step("Write .chalice/config.json") as step:
            step.changed = write_config(self.project, self.stage, self._application(state, outputs))

    def _deploy_application(self, state: State) -> State:
        with self.progress.step("Deploy the application (chalice deploy)") as step:
            if state.fingerprint and state.fingerprint == self._fingerprint(state):
                return state
            self.chalice(self.project, self.stage, "deploy")
            state = State(self._state.read_file())
            self._state.write(state)
            step.changed = True
        return state

    def _reconcile(self, state: State, outputs: Mapping[str, str]) -> None:
        with self.progress.step("Set stream and error-response settings") as step:
            application = self._application(state, outputs)  # now with the id of the API
            changes = [
                write_config(self.project, self.stage, application),
                functions.reconcile(self.stage, self.client, application.functions),
                stream_mapping.reconcile(self.stage, self.client, application.stream_settings),
                rest_api.reconcile(self.stage, self.client("apigateway"), state.api_id or "", application),
            ]
            self._state.write(State(state.deployed, self._fingerprint(state)))
            step.changed = any(changes)

    def _connect(self, state: State, keep: Container[str]) -> Mapping[str, str]:
        with self.progress.step("Connect the identity stack to the application") as step:
            connection = {"DeployPhase": "complete", "RestApiId": state.api_id or ""}
            outputs, step.changed = self._deploy_stack(connection, keep)
        return outputs

    def _apply_policies(self, outputs: Mapping[str, str], options: Options) -> None:
        with self.progress.step("Apply the policies") as step:
            applied = apply_policies(
                self.project, outputs, self.client, options.overwrite_policies, options.allow_unknown_group
            )
            step.changed = applied.changed
            step.notes += applied.notes()

    def _deploy_stack(self, connection: Mapping[str, str], keep: Container[str]) -> tuple[Mapping[str, str], bool]:
        template = (self.project / "infra/identity.yaml").read_text(encoding="utf-8")
        given = {**self.stage.identity, "AppName": self.stage.app, "Stage": self.stage.name, **connection}
        outputs, changed = self._stacks.deploy(self.stage.stack, template, given, keep)
        return {**outputs, **discovery.simulated_keys(self.client, outputs["UserPoolId"])}, changed

    def _application(self, state: State, outputs: Mapping[str, str]) -> Application:
        return read_application(self.project, self.stage, outputs, state.api_id)

    def _missing_functions(self) -> list[str]:
        existing = {self.stage.function(name) for name in discovery.functions(self.stage, self.client)}
        return [name for name in function_names(self.project, self.stage) if name not in existing]

    def _fingerprint(self, state: State) -> str:
        return functions.fingerprint(self.project, self.stage, self.client, state.deployed or {"resources": []})

    @property
    def _stacks(self) -> Stacks:
        return Stacks(self.client("cloudformation"))

    @property
    def _state(self) -> ChaliceState:
        return ChaliceState(self.project, self.stage, self.client)

"""Deploys one stage with CloudFormation: the identity stack, the packaged application, and the policies."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.wiring import check_written
from infra.application import Package, read_package, stage_template, without_value
from infra.apply_policies import apply_policies
from infra.artifacts import Artifacts
from infra.change_sets import plan
from infra.clients import Client, simulated_keys
from infra.identity_template import identity_template, outputs_of_parameters
from infra.package import package_for_lambda
from infra.policy_files import read_policies, template_outputs
from infra.policy_groups import TEMPLATE, pool_groups, refuse_unknown_groups, template_groups
from infra.progress import Progress
from infra.releases import delete_old_versions
from infra.retained import find_retained
from infra.shards import Shards, refuse_unknown_shards
from infra.sign_in_domain import refuse_another_prefix
from infra.stacks import Stacks
from infra.stage import Stage
from infra.stage_rules import planned_rules
from infra.templates import read_yaml
from infra.trial_stage import refuse_deployment

_DATA = frozenset({"AWS::Cognito::UserPool", "AWS::DynamoDB::Table", "AWS::KMS::Key"})  # hold the data of users
_ADDRESS = frozenset({"AWS::ApiGateway::RestApi"})  # callers use its address
_BUCKET = "ArtifactBucketName"  # an output of the identity stack
_PLANS = "plan/"  # the role that plans can write only to this folder of the bucket
_EARLIER_VERSIONS = 5  # of each function, for rollbacks


@dataclass(frozen=True)
class Options:
    """The options of a deployment.

    revert_drift         also revert changes of the stacks' resources that were made by hand
    package              a folder that `make package` wrote; None to package the application now
    overwrite_policies   also replace policies that another author wrote or deleted
    allow_replacement    permit an update that replaces or removes a user pool, a table, a key or the API
    allow_unknown_group  also write policies of groups that the user pool does not have
    """

    revert_drift: bool = False
    package: Path | None = None
    overwrite_policies: bool = False
    allow_replacement: bool = False
    allow_unknown_group: bool = False


@dataclass(frozen=True)
class Deploy:
    """Runs one deployment. Every step is idempotent and can be repeated after a failed attempt.

    client  returns the boto3 client of a service
    """

    project: Path
    stage: Stage
    client: Client
    progress: Progress
    options: Options = Options()

    def __call__(self) -> str:
        """Returns the URL of the API. Raises Refused and StepFailed."""
        self._check_policies()
        refuse_deployment(self.project, self.stage, self.client)
        package = self._package()
        outputs = self.deploy_identity_stack()
        self._store_bundle(package, outputs)
        self._prepare_state(outputs)
        application = self._deploy_application(package, outputs)
        self._apply_policies(outputs)
        self._delete_old_versions()
        return application["EndpointURL"]

    def preview(self) -> list[str]:
        """Returns the changes that a deployment would make to each stack, one line for each. Changes nothing.

        Raises:  Refused, StepFailed and DeploymentFailed
        """
        self._check_policies()
        refuse_deployment(self.project, self.stage, self.client)
        package, outputs = self._package(), self._identity_outputs()
        identity, application = self.stage.stack, self.stage.application_stack
        if outputs:
            refuse_another_prefix(self.stage, self.client, outputs["UserPoolId"])
        changes = self._stacks().preview(*self._identity())
        if changes is None:
            return [f"{identity}: add all resources", f"{application}: add all resources"]
        lines = [f"{identity}: {line}" for line in plan(changes)]
        lines += [f"{application}: {line}" for line in self._application_plan(package, outputs)]
        if changes:
            lines.append(f"{application}: more can change, if the update of the identity stack changes an output")
        return lines

    def _application_plan(self, package: Package, deployed: Mapping[str, str]) -> list[str]:
        """Returns one line for each change of the application's stack.

        deployed  outputs of the identity stack now. A deployment updates this stack first
        """
        outputs = {**deployed, **outputs_of_parameters(self.project, self.stage.identity_parameters)}
        missing = without_value(package.template, self.stage.application_parameters(outputs))
        if _BUCKET not in outputs:
            missing.append(_BUCKET)
        if missing:
            return [f"the changes are unknown until the identity stack has the outputs {', '.join(missing)}"]
        changes = self._stacks(outputs, folder=_PLANS).preview(*self._application(package, outputs))
        return ["add all resources"] if changes is None else plan(changes)

    def _check_policies(self) -> None:
        """Refuses policy files that the last step could not apply, before anything changes."""
        template = read_yaml(self.project, TEMPLATE)
        files = read_policies(
            self.project / "policies", template_outputs(template), check_written(planned_rules(self.stage))
        )
        groups = template_groups(template)
        if self.options.allow_unknown_group or {file.group for file in files} <= {None, *groups}:
            return
        pool_id = self._identity_outputs().get("UserPoolId")  # it can have groups created by hand
        refuse_unknown_groups(files, groups | (pool_groups(self.client, pool_id) if pool_id else set()), TEMPLATE)

    def _package(self) -> Package:
        folder = self.options.package
        with self.progress.step("Prepare the package") as step:
            if folder:
                package = read_package(folder)
            else:
                package = Package(*package_for_lambda(self.project / "build/package", self.project))
            step.notes.append(f"sha256 of the bundle: {package.sha256}")
        return package

    def deploy_identity_stack(self, **parameters: str) -> Mapping[str, str]:
        """Returns the outputs of the identity stack. Raises Refused and StepFailed.

        parameters  that differ from those of the stage
        """
        with self.progress.step("Deploy the identity stack") as step:
            stacks = self._stacks()
            if stacks.is_updatable(self.stage.stack):
                refuse_another_prefix(self.stage, self.client, self._identity_outputs()["UserPoolId"])
            else:
                retained = find_retained(self.stage, self.client)
                step.notes += [f"not used, from an earlier deployment of this stage: {item.name}" for item in retained]
                # CloudFormation deletes everything if the creation fails. Deletion protection would prevent this, so
                # the update below switches it on.
                stacks.deploy(*self._identity(**parameters, DataProtection="false"))
                step.changed = True
            deployed = stacks.deploy(*self._identity(**parameters), self._kept(_DATA))
            step.changed |= deployed.changed
            step.notes += plan(deployed.changes)
        return self._identity_outputs()

    def _store_bundle(self, package: Package, outputs: Mapping[str, str]) -> None:
        with self.progress.step("Store the bundle") as step:
            step.changed = self._artifacts(outputs).store(package.bundle, ".zip")

    def _prepare_state(self, outputs: Mapping[str, str]) -> None:
        """Creates the copies of the state that the new authorizers read. Writers know them before anyone reads them."""
        shards = int(self.stage.application.get("StateShards", "1"))
        with self.progress.step("Prepare the authorization state") as step:
            if shards == 1:
                return
            refuse_unknown_shards(self.stage, self._stacks().describe(self.stage.application_stack))
            state = Shards(self.client("dynamodb"), outputs["StateTableName"])
            step.changed = state.ensure(shards)
            if state.stored() > shards:
                step.notes.append(f"{state.stored()} copies are maintained. To remove unused copies: manage.py shards")

    def _deploy_application(self, package: Package, outputs: Mapping[str, str]) -> Mapping[str, str]:
        with self.progress.step("Deploy the application stack") as step:
            deployed = self._stacks(outputs).deploy(*self._application(package, outputs), self._kept(_ADDRESS))
            step.changed = deployed.changed
            step.notes += plan(deployed.changes)
        return deployed.outputs

    def _apply_policies(self, outputs: Mapping[str, str]) -> None:
        with self.progress.step("Apply the policies") as step:
            applied = apply_policies(
                self.project,
                outputs,
                self.client,
                planned_rules(self.stage),
                overwrite=self.options.overwrite_policies,
                allow_unknown_group=self.options.allow_unknown_group,
            )
            step.changed = applied.changed
            step.notes += applied.notes()

    def _delete_old_versions(self) -> None:
        with self.progress.step("Delete old versions") as step:
            step.notes += delete_old_versions(self.client, self.stage.application_stack, _EARLIER_VERSIONS)
            step.changed = bool(step.notes)

    def _identity(self, **changed: str) -> tuple[str, str, Mapping[str, str]]:
        """Returns the name, the template and the parameters of the identity stack."""
        parameters = {**self.stage.identity_parameters, **changed}
        return self.stage.stack, identity_template(self.project), parameters

    def _application(self, package: Package, outputs: Mapping[str, str]) -> tuple[str, str, Mapping[str, str]]:
        """Returns the name, the template and the parameters of the application's stack."""
        uri = self._artifacts(outputs).uri(package.bundle, ".zip")
        resource_server = outputs["ResourceServerIdentifier"]
        template = stage_template(package.template, uri, resource_server, self.stage.application)
        return self.stage.application_stack, template, self.stage.application_parameters(outputs)

    def _identity_outputs(self) -> Mapping[str, str]:
        outputs = self._stacks().outputs(self.stage.stack)
        return {**outputs, **simulated_keys(self.client, outputs["UserPoolId"])} if outputs else {}

    def _artifacts(self, outputs: Mapping[str, str], folder: str = "") -> Artifacts:
        return Artifacts(self.client("s3"), outputs[_BUCKET], folder)

    def _stacks(self, outputs: Mapping[str, str] | None = None, folder: str = "") -> Stacks:
        artifacts = self._artifacts(outputs, folder) if outputs else None
        return Stacks(self.client("cloudformation"), artifacts, self.options.revert_drift)

    def _kept(self, kinds: Container[str]) -> Container[str]:
        return () if self.options.allow_replacement else kinds

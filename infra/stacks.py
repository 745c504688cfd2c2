"""Creates, updates and deletes CloudFormation stacks. Every operation is idempotent."""

import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.artifacts import Artifacts
from infra.change_sets import Change, lost, read_changes
from infra.errors import DeploymentFailed, Refused
from infra.release_id import with_release

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
LARGEST_BODY = 51_200  # bytes of a template that CloudFormation accepts without a bucket
_STARTED = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_NOT_UPDATABLE = ("REVIEW_", "CREATE_IN_PROGRESS", "ROLLBACK_", "DELETE_")
_ONLY_DELETABLE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
_HOUR = {"Delay": 1, "MaxAttempts": 3600}  # seconds


@dataclass(frozen=True)
class Deployed:
    """A deployed stack.

    changes  of resources; a deployment can also change only outputs
    """

    outputs: Mapping[str, str]
    changes: Sequence[Change] = ()
    changed: bool = False


@dataclass(frozen=True)
class Stacks:
    """Deploys templates by change sets.

    cloudformation  a boto3 client
    artifacts       stores a template that is too large for one call
    revert_drift    an update also reverts changes that were made by hand
    """

    cloudformation: Any
    artifacts: Artifacts | None = None
    revert_drift: bool = False

    def deploy(self, name: str, template: str, given: Mapping[str, str], keep: Container[str] = ()) -> Deployed:
        """Creates or updates a stack.

        given  parameters; a parameter that the template does not declare is ignored
        keep   resource types; the update is refused if it would replace or remove a resource of these types

        Raises:  Refused, before anything changes; DeploymentFailed
        """
        exists = self._prepare_update(name)
        where, changes = self._create_change_set(name, template, given, exists)
        if changes is None:
            return Deployed(self.outputs(name))
        if resources := lost(changes, keep):
            self.cloudformation.delete_change_set(**where)
            raise Refused(
                f"Refused: this update would replace or remove {' and '.join(resources)}. The data or the address would"
                " no longer be used. To proceed, pass `--allow-replacement`."
            )
        self.cloudformation.execute_change_set(**where)
        self._wait(f"stack_{'update' if exists else 'create'}_complete", StackName=name)
        self._check(name, ("CREATE_COMPLETE", "UPDATE_COMPLETE"))
        return Deployed(self.outputs(name), changes, changed=True)

    def preview(self, name: str, template: str, given: Mapping[str, str]) -> Sequence[Change] | None:
        """Returns the changes that `deploy` would make to a stack. Returns None if it would create the stack.

        A change set for a new stack would create an empty stack, which a concurrent deployment could use.

        Raises:  DeploymentFailed
        """
        stack = self.describe(name)
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            return None
        if not self.is_updatable(name):
            raise DeploymentFailed(f"{name}: the creation of the stack has not finished. `deploy` starts it again")
        where, changes = self._create_change_set(name, template, given, exists=True)
        if changes is not None:
            self.cloudformation.delete_change_set(**where)
        return changes or ()

    def describe(self, name: str) -> dict[str, Any] | None:
        """Returns CloudFormation's description of a stack, or None if the stack does not exist."""
        try:
            stack: dict[str, Any] = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return stack

    def is_updatable(self, name: str) -> bool:
        """Returns whether `deploy` updates an existing stack. Otherwise it creates the stack."""
        stack = self.describe(name)
        return stack is not None and not stack["StackStatus"].startswith(_NOT_UPDATABLE)

    def outputs(self, name: str) -> dict[str, str]:
        """Returns the outputs of a stack. They are empty if the stack does not exist."""
        stack = self.describe(name) or {}
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def delete(self, name: str) -> bool:
        """Deletes a stack and waits for the end of the deletion. Returns whether the stack existed."""
        stack = self.describe(name)
        if stack is None:
            return False
        self.cloudformation.delete_stack(StackName=name)
        self._wait("stack_delete_complete", StackName=stack["StackId"])  # a deleted stack is found only by its id
        self._check(stack["StackId"], ("DELETE_COMPLETE",), name)
        return True

    def _prepare_update(self, name: str) -> bool:
        """Returns whether the stack can be updated. Deletes a stack that can only be deleted."""
        stack = self.describe(name)
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            return False
        status = self._settled(name, stack["StackStatus"])  # an interrupted command leaves its operation in progress
        if status in _ONLY_DELETABLE:
            self.delete(name)
            return False
        return status != "DELETE_COMPLETE"

    def _settled(self, name: str, status: str) -> str:
        """Waits for the end of an operation, and returns the status then."""
        if not status.endswith("IN_PROGRESS"):
            return status
        operation = {"DELETE": "delete", "UPDATE": "update"}.get(status.partition("_")[0], "create")
        self._wait(f"stack_{operation}_complete", StackName=name)
        return str((self.describe(name) or {"StackStatus": "DELETE_COMPLETE"})["StackStatus"])

    def _create_change_set(
        self, name: str, template: str, given: Mapping[str, str], exists: bool
    ) -> tuple[Mapping[str, str], Sequence[Change] | None]:
        """Returns the names of a new change set, and its changes. Without a difference, deletes it and returns None."""
        source = self._source(with_release(template, given))
        where = {"StackName": name, "ChangeSetName": f"change-{time.time_ns()}"}
        self.cloudformation.create_change_set(
            **where,
            ChangeSetType="UPDATE" if exists else "CREATE",
            Parameters=self._parameters(source, given),
            Capabilities=CAPABILITIES,
            **source,
            **({"DeploymentMode": "REVERT_DRIFT"} if exists and self.revert_drift else {}),
        )
        self._wait("change_set_create_complete", **where)
        pages = list(self.cloudformation.get_paginator("describe_change_set").paginate(**where))
        if pages[0]["Status"] != "FAILED":
            return where, read_changes(pages)
        self.cloudformation.delete_change_set(**where)
        reason = pages[0].get("StatusReason", "")
        if "didn't contain changes" in reason or "No updates" in reason:
            return where, None
        raise DeploymentFailed(f"{name}: {reason}")

    def _source(self, template: str) -> dict[str, str]:
        content = template.encode()
        if len(content) <= LARGEST_BODY:
            return {"TemplateBody": template}
        if self.artifacts is None:
            raise DeploymentFailed(
                f"the template has {len(content):,} bytes; without a bucket, CloudFormation accepts {LARGEST_BODY:,}"
            )
        self.artifacts.store(content, ".template")
        return {"TemplateURL": self.artifacts.url(content, ".template")}

    def _parameters(self, source: Mapping[str, str], given: Mapping[str, str]) -> list[dict[str, str]]:
        known = self.cloudformation.get_template_summary(**source)["Parameters"]
        names = {parameter["ParameterKey"] for parameter in known}
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items() if key in names]

    def _wait(self, operation: str, **where: str) -> None:
        """Waits at most an hour. The status afterwards says whether the operation was successful."""
        try:
            self.cloudformation.get_waiter(operation).wait(**where, WaiterConfig=_HOUR)
        except WaiterError as error:
            if "Max attempts exceeded" in str(error):
                raise DeploymentFailed(
                    "CloudFormation did not finish within an hour and is still working. Wait until the stack operation"
                    " has ended"
                ) from error

    def _check(self, stack: str, good: Container[str], name: str = "") -> None:
        status = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if status not in good:
            raise DeploymentFailed(f"{name or stack}: {status}: {self._first_failure(stack)}")

    def _first_failure(self, stack: str) -> str:
        reason = "CloudFormation gave no reason"
        # CloudFormation lists the newest event first. The oldest failure is the cause of the later ones.
        for event in self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
            if event["ResourceStatus"].endswith("FAILED"):
                cause = event.get("ResourceStatusReason", "CloudFormation gave no reason")
                reason = f"{event['LogicalResourceId']}: {cause}"
            if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] in _STARTED:
                break  # older events belong to an earlier operation
        return reason

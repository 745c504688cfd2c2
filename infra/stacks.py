"""Creates, updates and deletes CloudFormation stacks. Every operation is idempotent."""

import hashlib
import json
import time
from collections.abc import Callable, Container, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.change_sets import replaced_or_removed
from infra.errors import DeploymentFailed, Refused

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
LARGEST_BODY = 51_200  # bytes of a template that CloudFormation accepts without a bucket
_STARTED = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_NOT_UPDATABLE = ("REVIEW_", "CREATE_IN_PROGRESS", "ROLLBACK_", "DELETE_")
_FIRST_PAUSE, _LONGEST_PAUSE, _TIMEOUT = 0.2, 5.0, 3600.0  # seconds


class Stacks:
    """Deploys templates. A template that is too large for one call goes through a bucket.

    cloudformation, s3  boto3 clients
    bucket              created when it is missing; needed only for code and for large templates
    """

    def __init__(
        self, cloudformation: Any, s3: Any = None, bucket: str = "", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._cloudformation = cloudformation
        self._s3 = s3
        self._bucket = bucket
        self._sleep = sleep

    def upload(self, content: bytes, suffix: str) -> str:
        """Stores content under its hash. Returns the s3:// address."""
        key = hashlib.sha256(content).hexdigest()[:32] + suffix
        try:
            self._s3.head_bucket(Bucket=self._bucket)
        except ClientError:
            self._s3.create_bucket(Bucket=self._bucket)
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
        return f"s3://{self._bucket}/{key}"

    def deploy(
        self, name: str, template: str, given: Mapping[str, str], keep: Container[str] = ()
    ) -> tuple[dict[str, str], bool]:
        """Creates or updates a stack. Returns its outputs, and whether anything changed.

        given  parameters; a parameter that the template does not declare is ignored
        keep   resource types; the update is refused if it would replace or remove a resource of these types

        Raises:  Refused, before anything changes; DeploymentFailed
        """
        source = self._source(template)
        exists = self._prepare_update(name)
        change_set = f"change-{time.time_ns()}"
        self._cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if exists else "CREATE",
            Parameters=self._parameters(source, given),
            Capabilities=CAPABILITIES,
            **source,
        )
        changed = self._execute(name, change_set, keep)
        return self.outputs(name), changed

    def describe(self, name: str) -> dict[str, Any] | None:
        """Returns CloudFormation's description of a stack, or None if the stack does not exist."""
        try:
            stack: dict[str, Any] = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
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

    def parameters(self, name: str) -> dict[str, str]:
        """Returns the parameters of the last deployment. They are empty if the stack does not exist."""
        stack = self.describe(name) or {}
        return {given["ParameterKey"]: given["ParameterValue"] for given in stack.get("Parameters", [])}

    def change_parameters(self, name: str, changes: Mapping[str, str]) -> bool:
        """Deploys the stack's current template with changed parameters. Returns whether anything changed."""
        template = self._cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        text = template if isinstance(template, str) else json.dumps(template)
        return self.deploy(name, text, {**self.parameters(name), **changes})[1]

    def delete(self, name: str) -> bool:
        """Deletes a stack and waits for the end of the deletion. Returns whether the stack existed."""
        stack = self.describe(name)
        if stack is None:
            return False
        self._cloudformation.delete_stack(StackName=name)
        stack = self._settled(stack["StackId"], stack)  # a deleted stack is found only by its id
        if stack["StackStatus"] != "DELETE_COMPLETE":
            raise DeploymentFailed(self._failure(name, stack))
        return True

    def _source(self, template: str) -> dict[str, str]:
        content = template.encode()
        if len(content) <= LARGEST_BODY:
            return {"TemplateBody": template}
        if not self._bucket:
            raise DeploymentFailed(
                f"the template has {len(content)} bytes; without a bucket, CloudFormation accepts {LARGEST_BODY}"
            )
        bucket, _, key = self.upload(content, ".template").removeprefix("s3://").partition("/")
        url = self._s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        return {"TemplateURL": url.split("?")[0]}

    def _prepare_update(self, name: str) -> bool:
        """Returns whether the stack can be updated. Deletes a stack that can only be deleted."""
        stack = self.describe(name)
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            return False
        status: str = self._settled(name)["StackStatus"]  # an interrupted command leaves its operation in progress
        if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):
            self.delete(name)
            return False
        return status != "DELETE_COMPLETE"

    def _parameters(self, source: Mapping[str, str], given: Mapping[str, str]) -> list[dict[str, str]]:
        known = self._cloudformation.get_template_summary(**source)["Parameters"]
        names = {parameter["ParameterKey"] for parameter in known}
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items() if key in names]

    def _execute(self, name: str, change_set: str, keep: Container[str]) -> bool:
        described = self._wait(
            lambda: self._cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set),
            lambda change_set: _at_rest(change_set["Status"]),
        )
        if described["Status"] == "FAILED":
            reason = described.get("StatusReason", "")
            self._cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
            if "didn't contain changes" in reason or "No updates" in reason:
                return False
            raise DeploymentFailed(f"{name}: {reason}")
        self._refuse_replacement(name, change_set, keep)
        before = self._stack(name)
        self._cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        stack = self._settled(name, before)
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeploymentFailed(self._failure(name, stack))
        return True

    def _refuse_replacement(self, name: str, change_set: str, keep: Container[str]) -> None:
        ids = replaced_or_removed(self._cloudformation, name, change_set, keep)
        if ids:
            self._cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
            raise Refused(
                f"Refused: this update would replace or remove {' and '.join(ids)}. Their data would no longer be used."
                " To proceed, pass `--allow-replacement`."
            )

    def _stack(self, name: str) -> dict[str, Any]:
        stack: dict[str, Any] = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return stack

    def _settled(self, name: str, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if before:  # the first descriptions after the start of an operation can be those from before the start
            self._wait(lambda: self._stack(name), lambda stack: _moment(stack) != _moment(before))
        return self._wait(lambda: self._stack(name), lambda stack: _at_rest(stack["StackStatus"]))

    def _wait(
        self, describe: Callable[[], dict[str, Any]], is_over: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        pause, waited = _FIRST_PAUSE, 0.0
        while not is_over(described := describe()):
            if waited > _TIMEOUT:
                raise DeploymentFailed(
                    f"CloudFormation did not finish within {_TIMEOUT / 60:.0f} minutes and is still working. Wait"
                    " until the stack operation has ended"
                )
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, _LONGEST_PAUSE)
        return described

    def _failure(self, name: str, stack: Mapping[str, Any]) -> str:
        return f"{name}: {stack['StackStatus']}: {self._first_failure(name)}"

    def _first_failure(self, name: str) -> str:
        reason = "CloudFormation gave no reason"
        # CloudFormation lists the newest event first. The oldest failure is the cause of the later ones.
        for event in self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
            if event["ResourceStatus"].endswith("FAILED"):
                cause = event.get("ResourceStatusReason", "CloudFormation gave no reason")
                reason = f"{event['LogicalResourceId']}: {cause}"
            if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] in _STARTED:
                break  # older events belong to an earlier operation
        return reason


def _at_rest(status: str) -> bool:
    return not status.endswith(("PENDING", "IN_PROGRESS"))


def _moment(stack: Mapping[str, Any]) -> tuple[Any, ...]:
    return stack["StackStatus"], stack.get("LastUpdatedTime"), stack.get("DeletionTime")


def with_code(template: str, code_uri: str) -> str:
    """Returns a packaged SAM template in which every function uses the uploaded code."""
    parsed = json.loads(template)
    for resource in parsed["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code_uri
    return json.dumps(parsed)

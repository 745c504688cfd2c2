"""CloudFormation stacks, brought to a wanted state; doing it twice changes nothing."""

import hashlib
import json
import time
from collections.abc import Callable, Container, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.change_sets import lost
from infra.errors import DeploymentFailed, Refused

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
LARGEST_BODY = 51_200  # bytes of a template that CloudFormation takes without a bucket
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_BEGUN_ANEW = ("REVIEW_", "CREATE_IN_PROGRESS", "ROLLBACK_", "DELETE_")
_FIRST_PAUSE, _LONGEST_PAUSE, _PATIENCE = 0.2, 5.0, 3600.0  # seconds


class Stacks:
    """Deploys templates, those that are too large for a call by way of a bucket.

    cloudformation, s3  boto3 clients
    bucket              created when it is missing; needed for code and for large templates only
    """

    def __init__(
        self, cloudformation: Any, s3: Any = None, bucket: str = "", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._cloudformation = cloudformation
        self._s3 = s3
        self._bucket = bucket
        self._sleep = sleep

    def upload(self, content: bytes, suffix: str) -> str:
        """Store content under its own hash, and give its s3:// address."""
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
        """Create or update a stack; give its outputs, and whether anything had to change.

        given  parameters; those that the template does not know are left out
        keep   types of which nothing may be replaced or taken away

        Raises:  Refused when that would happen, before anything has
        """
        source = self._source(template)
        exists = self._is_there_to_update(name)
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
        """What CloudFormation says of a stack; None if there is none."""
        try:
            stack: dict[str, Any] = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return stack

    def stands(self, name: str) -> bool:
        """Whether there is a stack to be updated; what is left of any other is taken away, and it is begun anew."""
        stack = self.describe(name)
        return stack is not None and not stack["StackStatus"].startswith(_BEGUN_ANEW)

    def outputs(self, name: str) -> dict[str, str]:
        """A stack's outputs; none if there is no such stack."""
        stack = self.describe(name) or {}
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def parameters(self, name: str) -> dict[str, str]:
        """The parameters that a stack was last deployed with; none if there is no such stack."""
        stack = self.describe(name) or {}
        return {given["ParameterKey"]: given["ParameterValue"] for given in stack.get("Parameters", [])}

    def change_parameters(self, name: str, changes: Mapping[str, str]) -> bool:
        """Deploy a stack's own template again with some parameters changed; say whether that changed anything."""
        template = self._cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        text = template if isinstance(template, str) else json.dumps(template)
        return self.deploy(name, text, {**self.parameters(name), **changes})[1]

    def delete(self, name: str) -> bool:
        """Delete a stack and wait until it is gone; say whether there was one."""
        stack = self.describe(name)
        if stack is None:
            return False
        self._cloudformation.delete_stack(StackName=name)
        stack = self._settled(stack["StackId"], stack)  # by its name it is not found any more
        if stack["StackStatus"] != "DELETE_COMPLETE":
            raise DeploymentFailed(f"{name}: {stack['StackStatus']}: {self._first_failure(name)}")
        return True

    def _source(self, template: str) -> dict[str, str]:
        content = template.encode()
        if len(content) <= LARGEST_BODY:
            return {"TemplateBody": template}
        if not self._bucket:
            raise DeploymentFailed(f"the template has {len(content)} bytes, {LARGEST_BODY} go without a bucket")
        bucket, _, key = self.upload(content, ".template").removeprefix("s3://").partition("/")
        url = self._s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        return {"TemplateURL": url.split("?")[0]}

    def _is_there_to_update(self, name: str) -> bool:
        stack = self.describe(name)
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            return False
        status: str = self._settled(name)["StackStatus"]  # somebody who was interrupted may have left it in the middle
        if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):  # all that such a stack allows
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
        self._refuse_to_lose(name, change_set, keep)
        before = self._stack(name)
        self._cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        stack = self._settled(name, before)
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeploymentFailed(f"{name}: {stack['StackStatus']}: {self._first_failure(name)}")
        return True

    def _refuse_to_lose(self, name: str, change_set: str, keep: Container[str]) -> None:
        ids = lost(self._cloudformation, name, change_set, keep)
        if ids:
            self._cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
            raise Refused(
                f"{name}: {' and '.join(ids)} would be set aside with all that is in there, and something new and"
                " empty, or nothing, be in its place: give `--allow-replacement` if that is meant"
            )

    def _stack(self, name: str) -> dict[str, Any]:
        stack: dict[str, Any] = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return stack

    def _settled(self, name: str, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if before:  # the first descriptions after something has begun may still be those of before
            self._wait(lambda: self._stack(name), lambda stack: _moment(stack) != _moment(before))
        return self._wait(lambda: self._stack(name), lambda stack: _at_rest(stack["StackStatus"]))

    def _wait(
        self, describe: Callable[[], dict[str, Any]], is_over: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        pause, waited = _FIRST_PAUSE, 0.0
        while not is_over(described := describe()):
            if waited > _PATIENCE:
                raise DeploymentFailed(f"CloudFormation has come to no end in {_PATIENCE / 60:.0f} minutes")
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, _LONGEST_PAUSE)
        return described

    def _first_failure(self, name: str) -> str:
        reason = "no reason given"
        # The newest is told first. What failed for itself is the oldest: the rest was cancelled because of it.
        for event in self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
            if event["ResourceStatus"].endswith("FAILED"):
                reason = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
            if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] in _BEGINNINGS:
                break  # before it lies what is over
        return reason


def _at_rest(status: str) -> bool:
    return not status.endswith(("PENDING", "IN_PROGRESS"))


def _moment(stack: Mapping[str, Any]) -> tuple[Any, ...]:
    return stack["StackStatus"], stack.get("LastUpdatedTime"), stack.get("DeletionTime")


def with_code(template: str, code_uri: str) -> str:
    """Point every function of a packaged SAM template to the uploaded code."""
    parsed = json.loads(template)
    for resource in parsed["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code_uri
    return json.dumps(parsed)

"""CloudFormation stacks, brought to a wanted state; doing it twice changes nothing."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_POLL_SECONDS = 0.2


class DeploymentFailed(Exception):
    """CloudFormation did not do what was asked; the message says what it said."""


class Stacks:
    """Deploys templates by way of a bucket, which takes templates and code of any size.

    cloudformation, s3  boto3 clients
    bucket              created when it is missing
    """

    def __init__(self, cloudformation: Any, s3: Any, bucket: str, sleep: Callable[[float], None] = time.sleep) -> None:
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

    def deploy(self, name: str, template: str, given: Mapping[str, str]) -> tuple[dict[str, str], bool]:
        """Create or update a stack; give its outputs, and whether anything had to change.

        given  parameters; those that the template does not know are left out
        """
        address = self.upload(template.encode(), ".template")
        url = self._s3.generate_presigned_url(
            "get_object", Params=dict(zip(("Bucket", "Key"), address.removeprefix("s3://").split("/"), strict=True))
        ).split("?")[0]
        exists = self._exists(name)
        change_set = f"change-{time.time_ns()}"
        self._cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateURL=url,
            Parameters=self._parameters(url, given),
            Capabilities=CAPABILITIES,
        )
        changed = self._execute(name, change_set)
        stack = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}, changed

    def _exists(self, name: str) -> bool:
        try:
            stacks = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError:
            return False
        return stacks[0]["StackStatus"] != "REVIEW_IN_PROGRESS"

    def _parameters(self, url: str, given: Mapping[str, str]) -> list[dict[str, str]]:
        known = self._cloudformation.get_template_summary(TemplateURL=url)["Parameters"]
        names = {parameter["ParameterKey"] for parameter in known}
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items() if key in names]

    def _execute(self, name: str, change_set: str) -> bool:
        described = self._wait(
            lambda: self._cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set), "Status"
        )
        if described["Status"] == "FAILED":
            reason = described.get("StatusReason", "")
            self._cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
            if "didn't contain changes" in reason or "No updates" in reason:
                return False
            raise DeploymentFailed(f"{name}: {reason}")
        self._cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        stack = self._wait(lambda: self._cloudformation.describe_stacks(StackName=name)["Stacks"][0], "StackStatus")
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeploymentFailed(f"{name}: {stack['StackStatus']}: {self._first_failure(name)}")
        return True

    def _wait(self, describe: Callable[[], dict[str, Any]], status: str) -> dict[str, Any]:
        while True:
            described = describe()
            if not described[status].endswith(("PENDING", "IN_PROGRESS")):
                return described
            self._sleep(_POLL_SECONDS)

    def _first_failure(self, name: str) -> str:
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        for event in reversed(events):
            if event["ResourceStatus"].endswith("FAILED"):
                return f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        return "no reason given"


def with_code(template: str, code_uri: str) -> str:
    """Point every function of a packaged SAM template to the uploaded code."""
    parsed = json.loads(template)
    for resource in parsed["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code_uri
    return json.dumps(parsed)

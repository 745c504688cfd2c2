"""The tables of infra/identity.yaml in moto's DynamoDB, inside the test process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import yaml

from tests.aws.mocked import mocked_aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")
PROJECT = Path(__file__).resolve().parents[2]
TEMPLATE = PROJECT / "infra" / "identity.yaml"


class _Template(yaml.SafeLoader):
    """Loads CloudFormation. Ignores `!Ref` and other tags, which the keys of a table do not need."""


_Template.add_multi_constructor("!", lambda _loader, _suffix, node: str(node.value))


@contextmanager
def empty_tables() -> Iterator["DynamoDBClient"]:
    """Creates every table of the template, empty, under its name in the template."""
    with mocked_aws():
        for arguments in _tables():
            dynamodb_client().create_table(**arguments)
        yield dynamodb_client()


@cache
def table_settings() -> dict[str, str]:
    """The environment variables that name tables, as .chalice/package.json sets them for `empty_tables`."""
    resources = json.loads((PROJECT / ".chalice" / "package.json").read_text(encoding="utf-8"))["Resources"]
    environments = [resource["Properties"].get("Environment", {}) for resource in resources.values()]
    return {
        variable: value["Ref"].removesuffix("Name")
        for environment in environments
        for variable, value in environment.get("Variables", {}).items()
        if value.get("Ref", "").endswith("TableName")
    }


@cache
def dynamodb_client() -> "DynamoDBClient":
    """Returns a client for moto, wherever the environment says that DynamoDB is."""
    # Fake credentials, so that no test can reach an account. Created once, because creation takes longer than a test.
    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url="https://dynamodb.us-east-1.amazonaws.com",
    )


@cache
def _tables() -> list[dict[str, Any]]:
    template = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Template)  # noqa: S506 - a subclass of the safe one
    return [
        {"TableName": name, **{key: resource["Properties"][key] for key in KEYS if key in resource["Properties"]}}
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    ]

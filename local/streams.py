"""Finds stream mappings that read the stream of a table that no longer exists."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

_REMEDY = "To start with a new cloud, without these users and policies, run `make reset`."


def stale_mappings(functions: Any, dynamodb: Any) -> Iterator[str]:
    """Describes each event source mapping whose stream is not the current stream of its table, with the remedy.

    functions  a boto3 client of Lambda
    """
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        source = str(mapping.get("EventSourceArn", ""))
        name, _, stream = source.partition(":table/")[2].partition("/stream/")
        if stream and _current_stream(dynamodb, name) != source:
            function = mapping["FunctionArn"].rpartition(":")[2]
            yield (
                f"{name} was deleted or created again: {function} still reads the stream of the old table."
                f" Changes by tools other than the API cause no invalidation. {_REMEDY}"
            )


def _current_stream(dynamodb: Any, table: str) -> str | None:
    try:
        described: str | None = dynamodb.describe_table(TableName=table)["Table"].get("LatestStreamArn")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return described

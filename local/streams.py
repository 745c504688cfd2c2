"""Finds stream mappings that read the stream of a table that no longer exists."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

_REMEDY = "`make reset` begins with a new cloud, without the people and policies of this one."


def stale_mappings(functions: Any, dynamodb: Any) -> Iterator[str]:
    """Describe each event source mapping whose stream is not its table's current stream, with the remedy.

    functions  a boto3 client of Lambda
    """
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        source = str(mapping.get("EventSourceArn", ""))
        name, _, stream = source.partition(":table/")[2].partition("/stream/")
        if stream and _current_stream(dynamodb, name) != source:
            function = mapping["FunctionArn"].rpartition(":")[2]
            yield (
                f"{name} was deleted or created anew: {function} still reads the stream of the old table."
                f" Edits by tools other than the API are not noticed. {_REMEDY}"
            )


def _current_stream(dynamodb: Any, table: str) -> str | None:
    try:
        described: str | None = dynamodb.describe_table(TableName=table)["Table"].get("LatestStreamArn")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return described

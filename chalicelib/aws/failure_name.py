"""Names a failure of the SDK for an error of ours.

An adapter raises its error `from None`. The message of AWS and of a chained error reaches the log, and it can contain
an e-mail address or a part of the request.
"""

from botocore.exceptions import BotoCoreError, ClientError


def failure_name(error: BotoCoreError | ClientError) -> str:
    """Returns AWS's code of the error, or the class of a failed connection."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__

"""Names a failure of the SDK by its code alone.

The message of AWS can contain an e-mail address or a part of the request. An adapter therefore omits it and raises its
own error `from None`, because the log shows chained errors.
"""

from botocore.exceptions import BotoCoreError, ClientError


def failure_name(error: BotoCoreError | ClientError) -> str:
    """Returns AWS's code of the error, or the class of a failed connection."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__

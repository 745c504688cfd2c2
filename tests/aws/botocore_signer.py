"""The header `Authorization` of a request, as botocore signs it at a given time."""

from __future__ import annotations

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def botocore_authorization(credentials: Credentials, region: str, time: str, request: AWSRequest) -> str:
    """Returns the header for a request to DynamoDB. The time has the format of the header `x-amz-date`."""
    # `add_auth` would sign with the time of the system clock.
    request.context["timestamp"] = time
    signer = SigV4Auth(credentials, "dynamodb", region)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"

"""Verifies AWS signatures (SigV4). ministack does not verify the signature of its root access key."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass

from ministack.core.iam_actions import access_denied_response
from ministack.core.iam_evaluator import ResolvedCredential, is_root_access_key, resolve_credential
from ministack.core.router import detect_service
from ministack.core.sigv4 import (
    HeaderSignature,
    header_signature_failure,
    parse_header_signature,
    parse_query_signature,
    presigned_request_is_expired,
    request_time_failure,
)

from local.front.http import Request, Response

_QUERY_SIGNATURE = ("x-amz-algorithm", "x-amz-credential", "x-amz-signature", "awsaccesskeyid")
_WELL_FORMED = {"amz_date": re.compile(r"\d{8}T\d{6}Z"), "signature": re.compile(r"[0-9a-f]{64}")}
_UNKNOWN_KEY = ("UnrecognizedClientException", "The security token included in the request is invalid.")

Problem = tuple[str, str]


def claims_a_signature(request: Request) -> bool:
    """Returns whether a request contains an AWS signature in any form that ministack reads."""
    return request.header("authorization").startswith("AWS") or any(
        name.lower() in _QUERY_SIGNATURE for name in request.query
    )


@dataclass(frozen=True)
class Signatures:
    """Verifies signatures. ministack has the secrets of IAM users and roles. The root secret is given here."""

    access_key: str
    secret: str

    def refusal(self, request: Request) -> Response | None:
        """Returns the refusal of a request with an invalid signature, in the protocol of its service, or None."""
        problem = self._problem(request)
        if problem is None:
            return None
        service = detect_service(request.method, request.path, request.headers, request.query)
        status, headers, body = access_denied_response(
            service, "", "", str(uuid.uuid4()), error_code=problem[0], message=problem[1], headers=request.headers
        )
        return Response(status, body, tuple((k.encode(), v.encode()) for k, v in headers.items()))

    def _problem(self, request: Request) -> Problem | None:
        presigned = not request.header("authorization")
        parse = parse_query_signature if presigned else parse_header_signature
        signature = parse(request.query if presigned else request.headers)
        if isinstance(signature, tuple):
            return signature
        if not all(form.fullmatch(getattr(signature, part)) for part, form in _WELL_FORMED.items()):
            return "IncompleteSignature", "The signature or its date is malformed."
        token = request.parameter("X-Amz-Security-Token") if presigned else request.header("x-amz-security-token")
        secret = self._secret(signature.access_key_id, token)
        if secret is None:
            return _UNKNOWN_KEY
        return (
            self._too_late(request, signature, presigned)
            or self._left_unsigned(request, signature.signed_headers.split(";"))
            or header_signature_failure(
                signature,
                secret,
                request.method,
                request.scope["raw_path"].decode(),
                request.query,
                request.headers,
                request.body,
                presigned=presigned,
            )
        )

    def _secret(self, access_key: str, session_token: str) -> str | None:
        if access_key == self.access_key:
            return self.secret
        # ministack also accepts an empty key, the key of its environment and any twelve digits as the root key.
        if is_root_access_key(access_key):
            return None
        found = resolve_credential(access_key, session_token=session_token)
        return found.secret_access_key if isinstance(found, ResolvedCredential) else None

    def _too_late(self, request: Request, signature: HeaderSignature, presigned: bool) -> Problem | None:
        if not presigned:
            return request_time_failure(signature)
        try:
            expired = presigned_request_is_expired(signature.amz_date, request.parameter("X-Amz-Expires"))
        except ValueError:
            expired = True
        return ("RequestExpired", "Request has expired") if expired else None

    def _left_unsigned(self, request: Request, signed: list[str]) -> Problem | None:
        # ministack routes by Host and X-Amz-Target. If they were unsigned, one signed request could become another.
        open_headers = {name for name in request.headers if name == "host" or name.startswith("x-amz-")} - set(signed)
        if open_headers:
            return "SignatureDoesNotMatch", f"These headers are not signed: {', '.join(sorted(open_headers))}."
        stated = request.header("x-amz-content-sha256")
        if re.fullmatch(r"[0-9a-f]{64}", stated) and not hmac.compare_digest(
            stated, hashlib.sha256(request.body).hexdigest()
        ):
            return "SignatureDoesNotMatch", "The body does not match the signature."
        return None

"""A plain group-policy authorizer, as AWS samples show it, for comparison.

It finds and builds the key for each token, reads the table for each request, and returns the statements of all groups
one after the other. The code is our own. The table is in memory, as for Gatehouse.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from jose import jwk, jwt
from jose.utils import base64url_decode

from benchmarks.ours import ARN_BASE
from benchmarks.tokens import CLIENT, JWKS

Rows = Mapping[str, str]  # group → its IAM statements as JSON


def authorize(event: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """Returns the authorizer result for an event."""
    claims = verify(event["authorizationToken"].removeprefix("Bearer "))
    found = [json.loads(rows[group]) for group in claims["cognito:groups"] if group in rows]
    return {"principalId": claims["sub"], "policyDocument": concatenate(found)}


def verify(token: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    entry = next(key for key in JWKS["keys"] if key["kid"] == header["kid"])
    signed, _, signature = token.rpartition(".")
    if not jwk.construct(entry).verify(signed.encode(), base64url_decode(signature.encode())):
        raise ValueError("the signature does not match")
    claims: dict[str, Any] = jwt.get_unverified_claims(token)
    if claims["exp"] < time.time() or claims["client_id"] != CLIENT or claims["token_use"] != "access":
        raise ValueError("the token has expired, or its client_id or token_use is wrong")
    return claims


def concatenate(policies: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Concatenates all statements of all policies."""
    return {"Version": "2012-10-17", "Statement": [dict(statement) for policy in policies for statement in policy]}


def rule(path: str) -> dict[str, Any]:
    """Returns one IAM statement."""
    return {"Sid": "read", "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": [f"{ARN_BASE}GET{path}"]}

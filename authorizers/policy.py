"""Use case 2: the Lambda authorizer, which turns what a caller's groups may do into the policy API Gateway enforces."""

import os
from collections.abc import Callable
from typing import Any

from chalice.app import AuthRequest, Blueprint

from authorizers import document
from authorizers.record import Record
from chalicelib.authorize import Grant
from chalicelib.core import grant as grant_text
from chalicelib.core.decision import decide
from chalicelib.core.errors import CannotDecide, TokenRejected
from chalicelib.settings import Settings

guards = Blueprint(__name__)


class Unauthorized(Exception):
    """API Gateway answers 401, and remembers nothing, if an authorizer fails with exactly this one word."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@guards.authorizer(ttl_seconds=Settings(os.environ).authorizer_cache_seconds)
def policy_authorizer(request: AuthRequest) -> dict[str, Any]:
    """Answer API Gateway's question. Raises Unauthorized (401), or anything else (500): neither is remembered."""
    from chalicelib import wiring  # the AWS clients take a while to import: not for who only wants the routes

    record = Record(keys_outage_seconds=lambda: wiring.keys().outage_seconds)
    return answer(request.token, request.method_arn, wiring.authorize, record)


def answer(
    header: str, method_arn: str, authorize: Callable[[], Callable[[str], Grant]], record: Record
) -> dict[str, Any]:
    """Decide, record the decision in one line, and write the document.

    header     the Authorization header: `Bearer <token>` or the token alone
    authorize  gives the use case; a failure to build it is recorded like one to decide
    """
    try:
        arn_base, method, path = document.split_method_arn(method_arn)
        record.ask(method, path)
        grant = authorize()(_token(header))
        answered = document.build(grant.principal.subject, grant.statements, arn_base, _context(grant))
    except TokenRejected as rejected:
        record.write("rejected", rejected.code)
        raise Unauthorized from None
    except Exception as failure:
        record.write("failed", failure.code if isinstance(failure, CannotDecide) else "unexpected_failure")
        raise
    decision = decide(grant.statements, method, path)
    record.grant(grant, decision.because)
    record.write("allowed" if decision.allowed else "denied", decision.reason if grant.policies else "no_policy")
    return answered


def _token(header: str) -> str:
    scheme, space, token = header.partition(" ")
    if not space:
        return header
    if scheme.lower() != "bearer" or not token:
        raise TokenRejected("missing_token", "the Authorization header holds no bearer token")
    return token


def _context(grant: Grant) -> dict[str, str]:
    """What the service and the gateway's error responses get to know: texts only, and the same for every request."""
    policies = ", ".join(grant.policies)
    return {
        "code": "not_permitted" if grant.policies else "no_policy",
        "reason": f"the policies in force are {policies}" if grant.policies else "no policy applies to the caller",
        "kind": "machine" if grant.principal.is_machine else "person",
        "client": grant.principal.client_id,
        "username": grant.principal.username,
        "policies": policies,
        "generation": str(grant.generation),
        "grant": grant_text.encode(grant.statements),
    }

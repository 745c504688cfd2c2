"""Use case 2: the Lambda authorizer. It returns the policy document that API Gateway enforces for a caller."""

import os
import time
from collections.abc import Callable
from typing import Any

from chalice.app import AuthRequest, Blueprint

from authorizers import group_names, policy_document, policy_names
from authorizers.bearer import token_of
from authorizers.decision_log import DecisionLog
from authorizers.document_cache import CachedDocument, DocumentCache
from chalicelib import wiring
from chalicelib.authorize import Authorization, EffectivePermissions
from chalicelib.core import permission_codec
from chalicelib.core.decision import LOCKED_DOWN, NO_POLICY
from chalicelib.core.errors import InternalError, TokenRejected
from chalicelib.core.principal import Principal
from chalicelib.settings import Settings
from chalicelib.start import in_init_phase

authorizer_blueprint = Blueprint(__name__)

# The document and the permissions must fit into the result. The names of the policies get the bytes that remain, up to
# this limit.
_POLICY_NAMES_BYTES = 1024
_CALLER_BYTES = 672  # the longest ids and names of a caller, in ASCII


class Unauthorized(Exception):
    """The error that API Gateway answers with 401 and does not cache. It requires exactly this one word."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@authorizer_blueprint.authorizer(ttl_seconds=Settings(os.environ).authorizer_cache_seconds)
def policy_authorizer(request: AuthRequest) -> dict[str, Any]:
    """Returns the authorizer's result. Raises Unauthorized (401) or another error (500). API Gateway caches neither."""
    decision_log = DecisionLog(wiring.function_name(), wiring.keys_outage_seconds, wiring.measurements().take)
    return respond(request.token, request.method_arn, wiring.authorize, decision_log, wiring.has_upstream())


def respond(
    header: str,
    method_arn: str,
    authorize: Callable[[], Callable[[str, str, str], Authorization]],
    decision_log: DecisionLog,
    with_groups: bool = False,
) -> dict[str, Any]:
    """Authorizes one request, returns the authorizer's result, and records the decision in one log line.

    header       the Authorization header: `Bearer <token>` or the token alone
    authorize    returns the use case; a failure to build the use case is recorded as a failure to decide
    with_groups  add the caller's groups to the context, for the upstream
    """
    try:
        arn_base, method, path = policy_document.split_method_arn(method_arn)
        decision_log.record_request(method, path)
        authorization = authorize()(token_of(header), method, path)
        answer = _result(authorization, arn_base, with_groups)
    except TokenRejected as rejected:
        decision_log.record_rejection(rejected.code)
        raise Unauthorized from None
    except Exception as failure:
        decision_log.record_failure(failure.code if isinstance(failure, InternalError) else "unexpected_failure")
        raise
    decision_log.record_decision(authorization)
    return answer


def _result(authorization: Authorization, arn_base: str, with_groups: bool) -> dict[str, Any]:
    document, principal = _documents.get(authorization.permissions, arn_base), authorization.principal
    context = {
        **document.context,
        "kind": "machine" if principal.is_machine else "person",
        "client": principal.client_id,
        "username": principal.username,
        "signed_in_at": str(principal.signed_in_at),
    }
    if with_groups:
        used = document.size + _longest_caller(principal)
        context["groups"] = group_names.encode(principal.policy_subjects, policy_document.MAX_RESULT_BYTES - used)
    if _may_be_too_large(document, principal) or with_groups:
        return policy_document.result(principal.subject, document.policy, context)
    return {"principalId": principal.subject, "policyDocument": document.policy, "context": context}


def _may_be_too_large(document: CachedDocument, principal: Principal) -> bool:
    return document.size + _longest_caller(principal) > policy_document.MAX_RESULT_BYTES


def _longest_caller(principal: Principal) -> int:
    # Measuring the exact size costs time. A character takes at most twelve bytes of JSON; the rest takes 192.
    return 192 + 12 * (len(principal.subject) + len(principal.client_id) + len(principal.username))


def _document(permissions: EffectivePermissions, arn_base: str) -> CachedDocument:
    policy = policy_document.build(permissions.statements, arn_base)
    # The service and the gateway's error responses read this context. It holds only strings and is the same for every
    # request. The error response adds the names of the policies to the reason. The names are long, so the context
    # holds them once.
    code, reason = _refusal(permissions)
    context = {
        "code": code,
        "reason": reason,
        "policies": "",
        "permissions": permission_codec.encode(permissions.statements),
        "generation": str(permissions.generation),
    }
    remaining = policy_document.MAX_RESULT_BYTES - _CALLER_BYTES - policy_document.json_bytes([policy, context])
    context["policies"] = policy_names.encode(permissions.policies, min(_POLICY_NAMES_BYTES, remaining))
    return CachedDocument(policy, context, policy_document.json_bytes([policy, context]))


def _refusal(permissions: EffectivePermissions) -> tuple[str, str]:
    """Returns the code and the beginning of the message for every request that the document denies."""
    if permissions.locked_until:
        # The operator's reason is not for callers.
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(permissions.locked_until))
        return LOCKED_DOWN.reason, f"the stage is locked down until {until}"
    if not permissions.policies:
        return NO_POLICY.reason, "no policy applies to the caller"
    if permissions.too_old:
        return "sign_in_too_old", "the sign-in is too old for statements of "
    return "not_permitted", "the policies in force are "


_documents = DocumentCache(_document)

in_init_phase(wiring.settings(), f"{__name__}.policy_authorizer", wiring.start_authorizer, wiring.fetch_keys)

"""Use case 2: the Lambda authorizer, which turns what a caller's groups may do into the policy API Gateway enforces."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from chalice.app import AuthRequest, Blueprint

from authorizers import policy_document, policy_names
from authorizers.bearer import token_of
from authorizers.decision_log import DecisionLog
from chalicelib.authorize import Authorization, EffectivePermissions
from chalicelib.core import permission_codec
from chalicelib.core.errors import CannotDecide, TokenRejected
from chalicelib.core.policy import MAX_DOCUMENT_BYTES
from chalicelib.settings import Settings

authorizer_blueprint = Blueprint(__name__)

# What has to fit is the document and the grant: the names of policies get what is left, and no more than they need.
_POLICY_NAMES_BYTES = 1024
_HOLDER_BYTES = 640  # the longest ids and names of a caller, in ASCII


class Unauthorized(Exception):
    """API Gateway answers 401, and remembers nothing, if an authorizer fails with exactly this one word."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@authorizer_blueprint.authorizer(ttl_seconds=Settings(os.environ).authorizer_cache_seconds)
def policy_authorizer(request: AuthRequest) -> dict[str, Any]:
    """Answer API Gateway's question. Raises Unauthorized (401), or anything else (500): neither is remembered."""
    from chalicelib import wiring  # the AWS clients take a while to import: not for who only wants the routes

    decision_log = DecisionLog(wiring.function_name(), wiring.keys_outage_seconds)
    return respond(request.token, request.method_arn, wiring.authorize, decision_log)


def respond(
    header: str, method_arn: str, authorize: Callable[[], Callable[[str], Authorization]], decision_log: DecisionLog
) -> dict[str, Any]:
    """Decide, decision_log the decision in one line, and write the document.

    header     the Authorization header: `Bearer <token>` or the token alone
    authorize  gives the use case; a failure to build it is recorded like one to decide
    """
    try:
        arn_base, method, path = policy_document.split_method_arn(method_arn)
        decision_log.ask(method, path)
        authorization = authorize()(token_of(header))
        answered = _document(authorization, arn_base)
    except TokenRejected as rejected:
        decision_log.reject(rejected.code)
        raise Unauthorized from None
    except Exception as failure:
        decision_log.fail(failure.code if isinstance(failure, CannotDecide) else "unexpected_failure")
        raise
    decision_log.decide(authorization, method, path)
    return answered


class _Form(NamedTuple):
    """What a document and its context say of the permissions, whoever holds them; `size` in bytes."""

    policy: dict[str, Any]
    context: dict[str, str]
    size: int


def _document(authorization: Authorization, arn_base: str) -> dict[str, Any]:
    form: _Form | None = authorization.permissions.forms.get(arn_base)
    if form is None:
        form = authorization.permissions.forms[arn_base] = _form(authorization.permissions, arn_base)
    principal = authorization.principal
    context = {
        **form.context,
        "kind": "machine" if principal.is_machine else "person",
        "client": principal.client_id,
        "username": principal.username,
    }
    # The size is measured only where it matters: a character takes up to twelve bytes of JSON, the rest 160.
    most = form.size + 160 + 12 * (len(principal.subject) + len(principal.client_id) + len(principal.username))
    if most > MAX_DOCUMENT_BYTES:
        return policy_document.result(principal.subject, form.policy, context)
    return {"principalId": principal.subject, "policyDocument": form.policy, "context": context}


def _form(permissions: EffectivePermissions, arn_base: str) -> _Form:
    policy = policy_document.build(permissions.statements, arn_base)
    # What the service and the gateway's error responses get to know: texts only, and the same for every request. The
    # error response puts the names of the policies behind the reason: they are long, so the context has them once.
    context = {
        "code": "not_permitted" if permissions.policies else "no_policy",
        "reason": "the policies in force are " if permissions.policies else "no policy applies to the caller",
        "policies": "",
        "permissions": permission_codec.encode(permissions.statements),
        "generation": str(permissions.generation),
    }
    room = min(_POLICY_NAMES_BYTES, MAX_DOCUMENT_BYTES - _HOLDER_BYTES - policy_document.json_bytes([policy, context]))
    context["policies"] = policy_names.encode(permissions.policies, room)
    return _Form(policy, context, policy_document.json_bytes([policy, context]))

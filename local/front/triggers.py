"""Fires the PostConfirmation trigger. ministack stores its configuration and never fires it."""

from __future__ import annotations

from typing import Any

from ministack.core.concurrency import run_reentrant
from ministack.services import lambda_svc

from local.front import directory
from local.front.directory import Record
from local.front.http import Response, aws_error

CONFIRMED = "PostConfirmation_ConfirmSignUp"
PASSWORD_RESET = "PostConfirmation_ConfirmForgotPassword"


async def post_confirmation(
    source: str, pool: Record, user: Record, client_id: str, metadata: dict[str, str] | None
) -> Response | None:
    """Invokes the PostConfirmation function of the pool, if it has one. Returns the error of the function, or None.

    The user stays confirmed if the function fails.
    """
    arn = (pool.get("LambdaConfig") or {}).get("PostConfirmation")
    if not arn:
        return None
    record, settings, _name = lambda_svc._get_func_record_for_ref(arn)
    if record is None:
        return aws_error(
            "UnexpectedLambdaException", "PostConfirmation invocation failed: the function does not exist."
        )
    event = _event(source, pool["Id"], user, client_id, metadata)
    # In another thread, because the function may call this server.
    result = await run_reentrant(
        lambda_svc._execute_function_with_config_scope,
        lambda_svc._execution_record_for_config(record, settings),
        event,
        thread_name="post-confirmation",
    )
    answer = result.get("body")
    if result.get("error"):
        reason = answer.get("errorMessage") if isinstance(answer, dict) else answer
        return aws_error("UserLambdaValidationException", f"PostConfirmation failed with error {reason}.")
    if not isinstance(answer, dict):
        return aws_error("InvalidLambdaResponseException", "Unrecognizable lambda output")
    return None


def _event(source: str, pool_id: str, user: Record, client_id: str, metadata: dict[str, str] | None) -> dict[str, Any]:
    """Returns the event of the trigger.

    Source:  docs.aws.amazon.com/cognito → "Post confirmation Lambda trigger"
    """
    attributes = {**directory.attributes(user), "cognito:user_status": user["UserStatus"]}
    return {
        "version": "1",
        "region": pool_id.split("_")[0],
        "userPoolId": pool_id,
        "userName": user["Username"],
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": client_id or "CLIENT_ID_NOT_APPLICABLE",
        },
        "triggerSource": source,
        "request": {"userAttributes": attributes, **({"clientMetadata": metadata} if metadata else {})},
        "response": {},
    }

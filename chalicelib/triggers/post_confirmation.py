"""Cognito's post-confirmation trigger: who confirms a sign-up gets the default groups."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.cognito_user_pool_event import PostConfirmationTriggerEvent
from chalice.app import Blueprint

from chalicelib.triggers.failure import report_failure

post_confirmation_trigger = Blueprint(__name__)


@post_confirmation_trigger.lambda_function(name="post_confirmation")
def post_confirmation(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Give the event back, as Cognito demands, whatever happened."""
    from chalicelib import wiring

    return handle_post_confirmation(event, wiring.onboard, Logger(service="post_confirmation"))


def handle_post_confirmation(
    event: dict[str, Any], onboard: Callable[[], Callable[[str, str, str], tuple[str, ...]]], logger: Logger
) -> dict[str, Any]:
    """Give a new user the default groups.

    Nothing is ever raised: the user is confirmed by now, and an error would reach the person who signed up and undo
    nothing. They merely hold no group, which the metric and the log line tell.
    """
    try:
        trigger = PostConfirmationTriggerEvent(event)
        if trigger.trigger_source != "PostConfirmation_ConfirmSignUp":
            return event  # a forgotten password that was reset gives nobody a group
        if trigger.request.user_attributes.get("cognito:user_status") == "EXTERNAL_PROVIDER":
            return event  # the pre-token trigger knows what the company's groups mean here
        subject = trigger.request.user_attributes["sub"]
        groups = onboard()(trigger.user_pool_id, trigger.user_name, subject)
        logger.info("default groups given", extra={"sub": subject, "groups": list(groups)})
    except Exception as failure:
        report_failure(logger, "default groups not given", failure)
    return event

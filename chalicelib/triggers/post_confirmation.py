"""Cognito's post-confirmation trigger: adds a user to the default groups after the sign-up is confirmed."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from chalice.app import Blueprint

from chalicelib import wiring
from chalicelib.start import in_init_phase
from chalicelib.triggers.failure import report_failure

post_confirmation_trigger = Blueprint(__name__)


@post_confirmation_trigger.lambda_function(name="post_confirmation")
def post_confirmation(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Returns the event, as Cognito requires, even after a failure."""
    return handle_post_confirmation(event, wiring.onboard, Logger(service="post_confirmation"))


def handle_post_confirmation(
    event: dict[str, Any], onboard: Callable[[], Callable[[str, str, str], tuple[str, ...]]], logger: Logger
) -> dict[str, Any]:
    """Adds a new user to the default groups. Never raises.

    The user is already confirmed. An error would be shown to the user and would not undo the sign-up. After a failure
    the user has no group, and the metric and the log line report it.
    """
    try:
        if event["triggerSource"] != "PostConfirmation_ConfirmSignUp":
            return event  # the reset of a forgotten password is not a sign-up
        attributes = event["request"]["userAttributes"]
        if attributes.get("cognito:user_status") == "EXTERNAL_PROVIDER":
            return event  # the pre-token trigger handles users of an identity provider
        subject = attributes["sub"]
        groups = onboard()(event["userPoolId"], event["userName"], subject)
        logger.info("default groups given", extra={"sub": subject, "groups": list(groups)})
    except Exception as failure:
        report_failure(logger, "default groups not given", failure)
    return event


in_init_phase(wiring.settings(), f"{__name__}.post_confirmation", wiring.start_onboard)

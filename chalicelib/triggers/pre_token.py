"""Cognito's pre-token trigger: adds groups to a user's token. Every kind of sign-in calls it."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from chalice.app import Blueprint

from chalicelib import wiring
from chalicelib.start import in_init_phase
from chalicelib.triggers.failure import report_failure

pre_token_trigger = Blueprint(__name__)


@pre_token_trigger.lambda_function(name="pre_token")
def pre_token(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Return the event, as Cognito requires, with the groups for the token."""
    return handle_pre_token(event, wiring.token_groups, Logger(service="pre_token"))


def handle_pre_token(
    event: dict[str, Any], token_groups: Callable[[], Callable[..., tuple[str, ...]]], logger: Logger
) -> dict[str, Any]:
    """Override the groups if there are groups to add. Never raises.

    An error would prevent the sign-in. After a failure the token carries the groups that the user has in the user
    pool, and the metric and the log line report it.

    Source:  docs.aws.amazon.com/cognito → "Pre token generation Lambda trigger", version 1
    """
    try:
        configuration = event["request"].get("groupConfiguration") or {}
        held = configuration.get("groupsToOverride") or []
        attributes = event["request"]["userAttributes"]
        groups = token_groups()(event["userPoolId"], event["userName"], attributes, held)
        if list(groups) != held:
            # Return the whole configuration: Cognito removes what is missing here.
            override = {**configuration, "groupsToOverride": list(groups)}
            event["response"]["claimsOverrideDetails"] = {"groupOverrideDetails": override}
            logger.info("groups completed", extra={"sub": attributes["sub"], "groups": list(groups)})
    except Exception as failure:
        report_failure(logger, "groups not completed", failure)
    return event


in_init_phase(wiring.settings(), f"{__name__}.pre_token", wiring.start_token_groups)

"""Cognito's pre-token trigger, the only one on every way to a person's token: it completes the groups."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from chalice.app import Blueprint

from chalicelib.triggers.failure import report_failure

pre_token_trigger = Blueprint(__name__)


@pre_token_trigger.lambda_function(name="pre_token")
def pre_token(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Give the event back, as Cognito demands, with the groups that the token is to carry."""
    from chalicelib import wiring

    return handle_pre_token(event, wiring.token_groups, Logger(service="pre_token"))


def handle_pre_token(
    event: dict[str, Any], token_groups: Callable[[], Callable[..., tuple[str, ...]]], logger: Logger
) -> dict[str, Any]:
    """Override the groups, if there is anything to add.

    Nothing is ever raised, which would keep a person from signing in: without an answer the token carries the groups
    that they hold in the user pool, and the metric and the log line tell.

    Source:  docs.aws.amazon.com/cognito → "Pre token generation Lambda trigger", version 1
    """
    try:
        configuration = event["request"].get("groupConfiguration") or {}
        held = configuration.get("groupsToOverride") or []
        attributes = event["request"]["userAttributes"]
        groups = token_groups()(event["userPoolId"], event["userName"], attributes, held)
        if list(groups) != held:
            # The whole configuration: what is left out here would be taken away.
            override = {**configuration, "groupsToOverride": list(groups)}
            event["response"]["claimsOverrideDetails"] = {"groupOverrideDetails": override}
            logger.info("groups completed", extra={"sub": attributes["sub"], "groups": list(groups)})
    except Exception as failure:
        report_failure(logger, "groups not completed", failure)
    return event

"""Cognito's pre-token trigger: completes the groups of a user's token, and customizes access tokens.

Every kind of sign-in calls it. Event version 1 changes groups only. Versions 2 and 3 also customize the access token;
version 3 is called for machines, too.

Source:  docs.aws.amazon.com/cognito → "Pre token generation Lambda trigger"
"""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from chalice.app import Blueprint

from chalicelib import wiring
from chalicelib.core.access_token import AccessToken, custom_scopes
from chalicelib.start import in_init_phase
from chalicelib.triggers.failure import report_failure

pre_token_trigger = Blueprint(__name__)

_MACHINE = "TokenGeneration_ClientCredentials"


@pre_token_trigger.lambda_function(name="pre_token")
def pre_token(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Returns the event, as Cognito requires, with the groups, claims and scopes for the token."""
    return handle_pre_token(event, wiring.token_groups, wiring.customize_tokens, Logger(service="pre_token"))


def handle_pre_token(
    event: dict[str, Any],
    token_groups: Callable[[], Callable[..., tuple[str, ...]]],
    customize_tokens: Callable[[], Callable[..., AccessToken]],
    logger: Logger,
) -> dict[str, Any]:
    """Overrides what has to change. Never raises.

    An error would prevent the sign-in. The metric and a log line report each failure. If the groups cannot be
    completed, the token carries the groups that the user has in the user pool. If the token cannot be customized, it
    carries no custom claim, and a person's token carries no custom scope.
    """
    try:
        groups = None if event.get("triggerSource") == _MACHINE else _complete_groups(event, token_groups, logger)
        if _is_later_version(event):
            _write_access_token(event, groups, _customized(event, groups, customize_tokens, logger))
    except Exception as failure:
        report_failure(logger, "groups not completed", failure)
    return event


def _complete_groups(
    event: dict[str, Any], token_groups: Callable[[], Callable[..., tuple[str, ...]]], logger: Logger
) -> list[str]:
    """Returns the groups of the token. For an event of version 1, also writes them into the event."""
    configuration = event["request"].get("groupConfiguration") or {}
    held = configuration.get("groupsToOverride") or []
    try:
        attributes = event["request"]["userAttributes"]
        groups = list(token_groups()(event["userPoolId"], event["userName"], attributes, held))
    except Exception as failure:
        report_failure(logger, "groups not completed", failure)
        return list(held)
    if groups != held:
        logger.info("groups completed", extra={"sub": attributes["sub"], "groups": groups})
        if not _is_later_version(event):
            event["response"]["claimsOverrideDetails"] = {"groupOverrideDetails": _override(event, groups)}
    return groups


def _customized(
    event: dict[str, Any],
    groups: list[str] | None,
    customize_tokens: Callable[[], Callable[..., AccessToken]],
    logger: Logger,
) -> AccessToken:
    try:
        attributes = {} if groups is None else event["request"]["userAttributes"]
        return customize_tokens()(attributes, groups)
    except Exception as failure:
        report_failure(logger, "access token not customized", failure)
        # It is unknown which scopes the person's groups justify.
        return AccessToken() if groups is None else AccessToken({}, custom_scopes(event["request"].get("scopes") or ()))


def _write_access_token(event: dict[str, Any], groups: list[str] | None, token: AccessToken) -> None:
    access = {"claimsToAddOrOverride": dict(token.claims), "scopesToSuppress": list(token.removed_scopes)}
    details: dict[str, Any] = {"accessTokenGeneration": {name: value for name, value in access.items() if value}}
    if groups is not None:
        details["groupOverrideDetails"] = _override(event, groups)
    event["response"]["claimsAndScopeOverrideDetails"] = details


def _is_later_version(event: dict[str, Any]) -> bool:
    """Returns whether the event lets the trigger customize the access token."""
    return event.get("version") in ("2", "3")


def _override(event: dict[str, Any], groups: list[str]) -> dict[str, Any]:
    """Returns the whole configuration of groups: Cognito removes what is missing here."""
    return {**(event["request"].get("groupConfiguration") or {}), "groupsToOverride": groups}


in_init_phase(wiring.settings(), f"{__name__}.pre_token", wiring.start_token_groups, wiring.customize_tokens)

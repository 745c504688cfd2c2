"""Refuses self-service operations that Cognito refuses: attribute writes, aliases, and missing passwords."""

from __future__ import annotations

from local.front import directory, refresh_token_rotation, usernames
from local.front.directory import AppClient, Record
from local.front.http import Response, aws_error

_COGNITO_WRITES = {"sub", "identities", "email_verified", "phone_number_verified"}
_NEED_A_PASSWORD = {"InitiateAuth", "AdminInitiateAuth", "ForgotPassword", "ConfirmForgotPassword"}


def refusal(operation: str, fields: Record, now: float) -> Response | None:
    """Returns the refusal of an operation that Cognito would refuse, or None."""
    app = directory.client(fields.get("ClientId"))
    if operation == "SignUp" and app and app.pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly"):
        return aws_error("NotAuthorizedException", "SignUp is not permitted for this user pool")
    if operation in ("SignUp", "UpdateUserAttributes") and not _may_write(fields):
        return aws_error("NotAuthorizedException", "A client attempted to write unauthorized attribute")
    if operation in ("UpdateUserAttributes", "AdminUpdateUserAttributes") and _takes_an_alias(fields):
        return aws_error("AliasExistsException", "An account with the given alias already exists.")
    if operation in ("SignUp", "AdminCreateUser") and _is_taken(app, fields):
        return aws_error("UsernameExistsException", "User account already exists.")
    refused_flow = refresh_token_rotation.refused_flow(app, fields.get("AuthFlow")) if app else None
    if refused_flow:
        return refused_flow
    if operation in _NEED_A_PASSWORD and _has_no_password(app, fields):
        return aws_error("NotAuthorizedException", "Incorrect username or password.")
    refused_reset = _refused_reset(app, fields) if app and operation == "ForgotPassword" else None
    if refused_reset:
        return refused_reset
    if _refresh_token_expired(fields, now) or (operation == "RevokeToken" and not _may_revoke(app, fields, now)):
        return aws_error("NotAuthorizedException", "Invalid Refresh Token")
    return None


def _refused_reset(app: AppClient, fields: Record) -> Response | None:
    # Without this check, the owner of an unverified address could take the account over.
    user = directory.user(app.pool, fields["Username"])
    if user is None:
        return None
    if user["UserStatus"] == "FORCE_CHANGE_PASSWORD":
        return aws_error("NotAuthorizedException", "User password cannot be reset in the current state.")
    known = directory.attributes(user)
    if "true" not in (known.get("email_verified"), known.get("phone_number_verified")):
        reason = "Cannot reset password for the user as there is no registered/verified email or phone_number"
        return aws_error("InvalidParameterException", reason)
    return None


def _may_write(fields: Record) -> bool:
    client_id = fields.get("ClientId") or directory.claims(fields.get("AccessToken")).get("client_id")
    app = directory.client(client_id)
    allowed = (app.settings.get("WriteAttributes") if app else None) or []
    names = {attribute["Name"] for attribute in fields.get("UserAttributes") or []}
    return all(
        name not in _COGNITO_WRITES and not name.startswith(("cognito:", "dev:")) and (not allowed or name in allowed)
        for name in names
    )


def _is_taken(app: AppClient | None, fields: Record) -> bool:
    # ministack compares aliases without case, but usernames with case.
    pool = app.pool if app else directory.pool(fields.get("UserPoolId"))
    if pool is None or pool.get("UsernameAttributes") or not usernames.ignores_case(pool):
        return False
    return any(user["Username"].casefold() == fields["Username"].casefold() for user in pool["_users"].values()) and (
        fields.get("MessageAction") != "RESEND"
    )


def _takes_an_alias(fields: Record) -> bool:
    # A user with the e-mail address of another user could receive the permissions of that user.
    if "AccessToken" in fields:
        pool, user = directory.token_user(fields["AccessToken"]) or (None, None)
    else:
        pool = directory.pool(fields["UserPoolId"])
        user = directory.user(pool, fields["Username"]) if pool else None
    if pool is None or user is None:
        return False
    aliases = {*(pool.get("UsernameAttributes") or []), *(pool.get("AliasAttributes") or [])}
    written = [a.get("Value") for a in fields["UserAttributes"] if a["Name"] in aliases]
    return any(directory.user(pool, value) not in (None, user) for value in written)


def _has_no_password(app: AppClient | None, fields: Record) -> bool:
    # A federated user has no password. ministack would accept an empty password.
    name = (fields.get("AuthParameters") or {}).get("USERNAME") or fields.get("Username")
    user = directory.user(app.pool, name) if app else None
    return user is not None and not user.get("_password")


def _refresh_token_expired(fields: Record, now: float) -> bool:
    posted = (fields.get("AuthParameters") or {}).get("REFRESH_TOKEN") or fields.get("RefreshToken")
    return bool(posted) and directory.is_expired(posted, now)


def _may_revoke(app: AppClient | None, fields: Record, now: float) -> bool:
    # ministack would revoke the session that a token with an invalid signature names.
    secret = fields.get("ClientSecret") or ""
    return app is not None and app.knows(secret) and directory.refreshable(app, fields["Token"], now)

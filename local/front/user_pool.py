"""Adds Cognito's checks and triggers to the JSON operations of ministack's user pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from botocore.model import ServiceModel

from local.front import directory, mailed_codes, operations, refresh_token_rotation, self_service, triggers
from local.front.access import TARGET
from local.front.attempts import Attempts
from local.front.challenges import Challenges
from local.front.directory import Record
from local.front.http import Request, Response, aws_error

_CONFIRM = {
    "ConfirmSignUp": triggers.CONFIRMED,
    "AdminConfirmSignUp": triggers.CONFIRMED,
    "ConfirmForgotPassword": triggers.PASSWORD_RESET,
}


class UserPool:
    """Handles the operations that X-Amz-Target names."""

    def __init__(self, service: ServiceModel, now: Callable[[], float], attempts: Attempts) -> None:
        self._service = service
        self._now = now
        self._challenges = Challenges(now)
        self._attempts = attempts

    def serves(self, request: Request) -> bool:
        return request.header("x-amz-target").startswith(TARGET)

    async def answer(self, request: Request, forward: Callable[[Request], Awaitable[Response]]) -> Response:
        """Forwards an operation unless AWS would refuse it, and fires its trigger."""
        operation, fields = request.header("x-amz-target").removeprefix(TARGET), request.fields
        if fields is None:
            return aws_error("SerializationException", "The body of an operation must be a JSON object.")
        fault = operations.fault(self._service, operation, fields)
        if fault:
            return aws_error("InvalidParameterException", fault)
        settle = self._attempts.begin(operation, fields)
        if isinstance(settle, Response):
            return settle
        response = await self._run(request, operation, fields, forward)
        settle(response)
        return response

    async def _run(
        self, request: Request, operation: str, fields: Record, forward: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        refused = mailed_codes.expired(operation, fields, self._now()) or self_service.refusal(
            operation, fields, self._now()
        )
        if refused:
            return refused
        renewed = self._renew(operation, fields)
        if isinstance(renewed, Response):
            return renewed
        response = await self._challenges.handle(operation, fields, lambda: forward(request))
        if renewed and response.status == 200:
            result = {**response.content["AuthenticationResult"], "RefreshToken": renewed}
            return Response.json(200, {"AuthenticationResult": result}, content_type="application/x-amz-json-1.1")
        return await self._confirmed(operation, fields, response) or response

    def _renew(self, operation: str, fields: Record) -> Response | str:
        """Returns the new refresh token for GetTokensFromRefreshToken, an empty text, or a refusal."""
        app, token = directory.client(fields.get("ClientId")), fields.get("RefreshToken", "")
        if operation != "GetTokensFromRefreshToken" or app is None:
            return ""
        if not app.knows(fields.get("ClientSecret") or ""):
            return aws_error("NotAuthorizedException", f"Unable to verify the secret of client {app.id}")
        if refresh_token_rotation.is_replaced(app, token, self._now()):
            return aws_error("RefreshTokenReuseException", "The refresh token was replaced by another.")
        rotates = refresh_token_rotation.is_enabled(app) and directory.refreshable(app, token, self._now())
        return refresh_token_rotation.replace(app, token, self._now()) if rotates else ""

    async def _confirmed(self, operation: str, fields: Record, response: Response) -> Response | None:
        source = _CONFIRM.get(operation)
        if operation == "SignUp" and response.status == 200 and response.content.get("UserConfirmed"):
            source = triggers.CONFIRMED
        if not source or response.status != 200:
            return None
        app = directory.client(fields.get("ClientId"))
        pool = app.pool if app else directory.pool(fields.get("UserPoolId"))
        user = directory.user(pool, fields.get("Username")) if pool else None
        if not pool or not user:
            return None
        if operation == "ConfirmSignUp":
            directory.verify_address(pool, user)
        return await triggers.post_confirmation(source, pool, user, app.id if app else "", fields.get("ClientMetadata"))

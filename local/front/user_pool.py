"""The user pool's JSON operations, with what AWS does around them and ministack does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from botocore.model import ServiceModel

from local.front import directory, operations, profiles, triggers
from local.front.challenges import Challenges
from local.front.directory import Record
from local.front.doors import TARGET
from local.front.http import Request, Response, aws_error

_CONFIRM = {
    "ConfirmSignUp": triggers.CONFIRMED,
    "AdminConfirmSignUp": triggers.CONFIRMED,
    "ConfirmForgotPassword": triggers.PASSWORD_RESET,
}


class UserPool:
    """The guard of the operations that name their target in X-Amz-Target."""

    def __init__(self, service: ServiceModel, now: Callable[[], float]) -> None:
        self._service = service
        self._now = now
        self._challenges = Challenges(now)

    def serves(self, request: Request) -> bool:
        return request.header("x-amz-target").startswith(TARGET)

    async def answer(self, request: Request, forward: Callable[[Request], Awaitable[Response]]) -> Response:
        """Pass an operation on, unless AWS would refuse it, and fire the trigger that follows it."""
        operation, fields = request.header("x-amz-target").removeprefix(TARGET), request.fields
        if fields is None:
            return aws_error("SerializationException", "The fields of an operation are a JSON object.")
        fault = operations.fault(self._service, operation, fields)
        if fault:
            return aws_error("InvalidParameterException", fault)
        refused = profiles.refusal(operation, fields, self._now())
        if refused:
            return refused
        response = await self._challenges.guard(operation, fields, lambda: forward(request))
        return await self._confirmed(operation, fields, response) or response

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
        return await triggers.post_confirmation(source, pool, user, app.id if app else "", fields.get("ClientMetadata"))

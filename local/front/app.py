"""The front itself: every request passes the doors, then the guard of the part it is meant for, then ministack."""

from __future__ import annotations

from collections.abc import Callable

from local.front import (
    any_case,
    cloudformation_yaml,
    gateway,
    lambdas,
    operations,
    persisted_settings,
    process_pool,
    property_types,
    resource_types,
    rest_api,
    token_groups,
)
from local.front.access import AccessControl, largest_body
from local.front.http import (
    App,
    Disconnected,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    TooLarge,
    answer,
    aws_error,
    call,
    read,
)
from local.front.oauth import OAuth
from local.front.signatures import Signatures
from local.front.user_pool import UserPool


class Front:
    """An ASGI application that stands before another."""

    def __init__(self, inner: App, signatures: Signatures, now: Callable[[], float]) -> None:
        self._inner = inner
        service = operations.describe()
        property_types.install(service)
        self._access = AccessControl(signatures, operations.self_service(service))
        self._user_pool = UserPool(service, now)
        self._oauth = OAuth(now)
        cloudformation_yaml.install()
        any_case.install()
        gateway.install()
        lambdas.install()
        process_pool.install()
        persisted_settings.install()
        rest_api.install()
        resource_types.install()
        token_groups.install()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "http":
            await self._converse(scope, receive, send)
        else:
            # No WebSocket is offered; closing before accepting answers the handshake with 403.
            await receive()
            await send({"type": "websocket.close"})

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = await read(scope, receive, largest_body(Request(scope).headers))
            response = await self._answer(request)
        except TooLarge:
            response = aws_error("RequestEntityTooLargeException", "Request Too Long", 413)
        except Disconnected:
            return
        await answer(send, response)

    async def _answer(self, request: Request) -> Response:
        admitted = self._access.admit(request)
        if isinstance(admitted, Response):
            return admitted
        if self._user_pool.serves(admitted):
            return await self._user_pool.answer(admitted, self._forward)
        if self._oauth.serves(admitted):
            return await self._oauth.answer(admitted, self._forward)
        gateway.begin(admitted)
        return await self._forward(admitted)

    async def _forward(self, request: Request) -> Response:
        return await call(self._inner, request)

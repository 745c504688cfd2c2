"""Serves every request: access control first, then the checks of the user pool, then ministack."""

from __future__ import annotations

from collections.abc import Callable

from local.front import (  # a module registers its patches when it is imported
    api_gateway,
    authenticator_removal,  # noqa: F401
    bucket_properties,  # noqa: F401
    cloudformation_yaml,  # noqa: F401
    function_logs,  # noqa: F401
    function_policies,  # noqa: F401
    function_script,  # noqa: F401
    http_integration,  # noqa: F401
    invitations,  # noqa: F401
    invocations,  # noqa: F401
    mailed_codes,  # noqa: F401
    operations,
    page_tokens,  # noqa: F401
    persisted_settings,  # noqa: F401
    process_pool,  # noqa: F401
    property_types,  # noqa: F401
    resource_types,  # noqa: F401
    rest_api_imports,  # noqa: F401
    sam_parameters,  # noqa: F401
    stream_positions,  # noqa: F401
    token_customization,  # noqa: F401
    user_filters,  # noqa: F401
    usernames,  # noqa: F401
)
from local.front.access import AccessControl, largest_body, unreadable
from local.front.attempts import Attempts
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
    call,
    read,
)
from local.front.oauth import OAuth
from local.front.outbox import outbox
from local.front.pages.router import Pages
from local.front.patches import registry
from local.front.signatures import Signatures
from local.front.user_pool import UserPool


class Front:
    """An ASGI application in front of another one, which is ministack."""

    def __init__(self, inner: App, signatures: Signatures, now: Callable[[], float]) -> None:
        registry.apply()
        self._inner = inner
        service = operations.describe()
        self._access = AccessControl(signatures, operations.self_service(service))
        attempts = Attempts(now)
        self._user_pool = UserPool(service, now, attempts)
        self._pages = Pages(now, attempts, self._user_pool.answer, outbox)
        self._oauth = OAuth(now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = Request(scope)
        try:
            response = unreadable(head) or await self._answer(await read(scope, receive, largest_body(head.headers)))
        except TooLarge:
            # Without a CORS header, unlike other errors of the user pool: it can be a request to the API.
            response = Response(413, b'{"message":"Request Too Long"}', ((b"content-type", b"application/json"),))
        except Disconnected:
            return
        await answer(send, response)

    async def _answer(self, request: Request) -> Response:
        admitted = self._access.admit(request)
        if isinstance(admitted, Response):
            return admitted
        if self._user_pool.serves(admitted):
            return await self._user_pool.answer(admitted, self._forward)
        if self._pages.serves(admitted):
            return await self._pages.answer(admitted, self._forward)
        if self._oauth.serves(admitted):
            response = await self._oauth.answer(admitted, self._forward)
            return self._pages.present(admitted, response, self._forward)
        api_gateway.begin(admitted)
        return await self._forward(admitted)

    async def _forward(self, request: Request) -> Response:
        return await call(self._inner, request)

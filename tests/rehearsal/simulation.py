"""`python -m tests.rehearsal.simulation PORT FOLDER`: simulates an empty AWS account.

It is the local cloud before the installation, with three differences. Functions are active immediately: the emulator
needs half a second. A stack operation has ended when its call is answered, so that no test waits for it. The file
FOLDER/fault makes calls fail. It contains a list of texts: a call fails if its method, path, operation and body contain
all of them.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.cloud import LocalCloud
from local.front.http import App, Receive, Request, Response, Scope, Send, answer, call, read

_JSON = {"message": "not today", "__type": "BadRequestException"}
_ERROR = b"<Error><Code>BadRequest</Code><Message>not today</Message></Error>"  # as S3 writes it
_QUERY_ERROR = b"<ErrorResponse>" + _ERROR + b"</ErrorResponse>"  # as CloudFormation writes it
_LARGEST_BODY = 100_000_000


def failing(app: App, fault: Path) -> App:
    """Returns an app that answers the calls in the file with an error, and forwards all others."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not fault.exists():
            await app(scope, receive, send)
            return
        request = await read(scope, receive, _LARGEST_BODY)
        if all(text in _described(request) for text in json.loads(fault.read_text(encoding="utf-8"))):
            response = _refusal(request)
        else:
            response = await call(app, request)
        await answer(send, response)

    return serve


def synchronous(app: App) -> App:
    """Returns an app that answers a call only when no stack operation is in progress any more."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await app(scope, receive, send)
            return
        request = await read(scope, receive, _LARGEST_BODY)
        response = await call(app, request)
        while b"Action=" in request.body and _in_progress():
            await asyncio.sleep(0.01)
        await answer(send, response)

    return serve


def _in_progress() -> bool:
    from ministack.services.cloudformation import _stacks

    return any(
        stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
        for stack in _stacks.values()
    )


def _refusal(request: Request) -> Response:
    if request.header("x-amz-target"):
        return Response.json(400, _JSON, **{"x-amzn-errortype": "BadRequestException"})
    return Response(400, _QUERY_ERROR if b"Action=" in request.body else _ERROR, ((b"content-type", b"text/xml"),))


def _described(request: Request) -> str:
    operation, body = request.header("x-amz-target"), request.body[:5000].decode(errors="replace")
    return f"{request.scope['method']} {request.scope['path']} {operation} {body}"


def active_at_once() -> None:
    from ministack.services import lambda_svc

    def wait(original: Callable[..., None], name: str, _delay: float) -> None:
        original(name, 0)
        while lambda_svc._functions[name]["config"]["State"] == "Pending":
            time.sleep(0.001)

    lambda_svc._schedule_state_transition = functools.partial(wait, lambda_svc._schedule_state_transition)


async def run(local_cloud: LocalCloud) -> None:
    from local.front.server import serve

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    active_at_once()
    await serve(local_cloud.port, stop, wrap=lambda app: failing(synchronous(app), local_cloud.folder / "fault"))


if __name__ == "__main__":
    here: Any = LocalCloud(int(sys.argv[1]), Path(sys.argv[2]).resolve())
    here.state.mkdir(parents=True, exist_ok=True)
    os.environ.update(here.environment())  # ministack reads it when it is imported
    asyncio.run(run(here))

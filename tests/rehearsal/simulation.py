"""`python -m tests.rehearsal.simulation PORT FOLDER`: simulates an empty AWS account.

It is the local cloud before the installation, with two differences. Functions are active immediately: the emulator
needs half a second, and Chalice would wait for five. The file FOLDER/fault makes calls fail. It contains a method and a
prefix of the path.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.cloud import LocalCloud
from local.front.http import App, Receive, Response, Scope, Send, answer

_BODY = {"message": "not today"}


def failing(app: App, fault: Path) -> App:
    """Returns an app that answers the calls in the file with an error, and forwards all others."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and fault.exists():
            method, path = fault.read_text(encoding="utf-8").split()
            if scope["method"] == method and scope["path"].startswith(path):
                await answer(send, Response.json(400, _BODY, **{"x-amzn-errortype": "BadRequestException"}))
                return
        await app(scope, receive, send)

    return serve


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
    await serve(local_cloud.port, stop, wrap=lambda app: failing(app, local_cloud.folder / "fault"))


if __name__ == "__main__":
    here: Any = LocalCloud(int(sys.argv[1]), Path(sys.argv[2]).resolve())
    here.state.mkdir(parents=True, exist_ok=True)
    os.environ.update(here.environment())  # ministack reads it when it is imported
    asyncio.run(run(here))

"""Serves ministack behind the front, on loopback only."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any

import hypercorn.asyncio
from hypercorn.config import Config

from local.front import front
from local.front.http import App
from local.front.snapshots import Snapshots


async def serve(
    port: int,
    stop: asyncio.Event,
    now: Callable[[], float] = time.time,
    wrap: Callable[[App], App] = lambda app: app,
    snapshots: Snapshots | None = None,
) -> None:
    """Serves until `stop` is set. Then ministack writes its state, and the processes of the functions end.

    wrap       returns the application to serve, for the front
    snapshots  saves the state while the server runs, and must be installed; without it, ministack saves at the end only
    """
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    from local.front import process_pool  # imports the emulator

    async def stopped() -> None:
        await stop.wait()
        process_pool.close_pool()

    process_pool.open_pool()
    app = front(now=now)
    if snapshots:
        app = snapshots.observe(app)
    served: Any = wrap(app)  # hypercorn's types of ASGI are narrower than the front's
    saving = asyncio.create_task(snapshots.save_changes()) if snapshots else None
    try:
        await hypercorn.asyncio.serve(served, config, shutdown_trigger=stopped)
    finally:
        if saving:
            saving.cancel()
        from ministack.core import lambda_runtime

        await asyncio.to_thread(lambda_runtime.reset)


def run(port: int, now: Callable[[], float] = time.time) -> None:
    """Serves in the foreground until interrupted or terminated."""

    async def until_signalled() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(port, stop, now)

    asyncio.run(until_signalled())

"""Serves ministack behind the front, on loopback only."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn

from local.front import front
from local.front.access import LARGEST_HEAD
from local.front.http import App
from local.front.snapshots import Snapshots


class Server(uvicorn.Server):
    """A server that leaves the signals to its caller."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def config(app: App, port: int) -> uvicorn.Config:
    """Returns the settings of the server.

    Its parser is h11, because the front relies on it: h11 refuses a request with two `Host` headers, and does not
    collect headers without an end. The parser `httptools` accepts both, and cuts the fragment from a path.
    """
    return uvicorn.Config(
        cast(Any, app),  # uvicorn's types of ASGI are narrower than the front's
        host="127.0.0.1",
        port=port,
        http="h11",
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ws="none",
        lifespan="on",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,  # the calls end after STOP_SECONDS of the process pool
        proxy_headers=False,
        server_header=False,
        date_header=False,  # the front writes it
        access_log=False,
        log_level="error",
    )


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
    from local.front import process_pool  # imports the emulator

    process_pool.open_pool()
    app = front(now=now)
    if snapshots:
        app = snapshots.observe(app)
    server = Server(config(wrap(app), port))
    saving = asyncio.create_task(snapshots.save_changes()) if snapshots else None
    stopping = asyncio.create_task(_stop(server, stop, process_pool.close_pool))
    try:
        await server.serve()
    finally:
        stopping.cancel()
        if saving:
            saving.cancel()
        from ministack.core import lambda_runtime

        await asyncio.to_thread(lambda_runtime.reset)


async def _stop(server: Server, stop: asyncio.Event, close_pool: Callable[[], None]) -> None:
    await stop.wait()
    close_pool()
    server.should_exit = True


def run(port: int, now: Callable[[], float] = time.time) -> None:
    """Serves in the foreground until interrupted or terminated."""

    async def until_signalled() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(port, stop, now)

    asyncio.run(until_signalled())

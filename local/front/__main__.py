"""`python -m local.front PORT`: the front and ministack alone, with ministack's settings from the environment."""

from __future__ import annotations

import asyncio
import signal
import sys

from local.front.server import serve


async def _main(port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(port, stop)


asyncio.run(_main(int(sys.argv[1])))

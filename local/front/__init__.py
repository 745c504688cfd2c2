"""The front of the local cloud: an ASGI application before ministack that closes what the emulator leaves open.

Importing this package does nothing. ministack reads its settings from the environment when it is imported, so that
happens in here, late.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.front.http import App


def front(
    inner: App | None = None, *, owner: tuple[str, str] = ("test", "test"), now: Callable[[], float] = time.time
) -> App:
    """Build the front.

    inner   the application behind it; ministack's own unless given
    owner   the access key, and its secret, that own the account

    Raises:  RuntimeError when ministack was imported without AUTH=true, which would leave every door ajar
    """
    import ministack.app

    from local.front.app import Front
    from local.front.signatures import Signatures

    if not ministack.app.AUTH:
        raise RuntimeError("ministack must run with AUTH=true")
    return Front(inner or ministack.app.app, Signatures(*owner), now)

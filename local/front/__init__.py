"""The front of the local cloud: an ASGI application in front of ministack, and the patches of ministack.

ministack reads its settings from the environment when it is imported. Therefore this package imports it late.
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
    """Returns the front.

    inner   the application behind the front; the default is ministack
    owner   the access key of the account's root user, and its secret

    Raises:  UnsupportedMinistack; RuntimeError if ministack does not check signatures
    """
    import ministack.app

    from local.front.app import Front
    from local.front.signatures import Signatures

    if not ministack.app.AUTH:
        raise RuntimeError("ministack must be imported with AUTH=true. Otherwise it checks no signature.")
    return Front(inner or ministack.app.app, Signatures(*owner), now)

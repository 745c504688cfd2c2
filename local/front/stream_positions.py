"""Lets stream handlers read every record after a restart.

ministack saves how many records of a stream a handler has read, but not the records. After a restart, the handler would
skip as many new records as it had read before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from local.front.patches import registry


@registry.patches("ministack.services.lambda_svc", "_restore_esm_positions")
def _restore_esm_positions(original: Callable[..., None], store: Any, positions: Any) -> None:
    """Does not restore the positions in streams of DynamoDB, because their records are not restored."""
    if store is not lambda_svc._dynamodb_stream_positions:
        original(store, positions)

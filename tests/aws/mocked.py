"""moto, with a signing key that is imported once. moto imports it again for each user pool, in a tenth of a second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from moto import mock_aws

_import_key = RSAKey.import_key


@contextmanager
def mocked_aws() -> Iterator[None]:
    """Simulates AWS inside the test process."""
    with pytest.MonkeyPatch.context() as moto, mock_aws():
        moto.setattr(RSAKey, "import_key", lambda key: _imported(json.dumps(key)))
        yield


@cache
def _imported(key: str) -> Any:
    return _import_key(json.loads(key))

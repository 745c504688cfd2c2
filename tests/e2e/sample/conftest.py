"""The token of the editor, who is permitted to write reports."""

from __future__ import annotations

from typing import Any

import pytest

from local.sign_in import sign_in


@pytest.fixture(scope="package")
def editor(outputs: dict[str, Any]) -> str:
    return sign_in(outputs, **outputs["users"]["editor"])

"""The token of the editor, who is permitted to write reports, and tabs of a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from local.sign_in import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="package")
def editor(outputs: dict[str, Any]) -> str:
    return sign_in(outputs, **outputs["users"]["editor"])


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[[], Page]]:
    """Opens tabs of different people: each has its own cookies and storage."""
    contexts = []

    def open_page() -> Page:
        contexts.append(chromium.new_context())
        contexts[-1].set_default_timeout(20_000)
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    return new_page()

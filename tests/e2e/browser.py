"""A real browser: the Chromium of GATEHOUSE_CHROMIUM or of PATH, driven by Playwright.

Without a browser, the tests are skipped on the machine of a developer. CI sets GATEHOUSE_CHROMIUM, so they run there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REQUIRED = "GATEHOUSE_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_MILLISECONDS = 20_000


@contextmanager
def browser() -> Iterator[Browser]:
    """Starts the browser, and ends it. Skips the test if there is none, unless GATEHOUSE_CHROMIUM names one."""
    required = os.environ.get(REQUIRED)
    path = shutil.which(required) if required else next(filter(None, map(shutil.which, _NAMES)), None)
    if required and not path:
        pytest.fail(f"{REQUIRED} names {required}, which is not on PATH and is no executable file")
    if not path:
        pytest.skip(f"no Chromium on PATH: install it, or set {REQUIRED}")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        if required:
            raise
        pytest.skip("Playwright is not installed. `make test` installs it.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()

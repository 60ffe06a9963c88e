"""What the tests with servers share: Debian's Chromium, driven by Playwright, and our server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from .serving import PATIENTS, Served, serving


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: packages.txt names it"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Our server with the example patients."""
    with serving(PATIENTS) as server:
        yield server

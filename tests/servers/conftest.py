"""What the tests with servers share: one server with the example patients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .serving import PATIENTS, Served, serving


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Our server with the example patients."""
    with serving(PATIENTS) as server:
        yield server

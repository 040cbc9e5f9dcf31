"""What every test may ask for: databases of its own, and the seed of random tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

pytest_plugins = [
    "tests.folders", "tests.databases", "tests.profiles", "tests.server", "tests.browser", "tests.installed",
]  # fmt: skip


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Leaves the main module as it was: Streamlit puts a page in its place, and later processes would run that."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before

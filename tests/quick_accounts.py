"""For tests that need accounts and not the strength of their hashes: an SQLite store, and passwords hashed cheaply."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from khemon.actions import accounts
from khemon.store import Store


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    """An open store of the test's own, of one kind only: what is tested lies above the store."""
    opened = Store(f"sqlite:///{tmp_path / 'khemon.db'}")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id with the smallest parameters."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "hasher", lambda: quick)
    # Made once for a process: it must not outlive the test.
    monkeypatch.setattr(accounts, "_nobodys_hash", lambda: quick.hash("nobody"))

"""Answers worked out once: laboratory files repeat their ids, times, units and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Once(dict[Key, Answer]):
    """Answers by key; a key not seen before is worked out, then remembered."""

    def __init__(self, answer: Callable[[Key], Answer]) -> None:
        super().__init__()
        self._answer = answer

    def __missing__(self, key: Key) -> Answer:
        found = self[key] = self._answer(key)
        return found

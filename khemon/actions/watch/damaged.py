"""Reading a ward of which one child's rows are damaged: that child is named instead of shown, the others are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from khemon.actions.permitted import permitted
from khemon.models import Actor, DamagedRows
from khemon.store import Reader, Store

T = TypeVar("T")


def despite_damage(store: Store, build: Callable[[Reader], T]) -> T:
    """What is built from a reader that leaves the damaged children out. DamagedRows when it is more than children."""
    left_out: frozenset[int] = frozenset()
    while True:
        try:
            with store.reading() as reader:
                reader.leave_out(left_out)
                return build(reader)
        except DamagedRows as damage:
            if damage.patients <= left_out:
                raise
            left_out |= damage.patients


@permitted("read_rules")
def read_only_because(store: Store, actor: Actor) -> str | None:
    """Why nothing can be written at present; None when everything can."""
    return store.held_because


@permitted("read_rules")
def unchecked_because(store: Store, actor: Actor) -> str | None:
    """Why nobody knows whether the store still says what was written; None when its last check was made."""
    return store.doubted_because

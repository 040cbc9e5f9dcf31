"""Who is asking, of which store, and when: read anew at every run, never kept in the browser's session."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from khemon.gate import current_actor, current_store
from khemon.models import Actor, Refused

if TYPE_CHECKING:
    from khemon.store import Store

_ENTERED = "khemon_entered"


@dataclass(frozen=True, slots=True)
class Session:
    """The store, the actor as the gate knows it now, and the time.

    present: in a session that looks back, the one it came from; there the store and the time are those of the past.
    """

    store: Store
    actor: Actor
    now: dt.datetime
    present: Session | None = None

    @property
    def live(self) -> Session:
        """The session of the present: what is noted about looking is noted there."""
        return self.present or self


def enter() -> None:
    """Called by the main script only: pages show nothing in a session that did not come through it."""
    st.session_state[_ENTERED] = True


def session() -> Session:
    """The session of this run; stops the script when a page is run by itself or nobody is signed in any more."""
    if not st.session_state.get(_ENTERED):
        st.stop()
    try:
        return Session(current_store(), current_actor(), dt.datetime.now(dt.UTC))
    except Refused as refused:
        st.warning(f"{refused.where.capitalize()} {refused.found}: {refused.remedy}.")
        st.stop()

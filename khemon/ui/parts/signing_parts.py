"""Acknowledging a critical alert as a signed act: what is stated, the password again, and what changed since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from khemon.actions.accounts import LONGEST_PASSWORD, WrongPassword
from khemon.actions.watch.signed import signatures, to_sign
from khemon.gate.scripts import confirmed_password
from khemon.ui.parts import frame
from khemon.ui.parts.elements import Child, Markup, el, join, show, sign, table
from khemon.ui.parts.session import Session

#: So much of a digest is shown; the record holds it whole.
_SHOWN = 16
_SEEN, _TURN, _WRONG = "khemon_signed_seen", "khemon_signed_turn", "khemon_signed_wrong"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form asked for: the digest of what was on screen when it was sent, and the password."""

    seen: str | None = None
    password: str | None = None

    def given(self) -> dict[str, Any]:
        """What the act needs beside its own. Refused for a password that is missing or wrong; it is then asked anew."""
        if self.password is None:
            return {"seen": self.seen}
        try:
            confirmed = confirmed_password(self.password) if self.password else None
        except WrongPassword as wrong:
            st.session_state[_WRONG] = wrong
            self.over()
            st.rerun()
        return {"seen": self.seen, "confirmed": confirmed}

    def over(self) -> None:
        """Forgets what was typed: the field comes back empty."""
        st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def asked(here: Session, number: int) -> Asked:
    """The part of the form about the signature; nothing for an alert that is not critical."""
    wanted = to_sign(here.store, here.actor, number, here.now)
    if wanted is None:
        return Asked()
    # What the person saw is what the run before this one drew: this one may have drawn something else since.
    seen: dict[int, str] = st.session_state.setdefault(_SEEN, {})
    before, seen[number] = seen.get(number, wanted.digest), wanted.digest
    words = " / ".join(f"“{meaning}”" for meaning in wanted.meanings)
    told = el("div", "You sign as ", el("b", here.actor.name), f": {words}")
    show(el("div", told, el("div", f"About what is shown above: digest {wanted.digest[:_SHOWN]}"), class_="k k-small"))
    if not wanted.asks_password:
        return Asked(before)
    if _WRONG in st.session_state:
        frame.refused(st.session_state.pop(_WRONG))
    key = f"password_{number}_{st.session_state.get(_TURN, 0)}"
    words = "Your password, to sign"
    password = st.text_input(words, type="password", autocomplete="off", max_chars=LONGEST_PASSWORD, key=key)
    return Asked(before, password)


def history(here: Session, number: int) -> None:
    """The signatures of an alert; one that rested on what has changed since says so."""
    found = signatures(here.store, here.actor, number, here.now)
    if not found:
        return
    rows: list[list[Child]] = [
        [line.at, line.who, line.how, line.meaning, f"{line.digest[:_SHOWN]}…", _since(line.changed)] for line in found
    ]
    head = ["When", "Signed by", "With", "Stating", "Digest of what was shown", "Since then"]
    show(el("div", el("b", "Signatures"), table(head, rows, label="Signatures of this alert"), class_="k"))


def _since(changed: tuple[str, ...]) -> Markup:
    if not changed:
        return el("span", "unchanged", class_="k-muted")
    told = sign("warning", "What was shown has changed since")
    return join(told, *(el("div", words, class_="k-small") for words in changed))

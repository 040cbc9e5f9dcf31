"""How a file is read, shown before it is: laboratory, columns, what is open; edited, remembered, taken away as TOML."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import streamlit as st

from khemon.actions import mapping_edits, mappings, uploads
from khemon.actions.mapping_edits import Edits
from khemon.actions.proposals import Proposal, proposal
from khemon.actions.uploads import Brought, HowToRead
from khemon.actions.whoami import person
from khemon.models import KhemonError
from khemon.rules.calendar import to_ms
from khemon.ui.parts import frame, mapping_words
from khemon.ui.parts.elements import el, plain, show
from khemon.ui.parts.session import Session

_STATE = "khemon_mapping"
_HEADER, _MEANS, _UNIT, _WHY, _NOT_READ = "Column", "Means", "Unit", "Because", "not read"
#: Makes the address a file can be fetched from once: name of the offer, file name, and what makes its bytes.
Offer = Callable[[str, str, Callable[[], bytes]], str]


@dataclass(slots=True)
class _Kept:
    """What the browser's session keeps for one file: edits in use, how often they changed, the last proposal.

    `source` is the laboratory that was chosen, once one was or was left out; `opened`: whether the panel began open.
    `base` is how the file was to be read before this panel said anything, `said` what it said last.
    """

    base: HowToRead = field(default_factory=HowToRead)
    said: HowToRead | None = None
    chosen: bool = False
    source: str | None = None
    opened: bool | None = None
    toml: str | None = None
    turn: int = 0
    asked: tuple[Any, ...] = ()
    made: Proposal | None = None


def _kept(key: str) -> _Kept:
    found: _Kept = st.session_state.setdefault(_STATE, {}).setdefault(key, _Kept())
    return found


def panel(
    here: Session,
    file: Brought,
    how: HowToRead,
    key: str,
    offer: Offer | None = None,
    elsewhere: Collection[str] = (),
    again: Callable[[], None] | None = None,
) -> HowToRead:
    """What is said about one file, with its laboratory and mapping as they are chosen here.

    `key` names the file on the page; `elsewhere` are questions that the page asks in another place; `again`
    reads the file anew after a mapping was remembered. A file that cannot be understood at all is left to its preview.
    """
    key = f"{key}_{hashlib.sha256(file.content).hexdigest()[:12]}"
    kept = _kept(key)
    how = _before(how, kept)
    try:
        made = _proposed(here, file, _with_edits(how, kept), kept, find=not kept.chosen)
    except KhemonError as problem:
        if kept.toml is None:
            return how
        frame.refused(problem)
        st.button("Forget what was changed", key=f"mapping_forget_{key}", on_click=_apply, args=(key, None))
        return _with_edits(how, kept)
    if made.seen.kind != "labs" or (made.seen.layout == "canonical" and made.settled and not made.source):
        return how
    source = _laboratory(here, made, kept, key)
    show(mapping_words.left_open(made, elsewhere))
    # A panel that opened or closed by itself would take away what somebody is reading.
    kept.opened = not made.settled if kept.opened is None else kept.opened
    with st.expander(f"How {plain(file.name)} is read", expanded=kept.opened):
        show(mapping_words.facts(made))
        columns, text, remember = st.tabs(["Columns and answers", "As text (TOML)", "Remember"])
        with columns:
            _columns(made, key, kept, elsewhere)
        with text:
            _text(made, key, kept, offer)
        with remember:
            _remember(here, made, source, key, again)
    return _with_edits(replace(how, source=source), kept)


def _before(how: HowToRead, kept: _Kept) -> HowToRead:
    """How the file is to be read besides what this panel says: its own words of before may come back to it."""
    said = kept.said
    if said is not None:
        how = replace(how, mapping=kept.base.mapping) if how.mapping == said.mapping else how
        how = replace(how, source=kept.base.source) if how.source == said.source else how
    kept.base = how
    return replace(how, source=kept.source) if kept.chosen else how


def _with_edits(how: HowToRead, kept: _Kept) -> HowToRead:
    kept.said = how if kept.toml is None else replace(how, mapping=kept.toml.encode())
    return kept.said


def _proposed(here: Session, file: Brought, how: HowToRead, kept: _Kept, *, find: bool) -> Proposal:
    """The proposal for a file, worked out once for the same question."""
    known = tuple((row["source"], row["version"]) for row in mappings.mappings(here.store, here.actor)["mappings"])
    asked = (how, known, find and how.source is None)
    if kept.made is None or kept.asked != asked:
        stated = uploads.options_of(how, here.now)
        with st.spinner("Looking at how the file is written …"):
            made = proposal(here.store, here.actor, file.content, file.name, stated, find=find)
        kept.asked, kept.made = asked, made
    return kept.made


def _laboratory(here: Session, made: Proposal, kept: _Kept, key: str) -> str | None:
    """The laboratory: the one whose layout it is, unless a person says another, or a new name."""
    names = list(dict.fromkeys([*mappings.sources(here.store, here.actor), *([made.source] if made.source else [])]))
    st.selectbox(
        f"Laboratory of {plain(made.file)}",
        names,
        index=names.index(made.source) if made.source else None,
        key=f"laboratory_{key}_{kept.turn}",
        accept_new_options=True,
        placeholder="Choose one, or type the name of a new one",
        on_change=_choose,
        args=(key,),
    )
    return made.source


def _choose(key: str) -> None:
    kept = _kept(key)
    name = st.session_state[f"laboratory_{key}_{kept.turn}"]
    kept.chosen, kept.source = True, (name or "").strip() or None


def _columns(made: Proposal, key: str, kept: _Kept, elsewhere: Collection[str]) -> None:
    """The table of columns and the questions, to be changed."""
    facts = mapping_edits.editable(made)
    turn = f"{key}_{kept.turn}_{made.source}"
    rows = [(fact.header, fact.meaning or _NOT_READ, fact.unit, fact.why) for fact in facts]
    table = pd.DataFrame(rows, columns=[_HEADER, _MEANS, _UNIT, _WHY])
    with st.form(f"mapping_form_{turn}"):
        edits = replace(_table(made, table, turn), **_answers(made, turn, elsewhere))
        if st.form_submit_button("Read it like this"):
            _try(lambda: mapping_edits.edited(made, edits), key)
    if kept.toml is not None:
        st.button("Back to the proposal", key=f"mapping_back_{key}", on_click=_apply, args=(key, None))


def _table(made: Proposal, table: pd.DataFrame, turn: str) -> Edits:
    """The columns as a person leaves them."""
    if table.empty:
        return Edits()
    left = st.data_editor(
        table,
        key=f"mapping_columns_{turn}",
        hide_index=True,
        disabled=[_HEADER, _WHY],
        column_config={_MEANS: st.column_config.SelectboxColumn(options=[_NOT_READ, *mapping_edits.MEANINGS[1:]])},
        alt=f"Columns of {made.file} and what each means",
    )
    means = left[_MEANS].fillna("").replace(_NOT_READ, "")
    units = left[_UNIT].fillna("")
    return Edits(
        columns=dict(zip(left[_HEADER], means, strict=True)), column_units=dict(zip(left[_HEADER], units, strict=True))
    )


def _answers(made: Proposal, turn: str, elsewhere: Collection[str]) -> dict[str, dict[str, str]]:
    """A field for each question that is not asked elsewhere."""
    said: dict[str, dict[str, str]] = {"words": {}, "units": {}, "codes": {}}
    for question in (one for one in made.seen.questions if one.asks not in elsewhere):
        name = f"mapping_{question.asks}_{question.about}_{turn}"
        label = plain(question.words)
        if question.asks == "units":
            said["units"][question.about] = st.text_input(label, key=name, placeholder=question.choices[0]) or ""
        elif question.asks == "codes":
            said["codes"][question.about] = st.selectbox(label, question.choices, index=None, key=name) or ""
        elif question.asks in mapping_edits.ONE_WORD:
            new = question.asks == "date_format"
            chosen = st.selectbox(label, question.choices, index=None, key=name, accept_new_options=new)
            said["words"] |= {question.asks: chosen} if chosen else {}
    return said


def _try(make: Callable[[], str], key: str) -> None:
    """Read the file with a mapping from now on, if it is one."""
    try:
        toml = make()
    except KhemonError as problem:
        frame.refused(problem)
        return
    _apply(key, toml)
    st.rerun()


def _apply(key: str, toml: str | None) -> None:
    """Read the file with this mapping from now on; None: as proposed."""
    kept = _kept(key)
    kept.toml, kept.turn = toml, kept.turn + 1


def _text(made: Proposal, key: str, kept: _Kept, offer: Offer | None) -> None:
    """The mapping as TOML, to be changed by who knows it, and to be taken away."""
    text = st.text_area("Mapping", made.toml, height=300, key=f"mapping_toml_{key}_{kept.turn}_{made.source}")
    if st.button("Read it with this text", key=f"mapping_use_{key}"):
        _try(lambda: mapping_edits.checked(text), key)
    if offer is not None:
        name = f"{made.source or 'mapping'}.toml"
        link = offer(f"mapping {key} {hashlib.sha256(made.toml.encode()).hexdigest()}", name, made.toml.encode)
        show(el("div", el("a", "Download the mapping (TOML)", href=link), class_="k"))


def _remember(here: Session, made: Proposal, source: str | None, key: str, again: Callable[[], None] | None) -> None:
    """Keep the mapping for the laboratory, with a reason."""
    if not person(here.store, here.actor).may("map"):
        show(el("div", "A data manager remembers it: your account may not.", class_="k k-muted"))
        return
    if source is None or made.seen.shape is None:
        words = (
            "Choose the laboratory first." if source is None else "Say first what is open: the file is not read yet."
        )
        show(el("div", words, class_="k k-muted"))
        return
    with st.form(f"mapping_remember_{key}", clear_on_submit=True):
        reason = st.text_input("Why (kept in the audit)", key=f"mapping_reason_{key}", max_chars=500)
        asked = st.form_submit_button(f"Remember for {plain(source)}")
    if asked and _remembered(here, made, source, reason, key):
        if again is not None:
            again()
        st.rerun()


def _remembered(here: Session, made: Proposal, source: str, reason: str, key: str) -> bool:
    """Whether it is kept now."""
    try:
        toml = made.toml.encode()
        kept = mappings.remember(here.store, here.actor, source, toml, made.shape, reason, to_ms(here.now))
    except KhemonError as problem:
        frame.refused(problem)
        return False
    _apply(key, None)
    st.toast(f"Version {kept['version']} of the mapping of {plain(source)} is remembered.", icon="✅")
    return True

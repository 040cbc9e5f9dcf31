"""The parts of the upload page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import streamlit as st

from khemon.actions import import_files, uploads
from khemon.actions.uploads import Brought, HowToRead, Raised, Review
from khemon.actions.watch import BatchLine
from khemon.models import KhemonError
from khemon.ui.parts import frame, grids
from khemon.ui.parts.elements import Child, Markup, el, join, plain, show, sign, table
from khemon.ui.parts.pages import address
from khemon.ui.parts.session import Session, session

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_DONE, _ROUND = "khemon_imported", "khemon_upload_round"
_ENCODINGS = ("", "utf-8", "cp1252", "latin-1", "gb18030", "utf-16")
_FATE_WORDS = {
    "accepted": "accepted",
    "review": "waiting for a person",
    "conflict": "in conflict, held",
    "rejected": "rejected",
    "no_value": "without a value",
    "ignored": "not in khemon's table",
    "duplicate": "stored before",
}


def files() -> list[Brought]:
    """The files chosen in the browser."""
    turn = st.session_state.setdefault(_ROUND, 0)
    words = "Results, events or patients (CSV, TSV, TXT, XLSX, XLS or JSON; several at once)"
    chosen = st.file_uploader(words, accept_multiple_files=True, key=f"files_{turn}")
    return [Brought(file.name, file.getvalue()) for file in chosen]


def how_to_read(own_zone: str | None) -> HowToRead:
    """What a person says about the files; everything may stay empty for canonical ones."""
    zone = None
    if own_zone is None:
        zones = sorted(available_timezones())
        words = "The ward's time zone (asked once; every day count depends on it)"
        zone = st.selectbox(words, zones, index=None, key="zone")
    with st.expander("The file comes from a laboratory of its own kind"):
        mapping: UploadedFile | None = st.file_uploader("Mapping of the laboratory (TOML)", key="mapping")
        patient_id = st.text_input("Whose results these are, if the file does not say (patient id)", key="patient_id")
        encoding = st.selectbox("Encoding, if it is not plain UTF-8", _ENCODINGS, key="encoding")
        date_format = st.text_input("Date format, if days and months could be mixed up (such as %d/%m/%Y)", key="dates")
    content = mapping.getvalue() if mapping is not None else None
    return HowToRead(content, patient_id, encoding, date_format, zone)


def counts(review: Review) -> Markup:
    """How many rows became what; the parts add up to what was read."""
    total = review.counts["read"]
    return el("div", el("b", f"{total} read"), f" = {' + '.join(_fates_of(review.counts)) or '0'}", class_="k")


def _fates_of(counted: dict[str, int]) -> list[str]:
    return [f"{counted[fate]} {words}" for fate, words in _FATE_WORDS.items() if counted.get(fate)]


def previews(reviews: Sequence[Review]) -> None:
    """Each file with its counts and the fate of every row."""
    for review in reviews:
        st.subheader(plain(review.name))
        if review.problem is not None:
            frame.refused(review.problem)
            continue
        show(counts(review))
        for note in review.notes:
            show(el("div", note, class_="k k-muted k-small"))
        if not review.complete:
            words = "Rows that cannot be used, or wait for a person, are kept with the batch: nothing is dropped."
            show(el("div", sign("warning", words), class_="k"))
        grids.fates_grid(review, _chosen_fate(review))


def _chosen_fate(review: Review) -> str | None:
    """One fate to look at, None for all of them."""
    fates = [fate for fate in _FATE_WORDS if review.counts.get(fate)]
    if not fates[1:]:
        return None
    return st.pills("Only", fates, key=f"fates_{review.name}", format_func=_FATE_WORDS.__getitem__)


def commit(chosen: Sequence[tuple[Brought, HowToRead]]) -> None:
    """Import the files and remember what came of them until the next choice."""
    here = session()
    with st.spinner("Importing …"):
        files, how = zip(*chosen, strict=True)
        st.session_state[_DONE] = uploads.committed(here.store, here.actor, files, how, here.now)
    # A new uploader is an empty one.
    st.session_state[_ROUND] += 1


def results() -> None:
    """What came of the last commit: counts, and a link to each alert it raised."""
    for review in st.session_state.get(_DONE, ()):
        if review.problem is not None:
            frame.refused(review.problem)
            continue
        words = "was imported before; nothing was added" if review.repeated else f"imported as batch {review.batch}"
        head = el("div", el("b", review.name), f" {words}.")
        items = el("ul", *(el("li", *_raised(alert)) for alert in review.raised), class_="k-list")
        told = f"{len(review.raised)} {'alert' if len(review.raised) == 1 else 'alerts'} raised"
        body = el("div", el("div", told), items) if review.raised else el("div", "No alert was raised.")
        show(el("div", head, counts(review), body, class_="k k-card", role="status", style="--edge:var(--accent)"))


def _raised(alert: Raised) -> list[Child]:
    return [sign(alert.severity), " ", el("a", alert.words, href=address("alerts", alert=alert.alert_id))]


def earlier(batches: Sequence[BatchLine]) -> Markup:
    """Earlier imports as a table."""
    rows: list[list[Child]] = []
    for batch in batches:
        kept = ", ".join(
            f"{batch.counts[fate]} {words}" for fate, words in _FATE_WORDS.items() if batch.counts.get(fate)
        )
        state = join(sign("note", "taken back"), f" {batch.undone}") if batch.undone else Markup("")
        rows.append([batch.recorded, batch.file, batch.who, kept, state, batch.batch])
    return el("div", table(["When", "File", "Who", "Rows", "", "Batch"], rows, label="Earlier imports"), class_="k")


def take_back(batches: Sequence[BatchLine]) -> None:
    """The form to undo an import."""
    standing = {
        f"{batch.recorded} · {batch.file} · {batch.batch}": batch.batch for batch in batches if not batch.undone
    }
    with st.form("undo", clear_on_submit=True):
        chosen = st.selectbox("Take an import back", list(standing), index=None, key="undo_batch")
        sure = st.checkbox("Its rows no longer count; they stay readable, and alerts follow.", key="undo_sure")
        asked = st.form_submit_button("Take it back", key="undo_button")
    if asked and chosen and sure:
        _undone(session(), standing[chosen])
    elif asked:
        show(el("div", sign("warning", "Choose an import and tick the box."), class_="k"))


def _undone(here: Session, batch: str) -> None:
    try:
        import_files.undo(here.store, here.actor, batch, int(here.now.timestamp() * 1000))
    except KhemonError as problem:
        frame.refused(problem)
        return
    st.toast("The import was taken back.", icon="✅")
    st.rerun()

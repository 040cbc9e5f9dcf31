"""The parts of the upload page: where files come in, what a person says about them, and earlier imports."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from zoneinfo import available_timezones

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

from khemon.actions import import_files
from khemon.actions.uploads import Brought, HowToRead
from khemon.actions.watch import BatchLine
from khemon.gate import current_desk, current_settings
from khemon.gate.loads import forget_upload
from khemon.models import KhemonError
from khemon.rules.calendar import to_ms
from khemon.ui.parts import desk_parts, frame
from khemon.ui.parts.elements import Child, Markup, el, join, show, sign, table
from khemon.ui.parts.fate_parts import told_counts
from khemon.ui.parts.session import Session, session

_ROUND, _HOW, _REFUSED = "khemon_upload_round", "khemon_how_to_read", "khemon_upload_refused"
_ENCODINGS = ("", "utf-8", "cp1252", "latin-1", "gb18030", "utf-16")
PER_PAGE = 20


def files() -> None:
    """Where files come in. They go onto the desk of the server at once: the page may be left."""
    turn = st.session_state.setdefault(_ROUND, 0)
    words = "Results, events or patients (CSV, TSV, TXT, XLSX, XLS, JSON, HL7 or FHIR; several at once)"
    st.file_uploader(words, accept_multiple_files=True, key=f"files_{turn}", on_change=_bring, args=(turn,))
    for problem in st.session_state.pop(_REFUSED, ()):
        frame.refused(problem)


def _bring(turn: int) -> None:
    here, desk = session(), current_desk()
    how = st.session_state.get(_HOW) or HowToRead(closed_patient_list=_is_closed())
    refused = []
    for file in st.session_state[f"files_{turn}"] or ():
        if isinstance(file, DeletedFile):  # on the desk since a run that the browser asked for twice
            continue
        try:
            desk.bring(here.actor, Brought(file.name, file.getvalue()), how)
        except KhemonError as problem:
            refused.append(problem)
        forget_upload(file.file_id)
    st.session_state[_REFUSED] = refused
    # A new uploader is an empty one: what was brought is not kept twice.
    st.session_state[_ROUND] = turn + 1


def _is_closed() -> bool:
    """Whether the site lets no file make a patient."""
    return current_settings().closed_patient_list


def how_to_read(own_zone: str | None) -> None:
    """What a person says about the files; everything may stay empty. What changes is read anew."""
    fresh = "encoding" not in st.session_state
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
    how = HowToRead(content, patient_id, encoding, date_format, zone, closed_patient_list=_is_closed())
    before = how if fresh else st.session_state.get(_HOW, how)
    st.session_state[_HOW] = how
    if how != before:
        _read_anew(before, how)


def _read_anew(before: HowToRead, how: HowToRead) -> None:
    """Read what waits on the desk again, with what was just stated; what was said of one file alone stays."""
    here, desk = session(), current_desk()
    names = [field.name for field in dataclasses.fields(how)]
    changed = {name: getattr(how, name) for name in names if getattr(how, name) != getattr(before, name)}
    for paper in desk.papers(here.actor):
        desk.read_again(here.actor, paper.number, dataclasses.replace(paper.how, **changed))


def earlier(here: Session, batches: Sequence[BatchLine]) -> None:
    """Earlier imports, a page at a time; any of them can be taken back, and what it did not accept fetched."""
    pages = math.ceil(len(batches) / PER_PAGE)
    page = st.pagination(pages, key="earlier_page") if pages > 1 else 1
    show(_earlier_table(batches[(page - 1) * PER_PAGE : page * PER_PAGE]))
    _not_accepted(here, batches)
    _take_back(batches)


def _earlier_table(batches: Sequence[BatchLine]) -> Markup:
    rows: list[list[Child]] = []
    for batch in batches:
        kept = ", ".join(told_counts(batch.counts))
        state = join(sign("note", "taken back"), f" {batch.undone}") if batch.undone else Markup("")
        rows.append([batch.recorded, batch.file, batch.who, kept, state, batch.batch])
    return el("div", table(["When", "File", "Who", "Rows", "", "Batch"], rows, label="Earlier imports"), class_="k")


def _called(batch: BatchLine) -> str:
    return f"{batch.recorded} · {batch.file} · {batch.batch}"


def _not_accepted(here: Session, batches: Sequence[BatchLine]) -> None:
    """A link to the list of what one import did not accept."""
    some = {_called(batch): batch for batch in batches if batch.counts.get("read", 0) > batch.counts.get("accepted", 0)}
    if not some:
        return
    chosen = st.selectbox("List what an import did not accept", list(some), index=None, key="not_accepted_batch")
    if chosen in some:
        batch = some[chosen]
        show(desk_parts.download(desk_parts.address_of_not_accepted(here, batch.batch, batch.file)))


def _take_back(batches: Sequence[BatchLine]) -> None:
    """The form to undo an import, with a reason."""
    standing = {_called(batch): batch.batch for batch in batches if not batch.undone}
    with st.form("undo", clear_on_submit=True):
        chosen = st.selectbox("Take an import back", list(standing), index=None, key="undo_batch")
        reason = st.text_input("Why (kept in the audit)", key="undo_reason", max_chars=500)
        sure = st.checkbox("Its rows no longer count; they stay readable, and alerts follow.", key="undo_sure")
        asked = st.form_submit_button("Take it back", key="undo_button")
    if asked and chosen in standing and sure and reason.strip():
        _undone(session(), standing[chosen], reason.strip())
    elif asked:
        show(el("div", sign("warning", "Choose an import, say why, and tick the box."), class_="k"))


def _undone(here: Session, batch: str, reason: str) -> None:
    try:
        import_files.undo(here.store, here.actor, batch, to_ms(here.now), reason)
    except KhemonError as problem:
        frame.refused(problem)
        return
    st.toast("The import was taken back.", icon="✅")
    st.rerun()

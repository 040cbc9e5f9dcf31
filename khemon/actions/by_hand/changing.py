"""Correcting a result or setting it out as entered in error: a new version, with the reason; nothing is changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from khemon.actions.by_hand import checks
from khemon.actions.by_hand.chains import Chains
from khemon.actions.by_hand.entering import beside, stored_at
from khemon.actions.by_hand.forms import ResultForm
from khemon.actions.by_hand.recording import BY_HAND, Decided, Deed, Recorded, record
from khemon.actions.permitted import permitted
from khemon.importers import Mapping as LabMapping
from khemon.importers import Observation
from khemon.models import STATUSES, Actor, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import Reader, ResultRow, Store

EDITABLE = ("value", "unit", "collected_at", "specimen_id", "status", "quality", "timing", "comment")
_WITHDRAWN = ("cancelled", "entered_in_error")


@permitted("record")
def edit_result(
    store: Store,
    actor: Actor,
    result_id: int,
    changes: Mapping[str, str],
    reason: str,
    *,
    now: dt.datetime,
    sure: bool = False,
) -> Recorded:
    """Stores a new version of a result in place of the one that was shown.

    changes: field of `EDITABLE` to its new text; the others stay. Refused when somebody changed the result since.
    """
    why = checks.checked_reason(reason)
    with store.writing() as writer:
        chains = Chains(writer)
        old = present(writer, chains, result_id)
        out = frozenset(_replaced(writer, chains, old))
        row = _corrected(writer, old, dict(changes), to_ms(now), out)
        if "status" not in changes:
            row.status = _status(writer, old, row, out, chains.source_of(old))
        checks.ask([*checks.result_questions(row), *beside(writer, row, out)], sure=sure)
        row.reasons.append(f"edited: {why}")
        decided: list[Decided] = [(number, "edited", 0) for number in sorted(out)]
        before = _said(old)
        deed = Deed("edit_result", old.patient_id, chains.source_of(old), why, [row], decided=decided, before=before)
        return record(writer, actor, deed, now, checks.zone_of(writer))


@permitted("record")
def void_result(store: Store, actor: Actor, result_id: int, reason: str, *, now: dt.datetime) -> Recorded:
    """Sets a result out as entered in error: a last version says so, and no rule sees any of its versions."""
    why = checks.checked_reason(reason)
    with store.writing() as writer:
        chains = Chains(writer)
        old = present(writer, chains, result_id)
        row = _as_received(old)
        row.status = "entered_in_error"
        row.reasons = [f"voided: {why}"]
        decided: list[Decided] = [(number, "voided", 0) for number in sorted(_replaced(writer, chains, old))]
        deed = Deed(
            "void_result",
            old.patient_id,
            chains.source_of(old),
            why,
            [row],
            decided=decided,
            brings_withdrawn=True,
            before=_said(old),
        )
        return record(writer, actor, deed, now, checks.zone_of(writer))


def present(reader: Reader, chains: Chains, result_id: int) -> ResultRow:
    """The result as shown; Refused when it is none, or when it no longer is what counts, naming who changed it."""
    where, found = f"result {result_id}", reader.result_details([result_id]).get(result_id)
    if found is None or found.undone:
        words = "there is no such result" if found is None else "its import was taken back"
        raise Refused(where, words, "choose one of those that are stored")
    chains.refuse_changed(where, result_id)
    if found.status in _WITHDRAWN:
        raise Refused(where, "it is withdrawn already", "enter the right one anew")
    later = [row for row in chains.versions(found) if _replaces(row, found)]
    if later:
        raise Refused(where, f"{chains.who(later[-1].result_id)} brought a later version since", "look again")
    return found


def _replaces(row: ResultRow, other: ResultRow) -> bool:
    """Whether a version counts in place of another one."""
    rank, own = STATUSES.index(row.status), STATUSES.index(other.status)
    later = row.status == other.status == "corrected" and row.result_id > other.result_id
    return rank > own or later


def _replaced(reader: Reader, chains: Chains, old: ResultRow) -> set[int]:
    """The result and every version it had taken the place of, those of earlier corrections by hand included."""
    versions = {row.result_id for row in chains.versions(old) if _replaces(old, row)}
    return chains.behind({old.result_id, *versions})


def _corrected(
    reader: Reader, old: ResultRow, changes: dict[str, str], now_ms: int, out: frozenset[int]
) -> Observation:
    """The new version; Refused when nothing differs, or for what could not be entered either."""
    if unknown := [name for name in changes if name not in EDITABLE]:
        raise Refused(unknown[0], "this cannot be changed", "void the result, and enter the right one")
    zone = checks.zone_of(reader)
    kept = {
        "value": f"{old.comparator}{old.value}",
        "unit": old.unit or "",
        "collected_at": from_ms(old.collected_ms, zone).isoformat(),
        "specimen_id": old.specimen_id or "",
        "status": old.status,
        "quality": old.quality,
        "timing": old.timing,
        "comment": old.comment or "",
    }
    form = ResultForm(old.patient_id, old.analyte, **kept | changes)
    reported = "" if old.resulted_ms is None else from_ms(old.resulted_ms, zone).isoformat()
    # What the laboratory says about the basis holds on while the unit stays.
    basis: Any = old.basis if old.basis in ("FEU", "DDU") and form.unit == kept["unit"] else None
    mapping = LabMapping(d_dimer_basis=basis) if basis else None
    [row] = checks.read_results(reader, [form], now_ms, mapping, reported)
    row.text = old.text if form.value == kept["value"] else row.text
    if _content(row) == _content(_as_received(old)):
        raise Refused("correction", "nothing differs from what is stored", "say what is to be changed")
    return row


def _status(reader: Reader, old: ResultRow, row: Observation, out: frozenset[int], source: str | None) -> str:
    """Corrected; as it was where that would hide another result of the time, or one that is still to come.

    Without a specimen id the results of one time are versions of one, and a corrected one outranks the others. The old
    version is set out by itself: nothing has to outrank it.
    """
    others = any(one.specimen_id is None for one in stored_at(reader, row, out))
    hides = row.specimen_id is None and (others or source == BY_HAND)
    return old.status if old.status == "preliminary" or hides else "corrected"


def _content(row: Observation) -> tuple[object, ...]:
    names = ("collected_ms", "comparator", "canonical_value", "canonical_unit", "specimen_id", "quality", "timing")
    return (*(getattr(row, name) for name in (*names, "status")), row.comment or None)


def _as_received(old: ResultRow) -> Observation:
    """The row that a stored result came as."""
    names = set(ResultRow._fields) & set(Observation.__dataclass_fields__) - {"row", "reasons", "decision", "field"}
    return Observation(row=1, field=None, **{name: getattr(old, name) for name in names})


def _said(old: ResultRow) -> dict[str, Any]:
    names = ("result_id", "analyte", "collected_ms", "text", "unit", "canonical_value", "canonical_unit", "status")
    return {name: getattr(old, name) for name in (*names, "quality", "specimen_id")}

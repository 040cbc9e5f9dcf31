"""What a person typed, checked while they stand there: refused with the remedy, or asked about once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from khemon.actions.by_hand.forms import EventForm, Kind, ResultForm, kinds
from khemon.importers import EventRow, Mapping, Observation, ReadOptions, read_by_hand
from khemon.models import EVENT_KINDS, Patient, Refused
from khemon.rules.calendar import from_ms
from khemon.store import Reader
from khemon.units import ANALYTES

LONGEST_REASON = 500
_TIME_REMEDY = "write it as 2026-03-01T08:00, with the offset behind it where the clock was set back: +01:00"
#: Code of a finding to the field it is about and what to do; others are about the whole entry.
_ABOUT = {
    "unreadable_number": ("value", "write a plain number with a decimal point, such as 0.45, with < or > before it"),
    "thousands": ("value", "write a plain number with a decimal point and no other sign"),
    "text_behind_number": ("value", "write the number alone; a remark belongs into the comment"),
    "two_units": ("value", "write the number alone and choose the unit"),
    "beyond_measure": ("value", "write the limit with < or > before it"),
    "no_value": ("value", "write the figure the analyzer gave, and what is wrong with the sample as its quality"),
    "hard_limit": ("value", "check the number and its unit; nothing beyond these limits can be entered"),
    "unknown_unit": ("unit", "choose one of the units of this analyte"),
    "basis_conflict": ("unit", "choose the unit with the basis the laboratory states"),
    "unknown_status": ("status", "choose one of them"),
    "unknown_quality": ("quality", "choose one of them"),
    "unknown_timing": ("timing", "choose one of them"),
    "unknown_kind": ("kind", "choose one of them"),
    "future_time": ("time", "check the date and the time"),
    "end_before_start": ("end", "check the start and the end"),
    "no_patient": ("patient", "name the patient"),
    "collected_after_result": ("time", "check when the sample was taken"),
}
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


class Question(Refused):
    """What a person is asked once before it is stored; the same again, said to be sure, is stored."""

    def __init__(self, questions: Sequence[str]) -> None:
        super().__init__("check", "; ".join(questions), "look again; if it is right, say so and store it (--sure)")
        self.questions = tuple(questions)


def ask(questions: Sequence[str], *, sure: bool) -> None:
    """Nothing when there is nothing to ask, or the person is sure; else the Question."""
    if questions and not sure:
        raise Question(questions)


def checked_reason(reason: str) -> str:
    """The reason, trimmed; Refused without one."""
    plain = " ".join(reason.split())
    if not plain:
        raise Refused("reason", "there is none", "say in a few words why")
    if len(plain) > LONGEST_REASON or not plain.isprintable():
        raise Refused("reason", "too long, or with signs that cannot be seen", f"use at most {LONGEST_REASON} letters")
    return plain


def known_patient(reader: Reader, patient_id: str) -> Patient:
    """The patient; Refused for an unknown one: a slip of the finger makes no new child."""
    found = reader.patient(patient_id.strip())
    if found is None:
        raise Refused("patient", "there is no patient with this id", "choose the patient from the ward list")
    return found


def read_results(
    reader: Reader, forms: Sequence[ResultForm], now_ms: int, mapping: Mapping | None = None, resulted_at: str = ""
) -> list[Observation]:
    """The results as a canonical file would give them; Refused for anything a person must correct first."""
    zone = zone_of(reader)
    patients = {form.patient_id: known_patient(reader, form.patient_id) for form in forms}
    for form in forms:
        if form.analyte not in ANALYTES:
            raise Refused("analyte", "it is none that khemon knows", f"use one of: {', '.join(ANALYTES)}")
    rows = [form.row | {"resulted_at": resulted_at} for form in forms]
    options = ReadOptions(timezone=zone, now_ms=now_ms, mapping=mapping)
    found = list(read_by_hand("labs", rows, options).observations)
    for row, form in zip(found, forms, strict=True):
        _refuse(row, len(forms))
        _after_birth(patients[form.patient_id], row.collected_ms, zone)
        row.reasons = [reason for reason in row.reasons if not reason.startswith("unknown_timing")]
    return found


def read_events(reader: Reader, forms: Sequence[EventForm], now_ms: int) -> list[EventRow]:
    """The events as a canonical file would give them; Refused for anything a person must correct first."""
    zone = zone_of(reader)
    patients = {form.patient_id: known_patient(reader, form.patient_id) for form in forms}
    found = read_by_hand("events", [form.row for form in forms], ReadOptions(timezone=zone, now_ms=now_ms)).events
    for row, form in zip(found, forms, strict=True):
        _refuse(row, len(forms))
        _after_birth(patients[form.patient_id], row.start_ms, zone)
        _check_fields(row, kinds()[row.kind])
    return found


def zone_of(reader: Reader) -> str:
    """The ward's time zone; Refused when it has none yet."""
    zone = reader.setting("timezone")
    if not zone:
        remedy = "import a file first and state the zone, for example Europe/Berlin"
        raise Refused("time zone", "this store has no time zone yet", remedy)
    return zone


def _refuse(row: Observation | EventRow, of: int) -> None:
    """Nothing for a row that a file would be accepted with; Refused with place, finding and remedy for any other."""
    if row.decision == "accepted":
        return
    blocking = [reason for reason in row.reasons if not reason.startswith(("soft_limit", "flag"))]
    code, _, sentence = (blocking or row.reasons or ["entry: it cannot be read"])[0].partition(": ")
    field, remedy = _ABOUT.get(code, ("time", _TIME_REMEDY) if "time" in code or "date" in code else ("entry", ""))
    if code == "unknown_kind":
        sentence = f"it is none of: {', '.join(EVENT_KINDS)}"
    place = f"{field}, entry {row.row}" if of > 1 else field
    raise Refused(place, sentence or code.replace("_", " "), remedy or "correct it")


def _after_birth(patient: Patient, at_ms: int | None, zone: str) -> None:
    if patient.birth_date and at_ms is not None and from_ms(at_ms, zone).date() < patient.birth_date:
        raise Refused("time", "it lies before the birth of the child", "check the date, and whose entry it is")


def _check_fields(row: EventRow, kind: Kind) -> None:
    """Refused where a kind needs what is missing, or has no use for what was given."""
    said = {"dose": row.dose, "note": row.note, "end": None if row.end_ms is None else "given"}
    for field, asked in (("dose", kind.dose), ("note", kind.note), ("end", kind.end)):
        if asked == "needed" and not said[field]:
            raise Refused(field, f"{words_of(kind)} needs one", f"say the {kind.dose_called.lower()}, or what it was")
        if asked == "none" and said[field]:
            raise Refused(field, f"{words_of(kind)} has none", "leave it out, or say it in the note")
    if row.unit and not row.dose:
        raise Refused("dose", "there is a unit and no number", "say the number, or leave the unit out")
    if row.dose:
        _check_dose(row.dose, row.unit, kind)


def _check_dose(dose: str, unit: str | None, kind: Kind) -> None:
    if not _NUMBER.fullmatch(dose):
        raise Refused("dose", "it is no plain number", "write it with a decimal point, such as 0.8; 0 is a hold")
    number = Decimal(dose)
    if not unit and (number or kind.group != "drug"):
        raise Refused("unit", "a number needs its unit", f"say the unit, such as {' or '.join(kind.units)}")
    if not number and kind.group == "product":
        raise Refused("dose", "it is 0", "leave it out where it is not known")
    if kind.between and not kind.between[0] <= number <= kind.between[1]:
        raise Refused("dose", f"it lies outside {kind.between[0]} to {kind.between[1]}", "check the score")


def words_of(kind: Kind) -> str:
    """The kind in plain words."""
    return kind.name.replace("_", " ")


def result_questions(row: Observation) -> list[str]:
    """What is asked about a result by its soft limits."""
    label, unit = ANALYTES[str(row.analyte)].label, row.canonical_unit or ""
    value = f"{row.comparator}{row.canonical_value} {unit}".strip()
    soft = [reason.partition(": ")[2] for reason in row.reasons if reason.startswith("soft_limit")]
    return [f"{label} {value} is unusual ({words})" for words in soft]


def event_questions(row: EventRow, now_ms: int, zone: str) -> list[str]:
    """What is asked about an event: an end ahead of now, the closing of observation."""
    found = [kinds()[row.kind].sure] if kinds()[row.kind].sure else []
    if row.end_ms is not None and row.end_ms > now_ms:
        end = dt.datetime.fromtimestamp(row.end_ms / 1000, ZoneInfo(zone))
        found.append(f"the end, {end:%Y-%m-%d %H:%M}, lies ahead: it is counted as running until then")
    return found

"""How a held row was understood, and what is stored in its place, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from khemon.figures.style import LANES
from khemon.figures.words import date_words, moment, unit_words
from khemon.models import Event, Patient
from khemon.rules.calendar import to_ms
from khemon.store import HeldRow, KeptRow, Reader, ResultRow
from khemon.units import ANALYTES

_WITHDRAWN = ("cancelled", "entered_in_error")


def understood(kept: KeptRow, zone: ZoneInfo) -> str:
    """What the importer made of a row: platelets 27 ×10⁹/L; what it could not make out is said."""
    said = kept.said
    if kept.kind == "labs":
        return _result(said)
    if kept.kind == "events":
        return _event(said, zone)
    return "; ".join(f"{name.replace('_', ' ')} {text}" for name, text in said.get("fields", {}).items()) or "nothing"


def _result(said: Mapping[str, Any]) -> str:
    analyte = ANALYTES[said["analyte"]].label.casefold() if said.get("analyte") else "analyte not known"
    if said.get("canonical_value") is None:
        return f"{analyte}, no number"
    number = f"{said.get('comparator', '')}{said['canonical_value']} {unit_words(said.get('canonical_unit'))}".strip()
    marks = [said.get("quality", ""), said.get("status", "") if said.get("status") != "final" else ""]
    told = ", ".join(mark.replace("_", " ") for mark in marks if mark)
    return f"{analyte} {number}{f' ({told})' if told else ''}"


def _event(said: Mapping[str, Any], zone: ZoneInfo) -> str:
    kind = said.get("kind", "")
    parts = [LANES.get(kind, ("", kind.replace("_", " ")))[1]]
    if said.get("start_ms") is not None:
        parts.append(f"from {date_words(moment(said['start_ms']), zone)}")
    if said.get("end_ms") is not None:
        parts.append(f"until {date_words(moment(said['end_ms']), zone)}")
    dose = f"{said.get('dose') or ''} {said.get('unit') or ''}".strip()
    return " ".join([*parts, dose]).strip()


class Stored:
    """What is stored where conflicting rows would stand."""

    def __init__(self, reader: Reader, rows: Sequence[HeldRow], kept: Mapping[int, KeptRow], zone: ZoneInfo) -> None:
        self.zone = zone
        self._kept = kept
        patients = {row.patient_id for row in rows if row.patient_id is not None}
        times = {row.collected_ms for row in rows if row.collected_ms is not None}
        self._results: dict[tuple[object, ...], ResultRow] = {}
        for row in reader.results_beside(patients, times):
            if row.status not in _WITHDRAWN:
                self._results[row.patient_id, row.analyte, row.collected_ms] = row
        other = {kept[row.fate_id].kind for row in rows}
        self._events: list[Event] = reader.events_for(sorted(patients)).events if "events" in other else []
        listed = reader.patients(sorted(patients)) if "patients" in other else []
        self._patients: dict[str, Patient] = {patient.patient_id: patient for patient in listed}

    def of(self, row: HeldRow) -> str:
        """In words; empty where nothing is, or the row contradicts nothing."""
        kept = self._kept[row.fate_id]
        if row.decision != "conflict":
            return ""
        if kept.kind == "labs":
            found = self._results.get((row.patient_id, row.analyte, row.collected_ms))
            return "" if found is None else _result(found._asdict())
        if kept.kind == "events":
            own = [each for each in self._events if self._is_beside(each, kept)]
            return "; ".join(self._told(each) for each in own)
        patient = self._patients.get(row.patient_id or "")
        named = kept.said.get("fields", {})
        told = {name: getattr(patient, name) for name in named if patient is not None}
        return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items() if value is not None)

    @staticmethod
    def _is_beside(event: Event, kept: KeptRow) -> bool:
        said = kept.said
        place = (event.patient_id, event.kind, to_ms(event.start))
        return place == (said.get("patient_id"), said.get("kind"), said.get("start_ms"))

    def _told(self, event: Event) -> str:
        end = None if event.end is None else to_ms(event.end)
        said = {"kind": event.kind, "start_ms": to_ms(event.start), "end_ms": end}
        return _event({**said, "dose": event.dose, "unit": event.unit}, self.zone)

"""What a person has typed, read back before it is stored: the number in the canonical unit and the limits it meets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from khemon.actions.by_hand import checks
from khemon.actions.by_hand.entering import beside, new_events
from khemon.actions.by_hand.forms import EventForm, ResultForm
from khemon.actions.live import live_protocol
from khemon.actions.permitted import permitted
from khemon.actions.watch.flags import limits_met
from khemon.figures.words import unit_words
from khemon.importers import Observation
from khemon.importers.times import in_zone
from khemon.models import EXCLUDING_QUALITIES, Actor, Patient, Refused
from khemon.rules import Protocol
from khemon.rules.calendar import to_ms
from khemon.store import Store
from khemon.units import ANALYTES


@dataclass(frozen=True, slots=True)
class Preview:
    """What was understood, in words; questions to answer before it is stored; or what has to be corrected."""

    words: str = ""
    questions: tuple[str, ...] = ()
    problem: Refused | None = None


@permitted("record")
def preview_result(store: Store, actor: Actor, form: ResultForm, now: dt.datetime) -> Preview:
    """What storing this would mean; nothing is kept. Without a time the number alone is read."""
    timed = bool(form.collected_at)
    shown = form if timed else replace(form, collected_at=now.astimezone(dt.UTC).isoformat())
    with store.reading() as reader:
        try:
            [row] = checks.read_results(reader, [shown], to_ms(now))
            questions = [*checks.result_questions(row), *(beside(reader, row) if timed else ())]
        except Refused as problem:
            return Preview(problem=problem)
        return Preview(_words(row, live_protocol(reader)), tuple(questions))


@permitted("record")
def preview_events(store: Store, actor: Actor, forms: Sequence[EventForm], now: dt.datetime) -> Preview:
    """What is asked before these events are stored, or what has to be corrected; nothing is kept."""
    with store.reading() as reader:
        try:
            _, questions = new_events(reader, forms, to_ms(now))
        except Refused as problem:
            return Preview(problem=problem)
        return Preview(questions=tuple(questions))


def _words(row: Observation, protocol: Protocol) -> str:
    """You entered fibrinogen 45 mg/dL = 0.45 g/L: below 0.5 (plasma criterion)."""
    label, analyte = ANALYTES[str(row.analyte)].label, str(row.analyte)
    typed = f"{row.comparator}{row.value} {row.unit or ''}".strip()
    read = f"{row.comparator}{row.canonical_value} {unit_words(row.canonical_unit)}".strip()
    called = f"{label[:1].lower()}{label[1:]}" if label[1:2].islower() else label
    head = f"You entered {called} {typed}"
    head += "" if (row.value, row.unit) == (row.canonical_value, row.canonical_unit) else f" = {read}"
    head += " (basis not stated: FEU, or DDU and so twice the number)" if row.basis == "unknown" else ""
    if row.quality in EXCLUDING_QUALITIES:
        return f"{head}: set aside as {row.quality.replace('_', ' ')}, no limit is read from it."
    met, may_be = limits_met(protocol, analyte, row.low, row.high)
    told = [*met, *(f"cannot tell whether {words}" for words in may_be)]
    return f"{head}: {'; '.join(told) or 'crosses no limit of a danger rule'}."


def clock_readings(day: dt.date, time: dt.time, zone: ZoneInfo) -> list[tuple[str, str]]:
    """Each time that a ward clock can have meant, in words and as ISO 8601; none where it was set forward over it."""
    local = dt.datetime.combine(day, time)
    reasons = in_zone(local, zone).reasons
    if reasons and reasons[0].startswith("skipped"):
        return []
    found: list[Any] = [local.replace(tzinfo=zone, fold=fold) for fold in ((0, 1) if reasons else (0,))]
    words = ("before the clock was set back", "after the clock was set back")
    return [(f"{at:%H:%M} {word} ({at:%z})", at.isoformat()) for at, word in zip(found, words, strict=False)]


@permitted("look")
def children(store: Store, actor: Actor) -> dict[int, str]:
    """The key of each child's page to who it is, for choosing."""
    with store.reading() as reader:
        numbers = reader.patient_numbers()
        return {numbers[one.patient_id]: _called(one) for one in reader.patients()}


def _called(patient: Patient) -> str:
    return f"{patient.name} · {patient.patient_id}" if patient.name else patient.patient_id

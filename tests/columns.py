"""Histories as the columns the engine takes, and its episodes as plain tuples."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import numpy as np

from khemon import units
from khemon.models import EVENT_KINDS, QUALITIES, SEVERITIES, STATUSES, TIMINGS
from khemon.rules import END_REASONS, NO_TIME, STATUS_WORDS, Episodes, Events, Patients, Protocol, Results, evaluate
from khemon.rules.calendar import EPOCH, day_numbers, to_ms
from khemon.rules.rulebook import FURTHER
from tests.histories import History


def columns(histories: Sequence[History], zone: str) -> tuple[Results, Events, Patients]:
    """All histories in one batch; the patient index is the position in the sequence."""
    labs = [(index, lab) for index, history in enumerate(histories) for lab in history.labs]
    events = [(index, event) for index, history in enumerate(histories) for event in history.events]
    specimens: dict[str, int] = {}
    intervals = [units.interval(lab.comparator, lab.value, lab.basis) for _, lab in labs]
    times = np.array([to_ms(lab.collected_at) for _, lab in labs], np.int64)
    results = Results(
        np.array([index for index, _ in labs], np.int32),
        times,
        day_numbers(times, zone),
        np.array([units.ANALYTE_CODES[lab.analyte] for _, lab in labs], np.int8),
        np.array([low for low, _ in intervals], np.float64),
        np.array([high for _, high in intervals], np.float64),
        np.array([STATUSES.index(lab.status) for _, lab in labs], np.int8),
        np.array([QUALITIES.index(lab.quality) for _, lab in labs], np.int8),
        np.array(
            [-1 if lab.specimen is None else specimens.setdefault(lab.specimen, len(specimens)) for _, lab in labs],
            np.int64,
        ),
        np.array([lab.recorded for _, lab in labs], np.int64),
        np.array([TIMINGS.index(lab.timing) for _, lab in labs], np.int8),
    )
    units_of_doses: dict[str, int] = {}
    columns_of_events = Events(
        np.array([index for index, _ in events], np.int32),
        np.array([EVENT_KINDS.index(event.kind) for _, event in events], np.int8),
        np.array([to_ms(event.start) for _, event in events], np.int64),
        np.array([NO_TIME if event.end is None else to_ms(event.end) for _, event in events], np.int64),
        np.array([math.nan if event.dose is None else float(event.dose) for _, event in events], np.float64),
        np.array(
            [units_of_doses.setdefault(e.unit, len(units_of_doses)) if e.unit else -1 for _, e in events], np.int64
        ),
    )
    unknown = np.iinfo(np.int32).min
    born = [unknown if h.child.birth_date is None else (h.child.birth_date - EPOCH.date()).days for h in histories]
    bands = [h.child.target or (math.nan, math.nan) for h in histories]
    patients = Patients(
        np.array(born, np.int32),
        _times([h.child.day0 for h in histories]),
        _times([h.child.followed_until for h in histories]),
        np.array([float(low) for low, _ in bands]),
        np.array([float(high) for _, high in bands]),
    )
    return results, columns_of_events, patients


def _times(times: Sequence[dt.datetime | None]) -> np.ndarray:
    return np.array([NO_TIME if time is None else to_ms(time) for time in times], np.int64)


def plain(found: Episodes, protocol: Protocol, count: int) -> list[list[tuple[object, ...]]]:
    """Per patient the episodes as (rule, onset, status, severity, confirmed_at, end, end_reason), times in UTC."""
    rows: list[list[tuple[object, ...]]] = [[] for _ in range(count)]
    for index in range(found.size):
        rows[found.patient[index]].append(
            (
                protocol.rule_names[found.rule[index]],
                _time(found.onset[index]),
                STATUS_WORDS[found.status[index]],
                SEVERITIES[found.severity[index]],
                _time(found.confirmed_at[index]),
                _time(found.end[index]),
                END_REASONS[found.end_reason[index]] or None,
            )
        )
    return rows


def _time(ms: int) -> dt.datetime | None:
    return None if ms == NO_TIME else EPOCH + dt.timedelta(milliseconds=int(ms))


def by_engine(history: History, protocol: Protocol) -> list[tuple[object, ...]]:
    """What the engine says of one history by the rules of 3.1 to 3.6."""
    return all_by_engine(history, without_further(protocol))


def without_further(protocol: Protocol) -> Protocol:
    """The protocol without the rules of 3.7."""
    rules = {name: rule for name, rule in protocol.rules.items() if not isinstance(rule, FURTHER)}
    return protocol.model_copy(update={"rules": rules})


def all_by_engine(history: History, protocol: Protocol) -> list[tuple[object, ...]]:
    """What the engine says of one history by every rule."""
    results, events, patients = columns([history], history.zone)
    found = evaluate(results, events, patients, protocol, history.zone, to_ms(history.as_of))
    return plain(found, protocol, 1)[0]

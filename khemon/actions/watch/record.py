"""The record of what was done as a page shows it: narrowed, a part at a time, with the verdict on its chain."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from khemon.actions.auditing import Wanted, wanted_rows, whole_record
from khemon.actions.permitted import permitted
from khemon.actions.viewing import who_saw
from khemon.actions.watch.setting import Setting, setting_of
from khemon.figures.words import date_words, moment
from khemon.models import Actor
from khemon.store import AuditRow, Reader, Store, verify_audit

LINES_SHOWN = 50
#: A part of an entry longer than this is cut on the page; the file holds it whole.
_LONGEST_PART = 300


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One entry."""

    sequence: int
    at: str
    who: str
    did: str
    about: str
    told: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the chain is as it was written: what is wrong first, and where; and where it ends."""

    sound: bool
    where: str
    found: str
    head: str


@dataclass(frozen=True, slots=True)
class LookLine:
    """One person who saw a child's data."""

    who: str
    first: str
    last: str
    times: int


@dataclass(frozen=True, slots=True)
class RecordView:
    """Some of the entries, the newest first, and who looked at the child that is asked for."""

    setting: Setting
    verdict: Verdict | None
    total: int
    found: int
    lines: tuple[RecordLine, ...]
    looks: tuple[LookLine, ...] | None


@permitted("audit")
def record_names(store: Store, actor: Actor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who and what occurs in the record. Refused to whom sees some wards only."""
    whole_record(store, actor)
    with store.reading() as reader:
        found = reader.audit_names()
    return tuple(sorted({who for who, _ in found})), tuple(sorted({act for _, act in found}))


@permitted("audit")
def record_view(store: Store, actor: Actor, wanted: Wanted, page: int = 1, *, verify: bool = True) -> RecordView:
    """A page of the entries that are wanted. Refused for an unknown child, and to whom sees some wards only.

    verify: go through the whole chain, which takes a while where it is long.
    """
    whole_record(store, actor)
    with store.reading() as reader:
        setting = setting_of(reader)
        total, _ = reader.audit_head()
        if wanted == Wanted():
            last = total - (page - 1) * LINES_SHOWN
            rows = itertools.takewhile(lambda row: row.sequence <= last, reader.audit_rows(last - LINES_SHOWN))
            shown, found = list(rows)[::-1], total
        else:
            narrowed = wanted_rows(reader, wanted)[::-1]
            shown, found = narrowed[(page - 1) * LINES_SHOWN : page * LINES_SHOWN], len(narrowed)
        return RecordView(
            setting=setting,
            verdict=_verdict(reader) if verify else None,
            total=total,
            found=found,
            lines=tuple(_line(row, setting.zone) for row in shown),
            looks=None if wanted.patient_id is None else _looks(reader, wanted.patient_id, setting.zone),
        )


def _verdict(reader: Reader) -> Verdict:
    sequence, head = reader.audit_head()
    finding = verify_audit(reader)
    if finding is None:
        return Verdict(True, "", "", f"{sequence}:{head}")
    return Verdict(False, finding.where, finding.found, f"{sequence}:{head}")


def _looks(reader: Reader, patient_id: str, zone: ZoneInfo) -> tuple[LookLine, ...]:
    found = []
    for seen in who_saw(reader, patient_id):
        first, last = (date_words(dt.datetime.fromisoformat(seen[name]), zone) for name in ("first", "last"))
        found.append(LookLine(_person(seen["actor"], seen["kind"]), first, last, seen["times"]))
    return tuple(found)


def _line(row: AuditRow, zone: ZoneInfo) -> RecordLine:
    at = date_words(moment(row.at_ms), zone)
    who = _person(row.actor, row.actor_kind)
    return RecordLine(row.sequence, at, who, row.action.replace("_", " "), row.object, told_words(row.details))


def _person(name: str, kind: str) -> str:
    return name if kind == "account" else f"{name} ({kind})"


def told_words(details: str) -> str:
    """What an entry tells, in words; as it stands where that is no JSON, for somebody may have changed it."""
    try:
        told = json.loads(details)
    except ValueError:
        return _cut(details)
    return _words(told) if isinstance(told, dict) else _cut(details)


def _words(told: Mapping[str, Any]) -> str:
    return "; ".join(
        _cut(f"{name.replace('_', ' ')}: {_value(value)}") for name, value in told.items() if _is_told(value)
    )


def _is_told(value: object) -> bool:
    return value not in (None, "", [], {})


def _value(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        if set(value) == {"old", "new"}:
            return f"{_value(value['old'])} → {_value(value['new'])}"
        return ", ".join(f"{name.replace('_', ' ')} {_value(each)}" for name, each in value.items() if _is_told(each))
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value) or "none"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST_PART else f"{words[:_LONGEST_PART]} …"

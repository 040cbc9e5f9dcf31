"""Files as a person brings them: several at once, each previewed or committed by itself, problems told beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from khemon.actions import import_files
from khemon.actions.permitted import permitted
from khemon.actions.watch.alerts import urgency_of
from khemon.figures.style import rule_words
from khemon.importers import load_mapping
from khemon.models import Actor, KhemonError
from khemon.rules.calendar import to_ms
from khemon.store import Store

#: More rows than this are for the command line: a page must show the fate of every one.
MAX_ROWS = 200_000
#: Patients before events before results, so that what lifts a value is known before the value is judged.
_ORDER = ("patients", "events", "labs")


@dataclass(frozen=True, slots=True)
class Brought:
    """A file as it was brought."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class HowToRead:
    """What a person says about the files: a mapping (TOML), a patient, an encoding, a date format, the ward's zone."""

    mapping: bytes | None = None
    patient_id: str | None = None
    encoding: str | None = None
    date_format: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that an import raised: its number, the patient's key, and words."""

    alert_id: int
    key: int
    severity: str
    words: str


@dataclass(frozen=True, slots=True)
class Review:
    """What would become, or became, of a file; `problem` when it cannot be read at all: nothing changed then."""

    name: str
    counts: dict[str, int]
    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    batch: str
    repeated: bool
    kind: str
    raised: tuple[Raised, ...] = ()
    problem: KhemonError | None = None

    @property
    def complete(self) -> bool:
        """Whether no row waits for a person."""
        return not any(self.counts.get(fate) for fate in import_files.HELD)


@permitted("import")
def previewed(store: Store, actor: Actor, files: Sequence[Brought], how: HowToRead, now: dt.datetime) -> list[Review]:
    """What a commit would do with each file; nothing is kept."""
    return [_one(store, actor, file, how, now, keep=False) for file in files]


@permitted("import")
def committed(store: Store, actor: Actor, files: Sequence[Brought], how: HowToRead, now: dt.datetime) -> list[Review]:
    """Import each file in a transaction of its own, patients first; a file that cannot be read changes nothing."""
    kinds = {file.name: _one(store, actor, file, how, now, keep=False).kind for file in files} if len(files) > 1 else {}
    ordered = sorted(files, key=lambda file: _ORDER.index(kinds.get(file.name, "labs")))
    return [_one(store, actor, file, how, now, keep=True) for file in ordered]


def _one(store: Store, actor: Actor, file: Brought, how: HowToRead, now: dt.datetime, *, keep: bool) -> Review:
    act = import_files.commit if keep else import_files.preview
    try:
        report = act(store, actor, file.content, file.name, _options(how, now))
    except KhemonError as problem:
        return Review(file.name, {}, (), (), "", False, "labs", problem=problem)
    document = report.document
    rows = tuple(document["rows"])
    return Review(
        name=file.name,
        counts=document["counts"],
        rows=rows,
        notes=tuple(document.get("notes", ())),
        batch=document["batch"] or "",
        repeated=bool(document.get("repeated")),
        kind=_kind(rows),
        raised=_raised(store, report) if keep else (),
    )


def _options(how: HowToRead, now: dt.datetime) -> import_files.Options:
    return import_files.Options(
        now_ms=to_ms(now),
        mapping=load_mapping(how.mapping) if how.mapping else None,
        patient_id=how.patient_id or None,
        encoding=how.encoding or None,
        date_format=how.date_format or None,
        timezone=how.timezone,
        max_rows=MAX_ROWS,
    )


def _kind(rows: Sequence[dict[str, Any]]) -> str:
    """What a file speaks of: results name an analyte, events have a text, patients have neither."""
    if any(row["analyte"] for row in rows):
        return "labs"
    return "events" if any(row["text"] for row in rows) else "patients"


def _raised(store: Store, report: import_files.ImportReport) -> tuple[Raised, ...]:
    with store.reading() as reader:
        numbers = reader.patient_numbers()
        names = {patient.patient_id: patient.name or patient.patient_id for patient in reader.patients()}
        stored = [reader.alert(alert.alert_id) or alert for alert in report.alerts]
    found = []
    for alert in sorted(stored, key=lambda alert: (bool(alert.muted_by), *urgency_of(alert))):
        muted = f" (muted by {rule_words(alert.muted_by)})" if alert.muted_by else ""
        words = f"{names[alert.patient_id]}: {rule_words(alert.rule)} {alert.status}{muted}. {alert.text}"
        found.append(Raised(alert.alert_id, numbers[alert.patient_id], alert.severity, words))
    return tuple(found)

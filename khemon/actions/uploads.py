"""Files as a person brings them: each previewed or committed by itself, problems told beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from khemon.actions import import_files
from khemon.actions.file_rows import FileRows
from khemon.actions.permitted import permitted
from khemon.actions.recognizing import Recognized, recognized
from khemon.actions.watch.alert_lines import urgency_of
from khemon.figures.style import rule_words
from khemon.importers import Observation, load_mapping
from khemon.importers.both_ways import DateReading, Tried, date_readings, encodings_of
from khemon.models import Actor, KhemonError
from khemon.rules.calendar import to_ms
from khemon.store import Store

#: More rows than this are for the command line: a page must show the fate of every one.
MAX_ROWS = 200_000
#: Patients before events before results, so that what lifts a value is known before the value is judged.
ORDER = ("patients", "events", "labs")
#: What the readers find where a person has to say how a text is encoded.
UNDECIDED_ENCODING = "the encoding is undecided"
#: Reasons for which a person has to say how the dates of a file are written.
ASKED_DATES = ("date_order", "two_digit_year")


@dataclass(frozen=True, slots=True)
class Brought:
    """A file as it was brought."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class HowToRead:
    """What a person says about the files: a mapping (TOML), a patient, an encoding, a date format, the ward's zone.

    `source` is the laboratory: without a mapping of its own, a file is read with the one remembered for it.
    `closed_patient_list` is the site's: no file makes a patient.
    """

    mapping: bytes | None = None
    patient_id: str | None = None
    encoding: str | None = None
    date_format: str | None = None
    timezone: str | None = None
    source: str | None = None
    closed_patient_list: bool = False


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that an import raised: its number, the patient's key, and words."""

    alert_id: int
    key: int
    severity: str
    words: str


@dataclass(frozen=True, slots=True)
class Review:
    """What would become, or became, of a file; `problem` when it cannot be read at all: nothing changed then.

    `encodings` and `dates` are what a person has to choose between, where the file leaves it open.
    """

    name: str
    counts: dict[str, int]
    batch: str = ""
    repeated: bool = False
    kind: str = "labs"
    recognized: Recognized | None = None
    rows: FileRows | None = None
    raised: tuple[Raised, ...] = ()
    problem: KhemonError | None = None
    encodings: tuple[Tried, ...] = ()
    dates: tuple[DateReading, ...] = ()

    @property
    def held(self) -> int:
        """How many rows wait for a person or cannot be used."""
        return sum(self.counts.get(fate, 0) for fate in import_files.HELD)

    @property
    def waiting(self) -> int:
        """How many rows a person can still decide about."""
        return self.counts.get("review", 0) + self.counts.get("conflict", 0)


@permitted("import")
def previewed(
    store: Store,
    actor: Actor,
    file: Brought,
    how: HowToRead,
    now: dt.datetime,
    on_step: Callable[[str], None] | None = None,
) -> Review:
    """What a commit would do with a file; nothing is kept."""
    try:
        report = import_files.preview(store, actor, file.content, file.name, options_of(how, now, on_step))
    except KhemonError as problem:
        asked = UNDECIDED_ENCODING in problem.found
        return Review(file.name, {}, problem=problem, encodings=encodings_of(file.content) if asked else ())
    reading = report.reading
    assert reading is not None  # a preview always reads
    return Review(
        name=file.name,
        counts=report.counts,
        kind=reading.kind,
        recognized=recognized(reading, how, report.zone),
        rows=FileRows(reading, report.zone),
        dates=_asked_dates(reading.observations),
    )


@permitted("import")
def committed(
    store: Store,
    actor: Actor,
    file: Brought,
    how: HowToRead,
    now: dt.datetime,
    on_step: Callable[[str], None] | None = None,
) -> Review:
    """Import a file in a transaction of its own; one that cannot be read changes nothing."""
    try:
        report = import_files.commit(store, actor, file.content, file.name, options_of(how, now, on_step))
    except KhemonError as problem:
        return Review(file.name, {}, problem=problem)
    batch, repeated = report.head["batch"] or "", bool(report.head.get("repeated"))
    kind = report.reading.kind if report.reading else "labs"
    return Review(file.name, report.counts, batch, repeated, kind, raised=_raised(store, report))


def options_of(how: HowToRead, now: dt.datetime, on_step: Callable[[str], None] | None = None) -> import_files.Options:
    """The options of an import as a person states them on the page."""
    return import_files.Options(
        now_ms=to_ms(now),
        source=how.source or None,
        mapping=load_mapping(how.mapping) if how.mapping else None,
        patient_id=how.patient_id or None,
        encoding=how.encoding or None,
        date_format=how.date_format or None,
        timezone=how.timezone,
        closed_patient_list=how.closed_patient_list,
        max_rows=MAX_ROWS,
        on_step=on_step,
    )


def _asked_dates(observations: Sequence[Observation]) -> tuple[DateReading, ...]:
    """The ways to read the dates of a file whose order of day and month is not certain."""
    for asked in ASKED_DATES:
        held = (one.collected_text for one in observations if any(why.startswith(asked) for why in one.reasons))
        if found := date_readings(held, asked):
            return found
    return ()


def _raised(store: Store, report: import_files.ImportReport) -> tuple[Raised, ...]:
    with store.reading() as reader:
        numbers = reader.patient_numbers()
        names = {patient.patient_id: patient.name or patient.patient_id for patient in reader.patients()}
        stored = [reader.alert(alert.alert_id) or alert for alert in report.alerts]
    found = []
    for alert in sorted(stored, key=lambda alert: (bool(alert.muted_by), *urgency_of(alert))):
        if alert.patient_id not in numbers:  # a child of another ward, who is not shown here
            continue
        muted = f" (muted by {rule_words(alert.muted_by)})" if alert.muted_by else ""
        words = f"{names[alert.patient_id]}: {rule_words(alert.rule)} {alert.status}{muted}. {alert.text}"
        found.append(Raised(alert.alert_id, numbers[alert.patient_id], alert.severity, words))
    return tuple(found)

"""Import: a file in, every row with a fate, results, episodes, alerts and audit in one transaction; and undo."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from khemon.actions.doubts import hold_doubtful
from khemon.actions.permitted import permitted
from khemon.actions.recompute import recompute, ward_of
from khemon.actions.remembered import Remembered, read_as_remembered, with_remembered
from khemon.actions.review.undoing import acts_about
from khemon.actions.row_documents import event_row, fate_row, patient_row, result_row, time_text
from khemon.actions.without_number import settle_without_number
from khemon.importers import Mapping, Reading, ReadOptions, read
from khemon.models import Actor, Alert, Refused
from khemon.store import BatchRow, ImportMeta, ImportOutcome, Store, Writer, without_collection

#: The order in which fates are counted; `read` is their sum.
FATES = ("accepted", "review", "rejected", "duplicate", "conflict", "no_value", "ignored")
HELD = ("review", "rejected", "conflict")


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file and what to do with it."""

    now_ms: int
    source: str | None = None
    mapping: Mapping | None = None
    patient_id: str | None = None
    encoding: str | None = None
    date_format: str | None = None
    timezone: str | None = None
    on_conflict: Literal["hold", "supersede"] = "hold"
    #: Rows of an id that nobody has yet wait for a person; else they make a patient.
    closed_patient_list: bool = False
    max_rows: int | None = None
    #: The version of the laboratory's remembered mapping, where that is the mapping.
    mapping_version: int | None = None
    #: Told what comes now: reading, comparing, judging.
    on_step: Callable[[str], None] | None = None

    def step(self, word: str) -> None:
        """Tell whoever waits what comes now."""
        if self.on_step is not None:
            self.on_step(word)


@dataclass(frozen=True)
class ImportReport:
    """What became of a file: counts, the alerts it raised or moved, and on demand every row."""

    head: dict[str, Any]
    counts: dict[str, int]
    make_rows: Callable[[], list[dict[str, Any]]]
    alerts: list[Alert] = field(default_factory=list)
    #: What was read and in which zone its times are told; None where nothing was read because it is known already.
    reading: Reading | None = None
    zone: str = "UTC"

    @cached_property
    def document(self) -> dict[str, Any]:
        """The document of `import --json`."""
        return {**self.head, "counts": self.counts, "rows": self.make_rows()}

    @property
    def complete(self) -> bool:
        """Whether no row waits for a person."""
        return not any(self.counts[fate] for fate in HELD)


@permitted("import")
def preview(store: Store, actor: Actor, content: bytes, name: str, options: Options) -> ImportReport:
    """What a commit would do, row by row; nothing is kept."""
    return _import(store, actor, content, name, options, keep=False)


@permitted("import")
def commit(store: Store, actor: Actor, content: bytes, name: str, options: Options) -> ImportReport:
    """Import a file in one transaction. ImportProblem when it cannot be read: nothing changed then."""
    return _import(store, actor, content, name, options, keep=True)


def zone_for(store: Store | None, options: Options) -> str:
    """The store's time zone, or the one it gets now; Refused when there is none, or when it has another."""
    if store is None:
        return _zone(None, options)
    with store.reading() as reader:
        own = reader.setting("timezone")
    return _zone(own, options)


def _zone(own: str | None, options: Options) -> str:
    stated = options.timezone
    if own and stated and own != stated:
        raise Refused("--timezone", f"this store keeps {own}", f"leave it out, or use --timezone {own}")
    zone = own or stated or (options.mapping.timezone if options.mapping else None)
    if not zone:
        found = "this store has no time zone yet; a wrong one shifts every day count"
        raise Refused("time zone", found, "state it once with --timezone, for example --timezone Europe/Berlin")
    check_zone(zone)
    return zone


def check_zone(zone: str) -> None:
    """Refused for a name that is no time zone."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise Refused("time zone", f"{zone!r} is not known", "use a name such as Europe/Berlin or UTC") from error


@without_collection()
def _import(store: Store, actor: Actor, content: bytes, name: str, options: Options, *, keep: bool) -> ImportReport:
    options, kept = with_remembered(store, options)
    sha256 = hashlib.sha256(content).hexdigest()
    with store.reading() as reader:
        own, read_as = reader.setting("timezone"), (_source(options), _mapping_digest(options))
        anew = options.on_conflict == "supersede"
        first = reader.standing_batch(sha256, *read_as, supersede=anew) if keep else None
    zone = _zone(own, options)
    if first is not None:
        return _again(store, first, name, sha256, zone)
    options.step("reading")
    asked = _read_options(options, zone)
    reading = read_as_remembered(content, name, asked, kept) if kept else read(content, name, asked)
    options.step("comparing")
    meta = _meta(content, name, options, reading, actor, kept)
    outcome, alerts = record(store, meta, reading, options, zone, keep=keep)
    own_zone = (options.mapping.timezone if options.mapping else None) or zone
    return _report(meta, outcome, reading, own_zone, alerts, committed=keep)


@without_collection()
def record(
    store: Store, meta: ImportMeta, reading: Reading, options: Options, zone: str, *, keep: bool
) -> tuple[ImportOutcome, list[Alert]]:
    """What became of rows that were read, and the alerts they raised or moved; all of it in one transaction."""
    with store.writing(keep=keep) as writer:
        if not writer.setting("timezone"):
            writer.set_setting("timezone", zone)
            writer.audit(meta.actor, "set_timezone", "store", {"new": zone}, options.now_ms)
        hold_doubtful(writer, reading, zone, closed=options.closed_patient_list)
        settle_without_number(reading, writer, meta.source)
        outcome = writer.record_import(
            meta,
            observations=reading.observations,
            events=reading.events,
            patients=reading.patients,
            on_conflict=options.on_conflict,
        )
        options.step("judging")
        alerts = [] if outcome.repeated else _after(writer, outcome, meta, options.now_ms)
    return outcome, alerts


def _after(writer: Writer, outcome: ImportOutcome, meta: ImportMeta, now_ms: int) -> list[Alert]:
    """What follows from new rows, in the same transaction: audit, evaluation, alerts, revisions."""
    details = {"file": meta.file, "sha256": meta.sha256, "kind": meta.kind, "counts": outcome.counts}
    writer.audit(meta.actor, "import", f"batch {outcome.batch}", details, now_ms)
    moves = recompute(writer, outcome.patient_ids, now_ms, meta.actor)
    writer.bump_revisions(outcome.patient_ids)
    return [move.alert for move in moves if move.move in ("raise", "meet", "worsen")]


def _read_options(options: Options, zone: str) -> ReadOptions:
    return ReadOptions(
        timezone=zone,
        mapping=options.mapping,
        encoding=options.encoding,
        date_format=options.date_format,
        patient_id=options.patient_id,
        now_ms=options.now_ms,
        max_rows=options.max_rows,
    )


def read_as(store: Store, options: Options) -> tuple[str | None, str]:
    """What an import is known by besides its bytes: the laboratory, and a digest of how they are read."""
    options, _ = with_remembered(store, options)
    return _source(options), _mapping_digest(options)


def _source(options: Options) -> str | None:
    return options.source or (options.mapping.source if options.mapping else None)


def _mapping_digest(options: Options) -> str:
    """What decides how the same bytes are read, besides the bytes."""
    parts: tuple[str | None, ...] = (
        options.mapping.digest if options.mapping else "",
        options.patient_id,
        options.encoding,
        options.date_format,
    )
    if options.mapping_version is not None:
        # Another version may remember another layout by the same words: then rows have other fates.
        parts = (*parts, str(options.mapping_version))
    return hashlib.sha256(repr(parts).encode()).hexdigest() if any(parts) else ""


def _meta(
    content: bytes, name: str, options: Options, reading: Reading, actor: Actor, kept: Remembered | None
) -> ImportMeta:
    details: dict[str, Any] = {"encoding": reading.encoding, "layout": reading.layout, "notes": list(reading.notes)}
    if kept:
        details["mapping"] = {"source": kept.source, "version": kept.version}
    return ImportMeta(
        file=name,
        content=content,
        source=_source(options),
        mapping_digest=_mapping_digest(options),
        kind=reading.kind,
        format=reading.format,
        recorded_ms=options.now_ms,
        actor=actor,
        details=details,
    )


def _again(store: Store, first: BatchRow, name: str, sha256: str, zone: str) -> ImportReport:
    """The report for bytes that were imported before and still stand: every row is a duplicate; nothing is read."""
    total = int(first.counts["read"])
    counts = {"read": total} | dict.fromkeys(FATES, 0) | {"duplicate": total}
    head = {"file": name, "sha256": sha256, "format": first.format, "batch": first.batch, "committed": True}

    def rows() -> list[dict[str, Any]]:
        with store.reading() as reader:
            told = {"decision": "duplicate", "reasons": [f"same_file: imported before as batch {first.batch}"]}
            return [fate_row(fate, zone) | told for fate in reader.fates_of(first.batch)]

    return ImportReport({**head, "repeated": True}, counts, rows)


def _report(
    meta: ImportMeta, outcome: ImportOutcome, reading: Reading, zone: str, alerts: list[Alert], *, committed: bool
) -> ImportReport:
    def rows() -> list[dict[str, Any]]:
        found = [result_row(row, zone) for row in reading.observations]
        found += [event_row(row, zone) for row in reading.events]
        return found + [patient_row(row) for row in reading.patients]

    total = len(reading.observations) + len(reading.events) + len(reading.patients)
    counts = {"read": total} | {fate: int(outcome.counts.get(fate, 0)) for fate in FATES}
    head: dict[str, Any] = {"file": meta.file, "sha256": meta.sha256, "format": meta.format}
    head |= {"batch": outcome.batch if committed else None, "committed": committed, "notes": list(reading.notes)}
    return ImportReport(head, counts, rows, alerts, reading, zone)


@permitted("take_back")
def undo(store: Store, actor: Actor, batch: str, now_ms: int, reason: str = "") -> dict[str, Any]:
    """Take an import back by a compensating batch; what it had superseded stands again. Refused when it cannot be.

    What people decided about its rows goes with it, and is named under `acts`.
    """
    with store.writing() as writer:
        ward_of(writer)
        acts = acts_about(writer, batch)
        outcomes = [writer.record_undo(each, at_ms=now_ms, actor=actor) for each in (*acts, batch)]
        outcome, restored = outcomes[-1], sum(each.restored for each in outcomes)
        details = {"undone": batch, "by": outcome.batch, "restored": restored} | ({"acts": acts} if acts else {})
        details |= {"reason": reason} if reason else {}
        writer.audit(actor, "undo", f"batch {batch}", details, now_ms)
        patients = {patient_id for each in outcomes for patient_id in each.patient_ids}
        recompute(writer, patients, now_ms, actor)
        writer.bump_revisions(patients)
    document = {"batch": batch, "undone_by": outcome.batch, "patients": len(patients), "restored": restored}
    return document | ({"acts": acts} if acts else {})


@permitted("look")
def batches(store: Store, actor: Actor) -> dict[str, Any]:
    """The document of `batches --json`, newest last."""
    with store.reading() as reader:
        zone = reader.setting("timezone") or "UTC"
        rows = [
            {
                "batch": batch.batch,
                "file": batch.file,
                "sha256": batch.sha256,
                "source": batch.source,
                "recorded_at": time_text(batch.recorded_ms, zone),
                "undone": batch.undone,
                "counts": {"read": int(batch.counts.get("read", 0))}
                | {fate: int(batch.counts.get(fate, 0)) for fate in FATES},
            }
            for batch in reader.batches()
        ]
    return {"batches": rows}

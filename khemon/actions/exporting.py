"""Data out: one child whole, or the record of what was done. Every export is on record before it leaves."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from khemon.actions.permitted import permitted
from khemon.exporters.chart import Chart, Lab, canonical_files, workbook
from khemon.exporters.fhir import bundle_bytes
from khemon.exporters.tables import csv_bytes
from khemon.exporters.workbook import packed
from khemon.models import Actor, Alert, Refused
from khemon.rules.calendar import from_ms, to_ms
from khemon.settings import SYNTHETIC
from khemon.store import AuditRow, HeldRow, Reader, ResultRow, Store

AUDIT_COLUMNS = ("sequence", "at_ms", "actor", "actor_kind", "action", "object", "details", "previous_hash", "hash")
Files = dict[str, tuple[bytes, int]]
Form = Literal["csv", "xlsx", "fhir"]


@permitted("export")
def export_patient(
    store: Store, actor: Actor, patient_id: str, form: Form, place: Path, *, now: dt.datetime
) -> dict[str, Any]:
    """Writes a child into a new folder (csv) or a new file (xlsx, fhir): {"files": [{"file", "rows", "sha256"}]}.

    Refused for an unknown child, or where something is at that place. Files are for their owner alone.
    """
    with store.reading() as reader:
        chart = chart_of(reader, patient_id, now)
    files = canonical_files(chart) if form == "csv" else {place.name: whole_file(chart, form)}
    told = _told(files)
    refuse_existing(place)
    put_on_record(store, actor, "export_patient", f"patient {patient_id}", {"format": form, "files": told}, now)
    write_files(files, place, folder=form == "csv")
    return {"files": told}


@permitted("audit")
def export_audit(
    store: Store, actor: Actor, form: Literal["csv", "json"], place: Path, *, now: dt.datetime
) -> dict[str, Any]:
    """Writes the record of what was done, with its chain, into a new file: {"files": [...], "head"}."""
    refuse_existing(place)
    put_on_record(store, actor, "export_audit", f"file {place.name}", {"format": form}, now)
    with store.reading() as reader:
        rows = list(reader.audit_rows())
        sequence, head = reader.audit_head()
    values = [[getattr(row, name) for name in AUDIT_COLUMNS] for row in rows]
    if form == "csv":
        content = csv_bytes(AUDIT_COLUMNS, ([str(value) for value in row] for row in values))
    else:
        entries = [dict(zip(AUDIT_COLUMNS, row, strict=True)) for row in values]
        content = (json.dumps({"entries": entries}, ensure_ascii=False, indent=1) + "\n").encode()
    files = {place.name: (content, len(rows))}
    write_files(files, place, folder=False)
    return {"files": _told(files), "head": {"sequence": sequence, "hash": head}}


def put_on_record(store: Store, actor: Actor, action: str, what: str, told: dict[str, Any], now: dt.datetime) -> None:
    """Writes down who takes what along, before anything leaves."""
    with store.writing() as writer:
        writer.audit(actor, action, what, told, to_ms(now))


def _told(files: Files) -> list[dict[str, Any]]:
    return [
        {"file": name, "rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
        for name, (content, rows) in files.items()
    ]


def refuse_existing(place: Path) -> None:
    """Refused where something is at that place, or no folder to put it in."""
    if place.exists():
        raise Refused(place.name, "is there already", "choose another name: nothing is overwritten")
    if not place.parent.is_dir():
        raise Refused(place.name, "is in a folder that is not there", "make the folder first")


def write_files(files: Files, place: Path, *, folder: bool) -> None:
    """Writes new files for their owner alone. Refused where they cannot be written."""
    try:
        if folder:
            place.mkdir(mode=0o700)
        for name, (content, _) in files.items():
            path = place / name if folder else place
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
    except OSError as error:
        found = f"cannot be written ({error.strerror or type(error).__name__})"
        raise Refused(place.name, found, "check the folder and the room on the disk; remove what is there") from None


def whole_file(chart: Chart, form: Form) -> tuple[bytes, int]:
    """A child in one file, and how many rows it has: csv (the canonical files, packed), xlsx, or a FHIR bundle."""
    if form == "csv":
        files = canonical_files(chart)
        return packed({name: content for name, (content, _) in files.items()}), sum(rows for _, rows in files.values())
    if form == "xlsx":
        return workbook(chart)
    return bundle_bytes(chart), 1 + len(chart.labs) + len(chart.events)


def record_table(rows: Iterable[AuditRow]) -> tuple[bytes, int]:
    """Entries of the record as CSV, and how many they are."""
    cells = [[str(getattr(row, name)) for name in AUDIT_COLUMNS] for row in rows]
    return csv_bytes(AUDIT_COLUMNS, cells), len(cells)


def chart_of(reader: Reader, patient_id: str, now: dt.datetime) -> Chart:
    """Everything the store holds of one child. Refused for an unknown one."""
    patient = reader.patient(patient_id)
    if patient is None:
        raise Refused("patient", "there is no such patient in this store", "list all with: khemon status")
    zone = reader.setting("timezone") or "UTC"
    standing = reader.results_for([patient_id], all_analytes=True).result_id.tolist()
    rows = sorted(reader.result_details(standing, all_there=True).values())
    labs = [_lab(row, zone) for row in rows]
    labs += [_gap(row, zone) for row in reader.gaps_of(patient_id) if row.analyte and row.collected_ms is not None]
    waiting = [_waiting(patient_id, row, zone) for row in reader.held_of(patient_id)]
    alerts = [_alert(alert) for alert in reader.alerts(patient_ids=[patient_id])]
    return Chart(
        patient=patient,
        labs=labs,
        events=reader.events_for([patient_id]).events,
        waiting=waiting,
        alerts=alerts,
        exported_at=from_ms(to_ms(now), zone).isoformat(),
        synthetic=reader.setting(SYNTHETIC) is not None,
    )


def _time(ms: int | None, zone: str) -> str:
    return "" if ms is None else from_ms(ms, zone).isoformat()


def _lab(row: ResultRow, zone: str) -> Lab:
    return Lab(
        key=f"result-{row.result_id}",
        collected_at=_time(row.collected_ms, zone),
        analyte=row.analyte,
        comparator=row.comparator,
        value=row.canonical_value,
        unit=row.canonical_unit,
        text=row.text,
        unit_as_received=row.unit,
        status=row.status,
        quality=row.quality,
        timing=row.timing,
        specimen_id=row.specimen_id,
        comment=row.comment,
        resulted_at=_time(row.resulted_ms, zone) or None,
    )


def _gap(row: HeldRow, zone: str) -> Lab:
    return Lab(
        key=f"sample-{row.fate_id}",
        collected_at=_time(row.collected_ms, zone),
        analyte=str(row.analyte),
        comparator="",
        value=None,
        unit=row.unit,
        text=row.text,
        unit_as_received=row.unit,
        status=row.status or "final",
        quality=row.quality or "",
        timing="unknown",
        specimen_id=row.specimen_id,
    )


def _waiting(patient_id: str, row: HeldRow, zone: str) -> list[str]:
    at, reasons = _time(row.collected_ms, zone), "; ".join(row.reasons)
    return [patient_id, at, row.analyte or "", row.text, row.unit or "", row.decision, reasons]


def _alert(alert: Alert) -> list[str]:
    end = "" if alert.end is None else alert.end.isoformat()
    head = (str(alert.alert_id), alert.patient_id, alert.rule, alert.state, alert.severity, alert.onset.isoformat())
    return [*head, end, alert.text, alert.reason or "", alert.actor or ""]

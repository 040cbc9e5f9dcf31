"""Files that leave by a page: made and counted when somebody asks, on record then and again when they are fetched."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from khemon.actions.auditing import Wanted, wanted_rows, whole_record
from khemon.actions.exporting import Form, chart_of, record_table, whole_file
from khemon.actions.permitted import permitted
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store

#: Form to the ending of a file's name and its kind.
FORMS: dict[Form, tuple[str, str]] = {
    "csv": ("zip", "application/zip"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "fhir": ("json", "application/fhir+json"),
}
_CSV = "text/csv; charset=utf-8"
#: So much of a digest stands in a file's name.
_IN_NAME = 12


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that is ready to be fetched; its name says nothing of a child. about: what it is of, for the record."""

    name: str
    kind: str
    content: bytes
    rows: int
    sha256: str
    about: str


@permitted("export")
def prepare_chart(store: Store, actor: Actor, patient_id: str, layout: Form, *, now: dt.datetime) -> Prepared:
    """Everything about one child in one file. Refused for an unknown child."""
    with store.reading() as reader:
        chart = chart_of(reader, patient_id, now)
        number = reader.patient_numbers()[patient_id]
    content, rows = whole_file(chart, layout)
    ending, kind = FORMS[layout]
    made = _prepared(f"khemon-child-{number}", ending, kind, content, rows, f"patient {patient_id}")
    _note(store, actor, "export_patient", made, {"format": layout}, now)
    return made


@permitted("export")
def chart_fetched(store: Store, actor: Actor, patient_id: str, made: Prepared, *, now: dt.datetime) -> bytes:
    """The bytes, on record as fetched. Refused to whom may no longer."""
    _note(store, actor, "export_fetched", made, {}, now)
    return made.content


@permitted("audit")
def prepare_record(store: Store, actor: Actor, wanted: Wanted, *, now: dt.datetime) -> Prepared:
    """The entries that are wanted, with their chain, as CSV. Refused to whom sees some wards only."""
    whole_record(store, actor)
    with store.reading() as reader:
        content, rows = record_table(wanted_rows(reader, wanted))
    made = _prepared("khemon-record", "csv", _CSV, content, rows, "record")
    _note(store, actor, "export_audit", made, {"format": "csv"}, now)
    return made


@permitted("audit")
def record_fetched(store: Store, actor: Actor, made: Prepared, *, now: dt.datetime) -> bytes:
    """The bytes, on record as fetched. Refused to whom may no longer."""
    _note(store, actor, "export_fetched", made, {}, now)
    return made.content


def _prepared(name: str, ending: str, kind: str, content: bytes, rows: int, about: str) -> Prepared:
    sha256 = hashlib.sha256(content).hexdigest()
    return Prepared(f"{name}-{sha256[:_IN_NAME]}.{ending}", kind, content, rows, sha256, about)


def _note(store: Store, actor: Actor, action: str, made: Prepared, more: dict[str, str], now: dt.datetime) -> None:
    told = {**more, "files": [{"file": made.name, "rows": made.rows, "sha256": made.sha256}]}
    with store.writing() as writer:
        writer.audit(actor, action, made.about, told, to_ms(now))

"""Files with rows that wait for a person, brought to a real store, and what is decided about them."""

from __future__ import annotations

import datetime as dt

from khemon.actions.import_files import Options, commit
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store

NURSE = Actor(name="nurse", kind="local")
DOCTOR = Actor(name="doctor", kind="local")
NOW = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
HEAD = "patient_id,collected_at,analyte,value,unit"
MINUTE = dt.timedelta(minutes=1)


def labs(*lines: str, head: str = HEAD) -> bytes:
    return ("\n".join([head, *lines]) + "\n").encode()


def brought(store: Store, content: bytes, name: str = "labs.csv", *, now: dt.datetime = NOW, **options):
    """The document of the import."""
    asked = Options(now_ms=to_ms(now), timezone="UTC", **options)
    return commit(store, NURSE, content, name, asked).document


def waiting(store: Store) -> dict[str, int]:
    """Text of each row that waits to its number."""
    with store.reading() as reader:
        return {row.text: row.fate_id for row in reader.undecided()}


def held(store: Store) -> list[str]:
    """Texts on the ward list's account."""
    with store.reading() as reader:
        return [row.text for row in reader.held()]


def standing(store: Store, patient_id: str) -> list[tuple[str, str, str]]:
    """Analyte, value in the canonical unit and status of every version that stands of a patient's results."""
    with store.reading() as reader:
        return [
            (row.analyte, f"{row.comparator}{row.canonical_value}", row.status) for row in reader.results_of(patient_id)
        ]


def episodes(store: Store, patient_id: str) -> list[tuple[str, str]]:
    """Rule and status of every episode of a patient."""
    with store.reading() as reader:
        return [(one.episode.rule, one.episode.status) for one in reader.episodes([patient_id])]

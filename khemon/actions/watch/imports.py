"""The imports of a store, and its counters."""

from __future__ import annotations

from dataclasses import dataclass

from khemon.actions.permitted import permitted
from khemon.actions.watch.setting import Setting, setting_of
from khemon.figures.words import date_words, moment
from khemon.models import Actor
from khemon.store import Store


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One earlier import."""

    batch: str
    file: str
    recorded: str
    who: str
    counts: dict[str, int]
    undone: str


@permitted("look")
def imports(store: Store, actor: Actor) -> tuple[BatchLine, ...]:
    """Earlier imports, the newest first."""
    with store.reading() as reader:
        zone = setting_of(reader).zone
        return tuple(
            BatchLine(
                row.batch,
                row.file,
                date_words(moment(row.recorded_ms), zone),
                row.actor,
                dict(row.counts),
                f"{date_words(moment(row.undone_ms), zone)} by {row.undone_by}" if row.undone_ms is not None else "",
            )
            for row in reversed(reader.batches())
        )


@permitted("read_rules")
def setting(store: Store, actor: Actor) -> Setting:
    """Zone, protocol and whether the data are synthetic."""
    with store.reading() as reader:
        return setting_of(reader)


@permitted("read_rules")
def own_zone(store: Store, actor: Actor) -> str | None:
    """The zone the store was given, None when it has none yet."""
    with store.reading() as reader:
        return reader.setting("timezone")


@permitted("read_rules")
def revision(store: Store, actor: Actor, patient_id: str | None = None) -> int:
    """The ward's counter, or that of a patient: another number means that something changed."""
    with store.reading() as reader:
        return reader.revision() if patient_id is None else reader.patient_revision(patient_id)

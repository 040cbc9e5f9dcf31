"""A real store acted on like a ward, with the slow reading of section 4 following beside it."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
from collections.abc import Sequence

from khemon.actions.acknowledge import acknowledge, mark_seen
from khemon.actions.advance import advance
from khemon.actions.import_files import Options, commit, undo
from khemon.actions.live import built_in, record
from khemon.actions.recompute import recompute
from khemon.models import Actor, Alert, Refused
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests import reference
from tests.histories.pools import MINUTE
from tests.reference import Child, Event, Lab
from tests.reference import alerts as slowly
from tests.reference.alert_evidence import LISTED

NURSE = Actor(name="nurse", kind="local")
UNITS = {"platelets": "10*9/L", "fibrinogen": "g/L", "d_dimer": "mg/L{FEU}", "hemoglobin": "g/L"}


@dataclasses.dataclass
class Cot:
    """What the slow reading keeps of one child."""

    patient_id: str
    labs: dict[int, Lab] = dataclasses.field(default_factory=dict)
    events: dict[int, Event] = dataclasses.field(default_factory=dict)
    recorded_at: dict[int, dt.datetime] = dataclasses.field(default_factory=dict)
    ledger: slowly.Ledger = dataclasses.field(default_factory=slowly.Ledger)
    episodes: list[reference.Episode] = dataclasses.field(default_factory=list)
    record: slowly.Record | None = None


class ActingStore:
    """Acts go to the store and to the slow reading alike; after each the server looks at the clock."""

    def __init__(self, store: Store, zone: str, now: dt.datetime) -> None:
        self.store, self.zone, self.now = store, zone, now
        self.protocol = "ward"
        self.cots = {name: Cot(name) for name in ("P1", "P2")}
        self.batches: list[tuple[str, str, tuple[int, ...]]] = []
        self.rows = 0

    # ---- acts -------------------------------------------------------------------------------------------------

    def import_labs(self, patient_id: str, labs: Sequence[Lab]) -> None:
        """A file of results arrives."""
        self.now += MINUTE
        cot, own = self.cots[patient_id], []
        for lab in labs:
            self.rows += 1
            specimen = lab.specimen or f"S{self.rows}"
            own.append(dataclasses.replace(lab, row=self.rows, recorded=self.rows, specimen=specimen))
        lines = [lab_fields(patient_id, lab) for lab in own]
        batch = self._file("patient_id,collected_at,analyte,value,unit,specimen_id,status,quality", lines)
        cot.labs |= {lab.row: lab for lab in own}
        cot.recorded_at |= {lab.row: self.now for lab in own}
        self.batches.append((batch, patient_id, tuple(lab.row for lab in own)))
        self.look()

    def import_event(self, patient_id: str, event: Event) -> None:
        """A file with one event arrives."""
        self.now += MINUTE
        self.rows += 1
        end = "" if event.end is None else event.end.isoformat()
        line = (patient_id, event.kind, event.start.isoformat(), end)
        batch = self._file("patient_id,kind,start,end", [line])
        self.cots[patient_id].events[self.rows] = event
        self.batches.append((batch, patient_id, (self.rows,)))
        self.look()

    def _file(self, header: str, lines: Sequence[Sequence[str]]) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header.split(","), *lines])
        options = Options(now_ms=to_ms(self.now), timezone=self.zone, source=f"file {self.rows}")
        document = commit(self.store, NURSE, text.getvalue().encode(), "file.csv", options).document
        assert document["counts"]["accepted"] == len(lines), document
        return document["batch"]

    def undo(self, place: int) -> None:
        """An import is taken back, if the store allows it."""
        batch, patient_id, rows = self.batches[place]
        self.now += MINUTE
        try:
            undo(self.store, NURSE, batch, to_ms(self.now))
        except Refused:
            return
        del self.batches[place]
        cot = self.cots[patient_id]
        cot.labs = {row: lab for row, lab in cot.labs.items() if row not in rows}
        cot.events = {row: event for row, event in cot.events.items() if row not in rows}
        self.look()

    def pass_time(self, step: dt.timedelta) -> None:
        """The clock moves on."""
        self.now += step
        self.look()

    def open_page(self, patient_id: str) -> None:
        """Somebody opens a child's page."""
        self.pass_time(MINUTE)
        mark_seen(self.store, NURSE, patient_id, now=self.now)
        self.cots[patient_id].ledger.opened()

    def decide(self, alert: Alert, until: dt.timedelta | None, *, snooze: bool) -> bool:
        """Whether an alert could be acknowledged or snoozed; both sides agree on it."""
        self.pass_time(MINUTE)
        alert = next(each for each in self.alerts() if each.alert_id == alert.alert_id)
        end = None if until is None else self.now + until
        cot = self.cots[alert.patient_id]
        own = [each for each in self.alerts() if (each.patient_id, each.rule) == (alert.patient_id, alert.rule)]
        others = [each for each in cot.ledger.alerts if each.rule == alert.rule]
        other = others[[each.alert_id for each in own].index(alert.alert_id)]
        agreed = cot.ledger.acknowledge(other, cot.record, end, snooze=snooze)
        try:
            acknowledge(self.store, NURSE, alert.alert_id, "seen by the team", end, now=self.now, snooze=snooze)
        except Refused:
            assert not agreed, "the slow reading would have allowed it"
            return False
        assert agreed, "the slow reading would have refused it"
        return True

    def change_protocol(self) -> None:
        """The ward's numbers change to the trial's, or back."""
        self.now += MINUTE
        self.protocol = "trial" if self.protocol == "ward" else "ward"
        with self.store.writing() as writer:
            record(writer, built_in(self.protocol), "the ward decided so", NURSE, to_ms(self.now))
            recompute(writer, None, to_ms(self.now), NURSE)
        self.look()

    # ---- what is known ----------------------------------------------------------------------------------------

    def look(self) -> None:
        """The server looks at the clock, and the slow reading at each child."""
        with self.store.reading() as reader:
            if reader.setting("timezone") is None:
                return
        advance(self.store, to_ms(self.now))
        for cot in self.cots.values():
            labs, events, child = tuple(cot.labs.values()), tuple(cot.events.values()), Child(cot.patient_id)
            gap = reference.PROTOCOLS[self.protocol]
            cot.record = slowly.Record(labs, events, child, self.zone, cot.recorded_at, self.now)
            cot.episodes = reference.evaluate(labs, events, child, gap, self.zone, self.now)
            cot.ledger.look(cot.episodes, cot.record)

    def alerts(self) -> list[Alert]:
        """Every alert the store keeps, of rules 3.1 to 3.6, the first of each rule first."""
        with self.store.reading() as reader:
            return sorted(
                (each for each in reader.alerts() if each.rule in LISTED), key=lambda each: (each.rule, each.alert_id)
            )


def lab_fields(patient_id: str, lab: Lab) -> tuple[str, ...]:
    """One line of a file of results, in canonical units."""
    time, value = lab.collected_at.isoformat(), f"{lab.comparator}{lab.value}"
    unit = "mg/L" if lab.basis == "unknown" else UNITS[lab.analyte]
    return (patient_id, time, lab.analyte, value, unit, lab.specimen or "", lab.status, lab.quality)

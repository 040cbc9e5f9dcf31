"""The child of a timeline in a real store: everything is told by files and acts, as a ward would."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence

from khemon.actions.acknowledge import acknowledge, snooze
from khemon.actions.advance import advance
from khemon.actions.import_files import Options, commit, undo
from khemon.actions.recompute import episodes_at, setting_of, ward_of
from khemon.actions.timelines import Happening, Timeline
from khemon.alerts import LIVE
from khemon.models import Actor, Alert, Episode
from khemon.rules.calendar import from_ms
from khemon.store import Store
from khemon.units import ANALYTES

NURSE = Actor(name="nurse", kind="local")
LABS = ("patient_id", "collected_at", "analyte", "value", "unit", "specimen_id", "status", "quality", "timing")
EVENTS = ("patient_id", "kind", "start", "end", "dose")
PATIENTS = ("patient_id", "birth_date", "diagnosis", "day0", "followed_until", "sirolimus_target")


class StoredTimeline:
    """One child in a store of its own."""

    def __init__(self, timeline: Timeline, store: Store) -> None:
        self.timeline = timeline
        self.store = store
        self.now_ms = timeline.at_ms("0 00:00")
        self.batches: dict[str, str] = {}
        times = [self._clock(m) if m else "" for m in (timeline.day0, timeline.followed_until)]
        self._import(
            PATIENTS,
            [("P1", timeline.birth or "", timeline.diagnosis or "", *times, timeline.target or "")],
            "patients",
        )

    def happen(self, happening: Happening) -> None:
        self.now_ms = self.timeline.at_ms(happening.at)
        if happening.act is not None:
            self._act(*happening.act, happening)
        elif happening.taken_back is not None:
            undo(self.store, NURSE, self.batches[happening.taken_back], self.now_ms)
        elif happening.is_event:
            end = self._clock(happening.until) if happening.until else ""
            dose = "" if happening.dose is None else str(happening.dose)
            row = ("P1", happening.what, self._clock(happening.start or happening.at), end, dose)
            self.batches[happening.at] = self._import(EVENTS, [row], "events")
        else:
            zero_ms = self.timeline.at_ms("0 00:00")
            rows = []
            for lab in happening.labs(self.timeline.elapsed):
                taken_ms = zero_ms + int(lab.at.removesuffix(" min")) * 60_000
                taken = from_ms(taken_ms, self.timeline.timezone).isoformat()
                unit = lab.unit or ANALYTES[lab.analyte].canonical_unit
                told = (lab.specimen or "", lab.status, lab.quality, lab.timing)
                rows.append(("P1", taken, lab.analyte, lab.value, unit, *told))
            self.batches[happening.at] = self._import(LABS, rows, "labs")

    def clock(self, now_ms: int) -> None:
        self.now_ms = now_ms
        advance(self.store, now_ms)

    def alerts(self) -> list[Alert]:
        with self.store.reading() as reader:
            return sorted(reader.alerts(), key=lambda alert: alert.alert_id)

    def reasons(self) -> list[tuple[int, str]]:
        with self.store.reading() as reader:
            moves = {alert.alert_id: reader.alert_moves(alert.alert_id) for alert in reader.alerts()}
        told = [(move.at_ms, number, move.reason) for number, own in moves.items() for move in own if move.reason]
        return [(number, reason) for _, number, reason in sorted(told, key=lambda each: each[0])]

    def episodes(self) -> list[Episode]:
        with self.store.reading() as reader:
            by_patient, givens = episodes_at(reader, None, ward_of(reader), self.now_ms)
            self.setting = setting_of(ward_of(reader), givens, self.now_ms)
        return [episode for own in by_patient.values() for episode in own]

    def recorded_at(self, result_id: int) -> dt.datetime:
        return self.setting.recorded_at(result_id)

    def _clock(self, moment: str) -> str:
        return from_ms(self.timeline.at_ms(moment), self.timeline.timezone).isoformat()

    def _import(self, header: Sequence[str], rows: Sequence[Sequence[object]], name: str) -> str:
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        options = Options(
            now_ms=self.now_ms,
            timezone=self.timeline.timezone,
            source=name,
            on_conflict="supersede" if name == "events" else "hold",
        )
        report = commit(self.store, NURSE, text.getvalue().encode(), f"{name}.csv", options)
        assert report.complete, report.document
        return report.document["batch"]

    def _act(self, verb: str, rule: str, happening: Happening) -> None:
        [alert] = [each for each in self.alerts() if each.rule == rule and each.state in LIVE]
        until = None if happening.until is None else from_ms(self.timeline.at_ms(happening.until))
        act = acknowledge if verb == "acknowledge" else snooze
        now = from_ms(self.now_ms, self.timeline.timezone)
        act(self.store, NURSE, alert.alert_id, happening.because, until, now=now)

"""A reader that looks back: what was collected by a moment, as it was recorded by then or as it is recorded now."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from khemon.models import LASTING_EVENTS, Alert, Episode
from khemon.store.repository import records
from khemon.store.repository.bound import BoundReader
from khemon.store.repository.kept_reader import UNDECIDED
from khemon.store.repository.ledger import Ledger
from khemon.store.repository.reader import Reader
from khemon.store.repository.versions import Versions
from khemon.store.rows import BatchRow, EventColumns, HeldRow, LiveProtocol, MoveRow, ResultRow, StoredEpisode

#: Alerts as they stood at the moment, of alerts as they stand now and each one's whole log.
AlertsThen = Callable[[Reader, Sequence[Alert], dict[int, list[MoveRow]]], list[Alert]]


_EVER = sys.maxsize
#: Episodes as of the moment, sorted by patient, rule and onset; of all patients without ids.
EpisodesThen = Callable[[Reader, Sequence[str] | None], list[Episode]]


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the past. as_of_ms cuts by collection, known_at_ms by recording (None: by what is recorded now).

    What people and the clock did to alerts is always cut at as_of_ms. alerts_then, episodes_then: how they are told.
    """

    as_of_ms: int
    known_at_ms: int | None
    alerts_then: AlertsThen
    episodes_then: EpisodesThen


class PastReader(Reader):
    """One snapshot as of a moment. Accounts, rights and the store's own settings are those of today."""

    _moment: Moment

    def look_back(self, moment: Moment) -> None:
        """Cuts everything that is asked from here on at the moment."""
        self._moment = moment
        self._ledger = Ledger(self._connection, moment.known_at_ms)
        self._alerts: dict[tuple[str, ...] | None, list[Alert]] = {}

    def revision(self) -> int:
        """The same for every look at this moment, and never that of the present."""
        return -self._moment.as_of_ms - (0 if self._moment.known_at_ms is None else 1)

    def patient_revision(self, patient_id: str) -> int:
        return self.revision()

    def live_protocol(self) -> LiveProtocol | None:
        return next(iter(self.protocol_history()), None)

    def protocol_history(self) -> list[LiveProtocol]:
        history, cut = super().protocol_history(), self._moment.known_at_ms
        by_then = [row for row in history if cut is None or row.at_ms <= cut]
        # Before the first evaluation the store was judged by nothing else than what it then put on record.
        return by_then or history[-1:]

    def results_of(self, patient_id: str, *, undone: bool = False) -> list[ResultRow]:
        rows, cut = super().results_of(patient_id, undone=undone), self._moment.known_at_ms
        by_then = (row for row in rows if cut is None or row.recorded_ms <= cut)
        return [row for row in by_then if row.collected_ms <= self._moment.as_of_ms]

    def versions_of(self, patient_id: str) -> Versions:
        found, cut = super().versions_of(patient_id), self._moment.known_at_ms
        by_then = found if cut is None else found.only(found.recorded_ms <= cut)
        return by_then.only(by_then.collected_ms <= self._moment.as_of_ms)

    def events_for(self, patient_ids: Sequence[str] | None = None, *, known_at_ms: int | None = None) -> EventColumns:
        found, at_ms = super().events_for(patient_ids, known_at_ms=known_at_ms), self._moment.as_of_ms
        if self._moment.known_at_ms is not None:
            return found  # what was planned then is known, and an end that was known belongs to it
        begun = np.flatnonzero(found.start <= at_ms)
        lasts = (found.kind < len(LASTING_EVENTS)) & (found.end > at_ms)
        return EventColumns(
            patient_ids=found.patient_ids,
            patient=found.patient[begun],
            kind=found.kind[begun],
            start=found.start[begun],
            end=np.where(lasts, -1, found.end)[begun],
            event_id=found.event_id[begun],
            events=[
                found.events[at].model_copy(update={"end": None}) if lasts[at] else found.events[at] for at in begun
            ],
        )

    def undecided(
        self, decisions: tuple[str, ...] = UNDECIDED, patient_no: int | None = None, known_at_ms: int | None = None
    ) -> list[HeldRow]:
        rows, at_ms = super().undecided(decisions, patient_no, known_at_ms), self._moment.as_of_ms
        return [row for row in rows if row.collected_ms is None or row.collected_ms <= at_ms]

    def batches(self, format: str | None = None) -> list[BatchRow]:
        cut = self._ledger.cut()
        return [row for row in super().batches(format) if cut is None or row.recorded_ms <= cut]

    def patients_with(self, rule: str, status: str | None = None) -> list[str] | None:
        return None  # what is stored is what the rules say now

    def episodes(self, patient_ids: Sequence[str] | None = None, *, open_only: bool = False) -> list[StoredEpisode]:
        """What the rules said of the moment, judged anew: what is stored is what they say now. Without numbers."""
        told = self._moment.episodes_then(self, patient_ids)
        return [StoredEpisode(0, each) for each in told if each.end is None or not open_only]

    def alerts(self, states: Sequence[str] | None = None, patient_ids: Sequence[str] | None = None) -> list[Alert]:
        """Alerts as they stood at the moment."""
        asked = None if patient_ids is None else tuple(patient_ids)
        if asked not in self._alerts:
            log: dict[int, list[MoveRow]] = defaultdict(list)
            for _, move in records.alert_log(self._connection, _EVER):
                log[move.alert_id].append(move)
            self._alerts[asked] = self._moment.alerts_then(self, super().alerts(None, patient_ids), log)
        return [alert for alert in self._alerts[asked] if states is None or alert.state in states]

    def alert(self, alert_id: int) -> Alert | None:
        now = super().alert(alert_id)
        own = [] if now is None else self.alerts(None, [now.patient_id])
        return next((alert for alert in own if alert.alert_id == alert_id), None)

    def alert_moves(self, alert_id: int) -> list[MoveRow]:
        return [move for move in super().alert_moves(alert_id) if move.at_ms <= self._moment.as_of_ms]

    def alert_log(self, before_ms: int) -> list[tuple[str, MoveRow]]:
        return super().alert_log(min(before_ms, self._moment.as_of_ms + 1))

    def seen_at(self, kind: str, object_id: Any, actor: str | None = None) -> int | None:  # noqa: ANN401
        """When it was last opened by the moment, as far as the first and the last time tell."""
        rows = records.seen_rows(self._connection, kind, str(object_id), actor)
        times = [at for row in rows for at in (row.first_ms, row.last_ms) if at <= self._moment.as_of_ms]
        return max(times, default=None)


class PastBoundReader(BoundReader, PastReader):
    """The same for a person bound to wards."""

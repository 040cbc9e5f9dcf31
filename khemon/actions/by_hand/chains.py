"""What became what: versions of a result, corrections by hand one after the other, and who made them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from zoneinfo import ZoneInfo

from khemon.actions.by_hand.checks import zone_of
from khemon.models import Refused
from khemon.rules.calendar import from_ms
from khemon.store import BatchRow, Reader, ResultRow, RowDecision, batch_of

SET_OUT = ("voided", "edited")


class Chains:
    """The standing decisions of people about rows, read once, and the batches they and the rows came in."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._decisions: dict[int, RowDecision] = reader.decisions(SET_OUT)

    @cached_property
    def _batches(self) -> dict[int, BatchRow]:
        return self._reader.imports_by_number()

    def batch(self, row_id: int) -> BatchRow:
        """The batch that brought a row."""
        return self._batches[batch_of(row_id)]

    def who(self, row_id: int) -> str:
        """Who brought a row, and when."""
        return self._by(self.batch(row_id))

    def decision(self, row_id: int) -> RowDecision | None:
        """What a person decided about a row, if anything."""
        return self._decisions.get(row_id)

    def decided_by(self, decision: RowDecision) -> str:
        """Who decided, and when."""
        return self._by(self._batches[decision.batch_no])

    def _by(self, batch: BatchRow) -> str:
        zone = zone_of(self._reader)
        at = from_ms(batch.recorded_ms, zone).astimezone(ZoneInfo(zone))
        return f"{batch.actor}, {at:%Y-%m-%d %H:%M}"

    def refuse_changed(self, where: str, row_id: int) -> None:
        """Refused, naming who and when, for a row that somebody corrected or set out since it was shown."""
        decision = self.decision(row_id)
        if decision is not None:
            did = "corrected" if decision.verdict == "edited" else "set out as entered in error"
            raise Refused(where, f"it was {did} since ({self.decided_by(decision)})", "look at what is stored now")

    def source_of(self, row: ResultRow) -> str | None:
        """The laboratory that a result came from."""
        return self.batch(row.result_id).source

    def versions(self, row: ResultRow) -> list[ResultRow]:
        """The standing rows of the same result: same source, and the same specimen or else the same time."""
        own = row.specimen_id or row.collected_ms
        return [
            other
            for other in self._reader.results_of(row.patient_id)
            if other.analyte == row.analyte
            and other.result_id != row.result_id
            and (other.specimen_id or other.collected_ms) == own
            and self.source_of(other) == self.source_of(row)
            and self.decision(other.result_id) is None
        ]

    def behind(self, rows: Iterable[int]) -> set[int]:
        """These rows and all that became them by corrections, however often."""
        found, new = set(rows), set(rows)
        while new:
            new = {row for row, decision in self._decisions.items() if decision.became in new} - found
            found |= new
        return found

"""Observations of a long file as columns: its rows repeat each other, and an object is made when one is asked for."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import overload

from khemon.importers.staging import Observation

#: In `what`: the row says something of its own, and stands in `own`.
OWN = -1


class InColumns(Sequence[Observation]):
    """Observations in the order of their rows; one that was asked for is kept, so that it can be brought up to date.

    Row `place` stands on the line `lines[place]` and says `said[what[place]]` of the patient `patients[who[place]]` at
    the time `times_ms[when[place]]`, written as `times[when[place]]`. `own` are the rows that say anything else, and
    those that were asked for.
    """

    def __init__(self) -> None:
        self.lines = array("i")
        self.who = array("i")
        self.when = array("i")
        self.what = array("i")
        self.patients: list[str] = []
        self.times: list[str] = []
        self.times_ms: list[int] = []
        self.said: list[Observation] = []
        self.specimens: list[str | None] | None = None
        self.own: dict[int, Observation] = {}

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, place: int) -> Observation: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Observation]: ...
    def __getitem__(self, place: int | slice) -> Observation | Sequence[Observation]:
        """A row, which is kept; what is done to it holds."""
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        place = range(len(self))[place]
        found = self.own.get(place)
        if found is None:
            found = self.own[place] = self.seen(place)
        return found

    def __iter__(self) -> Iterator[Observation]:
        return (self[place] for place in range(len(self)))

    def seen(self, place: int) -> Observation:
        """A row that is only looked at: what is done to it does not hold, unless it was asked for before."""
        found = self.own.get(place)
        if found is not None:
            return found
        said, moment = self.said[self.what[place]], self.when[place]
        return replace(
            said,
            row=self.lines[place],
            patient_id=self.patients[self.who[place]],
            collected_ms=self.times_ms[moment],
            collected_text=self.times[moment],
            specimen_id=self.specimens[place] if self.specimens else None,
            reasons=list(said.reasons),
        )

    def take(self, rows: Mapping[int, Observation]) -> None:
        """Puts rows where they belong that say something of their own."""
        self.own.update(rows)

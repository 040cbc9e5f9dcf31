"""What a person asks of the cohort, and the cohort that answers it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.actions.cohort import Cohort, Selection, of_store
from khemon.actions.cohort.asking import told
from khemon.actions.live import built_in
from khemon.figures.words import date_words, day_words
from khemon.rules import Protocol
from khemon.rules.calendar import from_ms, to_ms
from khemon.store import Reader

_DAY, _LAST = dt.timedelta(days=1), dt.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class CohortQuestion:
    """Who is in and in which groups; as of the end of a day of the ward, else now; by the trial's gaps or the ward's.

    at: as of this moment (aware) instead. known_at_ms: only what was recorded by then. protocol: instead of both.
    """

    selection: Selection
    as_of: dt.date | None = None
    by_trial: bool = False
    at: dt.datetime | None = None
    known_at_ms: int | None = None
    protocol: Protocol | None = None

    def moment(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """The moment the cohort is told as of; never later than now."""
        if self.at is not None:
            return min(now, self.at)
        if self.as_of is None:
            return now
        return min(now, dt.datetime.combine(self.as_of + _DAY, dt.time(), zone) - _LAST)

    def when(self, now: dt.datetime, zone: ZoneInfo) -> str:
        """The same in words."""
        moment = self.moment(now, zone)
        by_day = self.as_of is not None and self.at is None and moment != now
        told = f"the end of {day_words(moment.astimezone(zone).date())}" if by_day else date_words(moment, zone)
        if self.known_at_ms is None:
            return told
        return f"{told}, of what was recorded until {date_words(from_ms(self.known_at_ms, 'UTC'), zone)}"


def answered(reader: Reader, question: CohortQuestion, now: dt.datetime) -> Cohort:
    """The cohort of one snapshot. Refused without a time zone, or without patients."""
    protocol = built_in("trial") if question.by_trial else question.protocol
    gathered = of_store(reader, question.known_at_ms, protocol)
    return told(gathered, question.selection, to_ms(question.moment(now, ZoneInfo(gathered.timezone))))


def whom_of(question: CohortQuestion, wards: Sequence[str]) -> str:
    """Who is in, in words; wards: those an account is bound to, whose children alone are counted."""
    seen = f"; only children this account may see (ward {' or '.join(wards)})" if wards else ""
    return question.selection.words + seen


def caption_of(cohort: Cohort, question: CohortQuestion, whom: str, now: dt.datetime) -> str:
    """Whom a figure shows, as of when, judged by what: stands on every one of them."""
    groups = cohort.chosen.groups
    count = sum(int(group.members.size) for group in groups)
    named = ", ".join(f"{group.name} {int(group.members.size)}" for group in groups)
    gathered = cohort.gathered
    when = question.when(now, ZoneInfo(gathered.timezone))
    children = "1 child" if count == 1 else f"{count} children"
    shown = f"Shown: {whom}; {children}{f' ({named})' if named else ''}."
    return f"{shown} As of {when}, by {gathered.protocol.called}."

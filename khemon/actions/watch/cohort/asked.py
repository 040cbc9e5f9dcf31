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
from khemon.rules.calendar import to_ms
from khemon.store import Reader

_DAY, _LAST = dt.timedelta(days=1), dt.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class CohortQuestion:
    """Who is in and in which groups; as of the end of a day of the ward, else now; by the trial's gaps or the ward's.

    compare: the two groups whose difference is told, where there are more than two.
    """

    selection: Selection
    as_of: dt.date | None = None
    by_trial: bool = False

    def moment(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """The moment the cohort is told as of; never later than now."""
        if self.as_of is None:
            return now
        return min(now, dt.datetime.combine(self.as_of + _DAY, dt.time(), zone) - _LAST)

    def when(self, now: dt.datetime, zone: ZoneInfo) -> str:
        """The same in words."""
        if self.as_of is None or self.moment(now, zone) == now:
            return date_words(now, zone)
        return f"the end of {day_words(self.as_of)}"


def answered(reader: Reader, question: CohortQuestion, now: dt.datetime) -> Cohort:
    """The cohort of one snapshot. Refused without a time zone, or without patients."""
    gathered = of_store(reader, None, built_in("trial") if question.by_trial else None)
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

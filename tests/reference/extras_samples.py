"""3.7 slowly: samples set aside, missing coagulation, levels against their band, questions beside results."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from .chart import SET_ASIDE, Chart, Moment, Reading, current_versions, open_at, utc
from .extras_courses import Drug
from .records import Episode, Lab
from .values import Answer, Interval, any_of, interval_of

HOURS_24 = dt.timedelta(hours=24)
HOURS_48 = dt.timedelta(hours=48)
WEEK = dt.timedelta(days=7)
SOFT = {
    "platelets": ("0.001", "1000"),
    "fibrinogen": ("0.2", "8"),
    "d_dimer": ("0.05", "100"),
    "hemoglobin": ("40", "240"),
    "sirolimus": ("0", "25"),
}
PRODUCTS = {
    "platelets": {"platelet_transfusion", "exchange_transfusion"},
    "fibrinogen": {"plasma", "cryoprecipitate", "fibrinogen_concentrate", "exchange_transfusion"},
    "hemoglobin": {"red_cell_transfusion", "exchange_transfusion", "active_bleeding"},
}
RANKS = ("note", "warning", "critical")


def value_of(lab: Lab) -> Interval:
    return interval_of(lab.comparator, lab.value, lab.basis)


def ratio_jump(now: Interval, before: Interval, falls_to: Decimal | None, rises_to: Decimal | None) -> bool:
    """Whether it fell below a part of the one before, or rose above a multiple, for certain."""
    fell = falls_to is not None and certainly_above(before, falls_to, now)
    rose = rises_to is not None and before.high is not None and certainly_above(now, 1 / Fraction(rises_to), before)
    return fell or rose


def certainly_above(more: Interval, part: Decimal | Fraction, less: Interval, by: int = 0) -> bool:
    """Whether a part of one value certainly lies above another by more than an amount; an open end is never reached."""
    if less.high is None:
        return False
    apart = Fraction(more.low) * Fraction(part) - Fraction(less.high) - by
    return apart > 0 or (apart == 0 and (more.low_open or less.high_open))


def moved(old: Interval, new: Interval, by: int) -> bool:
    """Whether it certainly rose or fell by more than an amount."""
    return certainly_above(new, Decimal(1), old, by) or certainly_above(old, Decimal(1), new, by)


def halved(old: Interval, new: Interval) -> bool:
    """Whether a count certainly fell by more than half from above 100."""
    return old.above(Decimal(100)) is True and ratio_jump(new, old, Decimal("0.5"), None)


#: By analyte: within which time, unless which events, from what to what.
JUMPS: dict[str, list[tuple[dt.timedelta, set[str], Callable[[Interval, Interval], bool]]]] = {
    "platelets": [
        (HOURS_48, set(), halved),
        (HOURS_24, PRODUCTS["platelets"], lambda old, new: certainly_above(new, Decimal(1), old, 100)),
    ],
    "fibrinogen": [
        (HOURS_24, PRODUCTS["fibrinogen"], lambda old, new: ratio_jump(new, old, Decimal("0.4"), Decimal("1.6")))
    ],
    "d_dimer": [(HOURS_24, set(), lambda old, new: ratio_jump(new, old, Decimal("0.1"), Decimal(10)))],
    "hemoglobin": [(HOURS_24, PRODUCTS["hemoglobin"], lambda old, new: moved(old, new, 25))],
}


class SampleRules:
    """The rules that results move. labs: all that were taken by now; standing: the usable ones before the closing."""

    def __init__(self, chart: Chart, labs: list[Lab], standing: list[Lab], louder: list[Episode]) -> None:
        self.chart = chart
        self.louder = louder
        self.standing = standing
        self.aside = [lab for lab in self._spoiled(labs) if utc(lab.collected_at) <= chart.last]
        self.drug = Drug(chart, "sirolimus")

    def _spoiled(self, labs: list[Lab]) -> list[Lab]:
        """The standing versions that were set aside."""
        groups: dict[tuple[object, ...], list[Lab]] = {}
        for lab in labs:
            key = ("time", utc(lab.collected_at)) if lab.specimen is None else ("specimen", lab.specimen)
            groups.setdefault((lab.analyte, *key), []).append(lab)
        top = [lab for group in groups.values() for lab in current_versions(group)]
        return [lab for lab in top if lab.status in ("preliminary", "final", "corrected") and lab.quality in SET_ASIDE]

    def episodes(self) -> list[Episode]:
        """All of them; those open at the closing end there."""
        found = [*self.unusable(), *self.missing(), *self.below(), *self.above()]
        for rule, asked in (("delta_check", self.jumped), ("implausible", self.odd), ("unit_suspect", self.factored)):
            found += self.questions(rule, asked)
        return self.chart.close(found)

    # Samples set aside

    def waits(self, analyte: str, moment: Moment) -> list[Lab]:
        """What was set aside of an analyte since its last usable result."""
        usable = [reading.time for reading in self.chart.readings[analyte] if moment.sees(reading.time)]
        last = max(usable, default=dt.datetime.min.replace(tzinfo=dt.UTC))
        own = [lab for lab in self.aside if lab.analyte == analyte and moment.sees(utc(lab.collected_at))]
        return [lab for lab in own if utc(lab.collected_at) > last]

    def unusable(self) -> list[Episode]:
        analytes = ("platelets", "fibrinogen", "hemoglobin")
        times = {utc(lab.collected_at) for lab in self.aside}
        times |= {reading.time for name in analytes for reading in self.chart.readings[name]}
        found: list[Episode] = []
        for time in sorted(times):
            waiting = any(self.waits(name, Moment(time)) for name in analytes)
            open_now = found and found[-1].end is None
            if waiting and not open_now:
                found.append(Episode("unusable_sample", "confirmed", time, time))
            elif open_now and not waiting:
                found[-1].end, found[-1].end_reason = time, "resolved"
        for episode in found:
            moment = Moment(self.chart.last) if episode.end is None else Moment(episode.end, inclusive=False)
            rows = [self.waits(name, moment) for name in analytes]
            again = any(len({utc(lab.collected_at) for lab in row}) >= 2 for row in rows)
            loud = any(self.alarming(lab) for row in rows for lab in row)
            episode.severity = "warning" if again or loud else "note"
        return found

    def alarming(self, lab: Lab) -> bool:
        """Whether the reported figure would meet a warning of 3.1 or a rule of 3.2 (or may, where that opens)."""
        value = value_of(lab)
        if lab.analyte == "fibrinogen":
            return value.below(Decimal("0.5")) is not False
        if lab.analyte == "hemoglobin":
            return value.below(Decimal(60)) is not False
        quiet = open_at(self.louder, Moment(utc(lab.collected_at)))
        return value.below(Decimal(30)) is not False or (value.below(Decimal(50)) is True and not quiet)

    # Missing coagulation

    def missing(self) -> list[Episode]:
        from .extras import stretches

        companions = ("fibrinogen", "d_dimer")
        times = {reading.time for name in ("platelets", *companions) for reading in self.chart.readings[name]}

        def lead(time: dt.datetime) -> Reading | None:
            return self.chart.latest("platelets", Moment(time))

        def answer(time: dt.datetime) -> Answer:
            count = lead(time)
            if count is None:
                return False
            seen = [
                any(count.time - HOURS_24 <= reading.time <= time for reading in self.chart.readings[name])
                for name in companions
            ]
            return False if all(seen) else count.value.below(Decimal(100))

        def severity(_: Episode, time: dt.datetime) -> str:
            count = lead(time)
            assert count is not None
            return "warning" if count.value.below(Decimal(30)) is True else "note"

        return stretches("coagulation_missing", [(time, answer(time)) for time in sorted(times)], severity)

    # Levels

    def levels(self) -> dict[dt.datetime, list[Lab]]:
        found: dict[dt.datetime, list[Lab]] = {}
        for lab in sorted(self.standing, key=lambda lab: utc(lab.collected_at)):
            if lab.analyte == "sirolimus" and lab.timing != "random":
                found.setdefault(utc(lab.collected_at), []).append(lab)
        return found

    @property
    def target(self) -> tuple[Decimal, Decimal]:
        return self.chart.child.target or (Decimal(10), Decimal(15))

    def below(self) -> list[Episode]:
        low = self.target[0]

        def judge(lab: Lab) -> tuple[Answer, str] | None:
            if not self.drug.on(utc(lab.collected_at)):
                return None
            answer = value_of(lab).below(low)
            return (answer if lab.timing == "trough" or answer is False else None), "note"

        stops = [stop for _, stop in self.drug.stretches() if stop is not None and stop <= self.chart.last]
        return self.banded("sirolimus_below_target", judge, stops, "note")

    def above(self) -> list[Episode]:
        high = self.target[1]
        far = max(high, Decimal(15))

        def judge(lab: Lab) -> tuple[Answer, str] | None:
            value = value_of(lab)
            answer = value.above(high)
            very = value.below(Decimal(20)) is False
            if lab.timing == "trough":
                return answer, "critical" if very else "warning"
            if answer is False:
                return False, "note"
            return None if value.above(far) is False else (None, "warning" if very else "note")

        return self.banded("sirolimus_above_target", judge, [], "warning")

    def banded(
        self, rule: str, judge: Callable[[Lab], tuple[Answer, str] | None], stops: list[dt.datetime], base: str
    ) -> list[Episode]:
        from .extras import stretches

        answers: dict[dt.datetime, Answer] = dict.fromkeys(stops, False)
        grave: dict[dt.datetime, str] = {}
        for time, labs in self.levels().items():
            judged = [said for said in map(judge, labs) if said is not None]
            if judged:
                answers[time] = any_of(answer for answer, _ in judged)
                said = [severity for answer, severity in judged if answer is not False]
                grave[time] = max(said, key=RANKS.index, default="note")

        def severity(episode: Episode, time: dt.datetime) -> str:
            least = base if episode.status == "confirmed" else "note"
            return max(grave[time], least, key=RANKS.index)

        return stretches(rule, sorted(answers.items()), severity)

    # Questions

    def questions(self, rule: str, asked: Callable[[str], set[dt.datetime]]) -> list[Episode]:
        """Open from a result that is asked about until the next of its analyte that is not."""
        marks = {name: asked(name) for name in SOFT}
        times = sorted({reading.time for name in SOFT for reading in self.chart.readings[name]})
        found: list[Episode] = []
        for time in times:
            latest = {name: self.chart.latest(name, Moment(time)) for name in SOFT}
            holds = any(reading is not None and reading.time in marks[name] for name, reading in latest.items())
            open_now = found and found[-1].end is None
            if holds and not open_now:
                found.append(Episode(rule, "confirmed", time, time))
            elif open_now and not holds:
                found[-1].end, found[-1].end_reason = time, "resolved"
        return found

    def pairs(self, analyte: str) -> list[tuple[Reading, Reading]]:
        readings = self.chart.readings[analyte]
        return list(pairwise(readings))

    def odd(self, analyte: str) -> set[dt.datetime]:
        low, high = map(Decimal, SOFT[analyte])
        readings = self.chart.readings[analyte]
        return {r.time for r in readings if r.value.below(low) is True or r.value.above(high) is True}

    def jumped(self, analyte: str) -> set[dt.datetime]:
        if analyte == "sirolimus":
            return self.jumped_troughs()
        return {time for kind in JUMPS[analyte] for time in self.first_to_jump(analyte, *kind)}

    def first_to_jump(
        self, analyte: str, within: dt.timedelta, kinds: set[str], jumped: Callable[[Interval, Interval], bool]
    ) -> set[dt.datetime]:
        """The first to have jumped from some result shortly before, unless an event of that time would explain it."""
        readings = self.chart.readings[analyte]

        def far(before: Reading, now: Reading) -> bool:
            return now.time - before.time <= within and jumped(before.value, now.value)

        return {
            now.time
            for place, now in enumerate(readings)
            if not self.between(kinds, now.time - within, now.time)
            and any(
                far(before, now) and not any(far(before, other) for other in readings[start + 1 : place])
                for start, before in enumerate(readings[:place])
            )
        }

    def between(self, kinds: set[str], first: dt.datetime, last: dt.datetime) -> bool:
        """Whether an event of one of the kinds touches the time between."""
        return any(
            event.kind in kinds
            and event.start <= last
            and ((event.kind == "active_bleeding" and event.end is None) or (event.end or event.start) >= first)
            for event in self.chart.events
        )

    def jumped_troughs(self) -> set[dt.datetime]:
        troughs = [lab for lab in self.standing if lab.analyte == "sirolimus" and lab.timing == "trough"]
        troughs.sort(key=lambda lab: (utc(lab.collected_at), lab.row))
        found = set()
        times = Counter(utc(lab.collected_at) for lab in troughs)
        for before, now in pairwise(troughs):
            first, last = utc(before.collected_at), utc(now.collected_at)
            if times[first] > 1 or times[last] > 1:
                continue
            changed = any(first < time <= last for time in self.drug.changes())
            old, new = value_of(before), value_of(now)
            fell = new.high is not None and certainly_above(old, Fraction(1, 3), new)
            if not changed and (fell or certainly_above(new, Fraction(1, 3), old)):
                found.add(last)
        return found

    def factored(self, analyte: str) -> set[dt.datetime]:
        found = set()
        for before, now in self.pairs(analyte):
            old, new = before.value, now.value
            exact = old.low == old.high and new.low == new.high and old.low > 0 and new.low > 0
            if not exact or now.time - before.time > WEEK:
                continue
            larger, smaller = max(old.low, new.low), min(old.low, new.low)
            near_two = analyte == "d_dimer" and abs(larger - 2 * smaller) <= smaller * 2 * Decimal("0.1")
            if near_two or any(larger == smaller * factor for factor in (10, 100, 1000)):
                found.add(now.time)
        return found

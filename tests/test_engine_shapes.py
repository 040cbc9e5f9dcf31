"""The shapes over every short row of answers there is, all of them patients of one block, against a plain reading."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from khemon.models import TIMINGS
from khemon.rules.episodes import Episodes, nothing
from khemon.rules.keys import FIRST_TIME, LAST_TIME, key_first, key_patient, key_time, keys, merged
from khemon.rules.logic import FALSE, TRUE, UNKNOWN
from khemon.rules.moments import Moments
from khemon.rules.points import Columns, Points
from khemon.rules.series import NONE, Events, Patients, Results, in_steps
from khemon.rules.shapes import holding, leading, starts_of
from khemon.rules.singles import Singles
from khemon.rules.spans import Spans, following, preceding
from khemon.rules.streaks import Streaks, runs


def rows_of(choices, longest):
    """Every row of these choices of at most that length, and the patient of each element of all."""
    rows = [row for length in range(1, longest + 1) for row in product(choices, repeat=length)]
    return rows, np.repeat(np.arange(len(rows)), [len(row) for row in rows])


def told(stretches):
    """Stretches as plain tuples."""
    columns = (stretches.first, stretches.confirmed, stretches.end, stretches.last)
    return [tuple(map(int, row)) for row in zip(*columns, strict=True)]


# ---- answers -------------------------------------------------------------------------------------------------


def held_plainly(row, begins):
    """Open at the first TRUE or UNKNOWN, confirmed at the first TRUE, ended by FALSE."""
    found, opened = [], None
    for at, answer in enumerate(row, start=begins):
        if opened is None and answer != FALSE:
            opened = (at, at if answer == TRUE else NONE)
        elif opened and answer == FALSE:
            found.append((*opened, at, at - 1))
            opened = None
        elif opened and answer == TRUE and opened[1] == NONE:
            opened = (opened[0], at)
    return [*found, (*opened, NONE, begins + len(row) - 1)] if opened else found


@pytest.mark.parametrize(("choices", "longest"), [((FALSE, TRUE, UNKNOWN), 5), ((FALSE, TRUE), 7), ((UNKNOWN,), 3)])
def test_a_point_holds_from_its_first_answer_that_is_not_no_to_the_next_no(choices, longest):
    rows, patient = rows_of(choices, longest)
    begins = np.flatnonzero(starts_of(patient))
    expected = [each for row, begin in zip(rows, begins, strict=True) for each in held_plainly(row, begin)]
    assert told(holding(np.array([answer for row in rows for answer in row], np.int8), patient)) == expected


#: An answer, whether UNKNOWN may open there, whether it ends a confirmed one.
LED = [
    (TRUE, False, False),
    (TRUE, True, False),
    (UNKNOWN, True, False),
    (UNKNOWN, False, False),
    (FALSE, True, False),
    (FALSE, False, True),
]


def led_plainly(row, begins):
    """As a point, but a confirmed one ends only where it is resolved, and not every UNKNOWN opens."""
    found, opened = [], None
    for at, (answer, can_open, resolving) in enumerate(row, start=begins):
        if opened is None and (answer == TRUE or (answer == UNKNOWN and can_open)):
            opened = (at, at if answer == TRUE else NONE)
        elif opened and (resolving if opened[1] != NONE else answer == FALSE):
            found.append((*opened, at, at - 1, opened[1] == NONE))
            opened = None
        elif opened and answer == TRUE and opened[1] == NONE:
            opened = (opened[0], at)
    return [*found, (*opened, NONE, begins + len(row) - 1, False)] if opened else found


def test_an_and_with_a_leading_analyte_opens_confirms_and_ends_as_it_reads():
    rows, patient = rows_of(LED, 5)
    begins = np.flatnonzero(starts_of(patient))
    expected = [each for row, begin in zip(rows, begins, strict=True) for each in led_plainly(row, begin)]
    answers, can_open, resolving = (np.array(column) for column in zip(*sum(rows, ()), strict=True))
    found, excluded = leading(answers.astype(np.int8), can_open, resolving, starts_of(patient))
    assert [(*each, out) for each, out in zip(told(found), excluded.tolist(), strict=True)] == expected


# ---- runs ----------------------------------------------------------------------------------------------------

#: Good or bad, days after the one before.
SEEN = [(good, days) for good in (True, False) for days in (0, 1, 2, 3)]
GAP, LASTS = 2, 2


def points_of(patient, day):
    """Points on calendar days, one after the other."""
    hour = np.arange(day.size)
    key = keys(patient, day * 1000 + hour - hour[np.flatnonzero(starts_of(patient))][patient])
    codes, value, none = np.zeros(day.size, np.int8), np.zeros(day.size), np.zeros(day.size, np.bool_)
    return Points(Columns(key, day.astype(np.int32), codes, value, value, none, none, True, hour, Moments(key)))


def runs_plainly(row, begins, samples):
    """Section 3.5, sample by sample."""
    found, run, low_before, stretch, day, last_day = [], None, False, None, 0, 0
    for at, (good, days) in enumerate(row, start=begins):
        day += days
        if not good:
            if run:
                found.append((*run[:2], at - 1, at, False, stretch))
            run, stretch, low_before = None, None, True
        elif low_before:
            stretch = at if stretch is None else stretch
            if run and run[1] == NONE and day - last_day > GAP:
                found.append((run[0], NONE, at - 1, NONE, True, stretch))
                run = None
            run = run or (at, NONE, day)
            if run[1] == NONE and day - run[2] >= LASTS and at - run[0] + 1 >= samples:
                run = (run[0], at, run[2])
        last_day = day
    return [*found, (*run[:2], begins + len(row) - 1, NONE, False, stretch)] if run else found


@pytest.mark.parametrize(("samples", "longest"), [(1, 4), (3, 4)])
def test_a_run_opens_breaks_is_cut_by_gaps_and_is_confirmed_as_it_reads(samples, longest):
    rows, patient = rows_of(SEEN, longest)
    # After a first bad one, so that there is something to run.
    rows = rows + [((False, 0), (True, 1), *row) for row in reversed(rows)]
    patient = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    begins = np.flatnonzero(starts_of(patient))
    expected = [each for row, begin in zip(rows, begins, strict=True) for each in runs_plainly(row, begin, samples)]
    day = np.concatenate([np.cumsum([days for _, days in row]) for row in rows])
    good = np.array([good for row in rows for good, _ in row])
    found = runs(Streaks.of(points_of(patient, day), good), LASTS, samples, GAP)
    columns = (found.first, found.confirmed, found.last, found.end, found.gap, found.stretch_first)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected


def test_a_streak_is_known_by_each_of_its_samples_and_by_when_it_has_lasted_so_long():
    rows, patient = rows_of(SEEN, 4)
    points = points_of(patient, np.concatenate([np.cumsum([days for _, days in row]) for row in rows]))
    good = np.array([good for row in rows for good, _ in row])
    streaks = Streaks.of(points, good)
    place = np.arange(good.size)
    number = streaks.number(place)
    assert (streaks.first.take(number) <= place).all()
    assert (place < streaks.stop.take(number)).all()
    # A day is 1000 here, and each sample one later than the one before it would be.
    for ms in (1000, 2001):
        time = points.time.tolist()
        expected = [
            next((at for at in range(first, stop) if time[at] - time[first] >= ms), NONE)
            for first, stop in zip(streaks.first.tolist(), streaks.stop.tolist(), strict=True)
        ]
        assert streaks.first_after(streaks.first, streaks.stop, ms).tolist() == expected


def test_without_a_stretch_there_is_no_run():
    points = points_of(np.array([0, 0, 1]), np.array([0, 5, 0]))
    found = runs(Streaks.of(points, np.array([True, True, False])), LASTS, 1, GAP)
    assert [column.size for column in (found.first, found.confirmed, found.last, found.end, found.gap)] == [0] * 5
    assert found.stretch_first.size == 0


# ---- stretches of time ---------------------------------------------------------------------------------------

#: Moments of two patients, and every stretch between two of the first one's.
TIMES = [-1, 0, 1, 2, 3]
ALONG = np.concatenate([keys(np.full(len(TIMES), patient), np.array(TIMES)) for patient in (1, 2)])
STRETCHES = [(start, stop) for start in range(4) for stop in range(start, 4)]


def spans_of(stretches, patient=1):
    start, stop = (np.array([each[side] for each in stretches], np.int64) for side in (0, 1))
    of = np.full(start.size, patient)
    return Spans.of(keys(of, start), keys(of, stop))


def covers(stretches):
    """Which of the moments lie in one of the stretches."""
    return [any(start <= time < stop for start, stop in stretches) for time in TIMES] + [False] * len(TIMES)


def test_stretches_cover_together_what_each_of_them_covers():
    for pair in product(STRETCHES, repeat=2):
        spans = spans_of(pair)
        assert spans.over(ALONG).tolist() == covers(pair), pair
        assert spans.size == spans.start.size
        assert (spans.start < spans.stop).all()
        assert (spans.start[1:] > spans.stop[:-1]).all()


def test_two_kinds_of_stretches_both_at_once_and_one_without_the_other():
    for one, other in product(STRETCHES, repeat=2):
        first, second = spans_of([one, (2, 3)]), spans_of([other])
        in_one, in_other = covers([one, (2, 3)]), covers([other])
        both = [a and b for a, b in zip(in_one, in_other, strict=True)]
        only = [a and not b for a, b in zip(in_one, in_other, strict=True)]
        assert first.within(second).over(ALONG).tolist() == both, (one, other)
        assert first.without(second).over(ALONG).tolist() == only, (one, other)
        assert (first.within(second).start < first.within(second).stop).all()


def test_no_stretch_covers_nothing():
    nothing = spans_of([])
    assert nothing.size == 0
    assert not nothing.over(ALONG).any()
    assert nothing.within(spans_of([(0, 2)])).size == nothing.without(nothing).size == 0


def test_the_next_and_the_last_of_some_keys_are_of_the_same_patient():
    for chosen in product((False, True), repeat=ALONG.size):
        some = ALONG[np.array(chosen)]
        told = some.tolist()
        for at, after, before in zip(ALONG, following(ALONG, some), preceding(ALONG, some), strict=True):
            own = [key for key in told if key_patient(np.int64(key)) == key_patient(at)]
            last = key_patient(at) * (1 << 43) + (1 << 43) - 1
            assert after == min((key for key in own if key > at), default=last)
            assert before == max((told.index(key) for key in own if key <= at), default=NONE)


# ---- keys and columns ----------------------------------------------------------------------------------------


def test_a_key_tells_patient_and_time_of_139_years_either_side_of_1970():
    times = np.array([FIRST_TIME, FIRST_TIME + 1, -1, 0, 1, LAST_TIME], np.int64)
    years = 1000 * 60 * 60 * 24 * 365.2425
    assert [round(time / years) for time in (FIRST_TIME, LAST_TIME)] == [-139, 139]
    for patient in (0, 1, 2**20 - 1):
        found = keys(np.full(times.size, patient), times)
        assert key_time(found).tolist() == times.tolist()
        assert key_patient(found).tolist() == [patient] * times.size
        assert key_first(found).tolist() == [int(found[0])] * times.size
        assert (np.diff(found) > 0).all()
    assert keys(np.array([1]), np.array([FIRST_TIME])) - keys(np.array([0]), np.array([LAST_TIME])) == 1


def test_sorted_keys_come_together_once():
    some, none = np.array([1, 3, 5], np.int64), np.zeros(0, np.int64)
    assert merged([some, np.array([3, 4], np.int64), none]).tolist() == [1, 3, 4, 5]
    assert merged([none, none]).tolist() == []


def test_values_become_whole_half_millionths_and_an_open_bound_lies_one_step_inside():
    exact = np.array([0.0, 0.5, 1.6, 250.0, 1000.0])
    assert in_steps(exact).tolist() == [0, 1_000_000, 3_200_000, 500_000_000, 2_000_000_000]
    below, above = np.nextafter(exact[1:], -np.inf), np.nextafter(exact, np.inf)
    assert in_steps(below).tolist() == [999_999, 3_199_999, 499_999_999, 1_999_999_999]
    assert in_steps(above).tolist() == [1, 1_000_001, 3_200_001, 500_000_001, 2_000_000_001]
    # Endless ones are larger than any value that is not refused, and still a number.
    assert in_steps(np.array([np.inf]))[0] > in_steps(np.array([1e6]))[0]


def test_columns_without_a_row_have_none():
    events, singles = Events.none(), Singles.none()
    columns = [events.patient, events.kind, events.start, events.end]
    columns += [getattr(singles, name) for name in Singles.__dataclass_fields__]
    columns += [getattr(nothing(99), name) for name in Episodes.__dataclass_fields__]
    assert [column.size for column in columns] == [0] * len(columns)
    assert Patients.unknown(2).birth_day.tolist() == [-(2**31)] * 2
    assert events.of("infection") is events


def test_rows_of_a_block_are_counted_from_its_first_patient():
    whole = np.arange(4, dtype=np.int64)
    codes, floats = whole.astype(np.int8), whole.astype(np.float64)
    ints = whole.astype(np.int32)
    results = Results(ints, whole, ints, codes, floats, floats, codes, codes, whole, whole)
    own = results.of_patients(2, slice(2, 4))
    assert own.patient.tolist() == [0, 1]
    assert [column.tolist() for column in own.arrays()[1:]] == [[2, 3]] * 9
    # Where no timing is told it is unknown.
    assert Singles.of(own, whole[2:]).timing.tolist() == [TIMINGS.index("unknown")] * 2
    events = Events(ints, codes, whole, whole, floats, whole).of_patients(1, slice(1, 3))
    assert events.patient.tolist() == [0, 1]
    rest = (events.kind, events.start, events.end, events.dose, events.dose_unit)
    assert [column.tolist() for column in rest] == [[1, 2]] * 5

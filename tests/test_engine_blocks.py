"""Where blocks end, in which order rows come, and what else lies in a block: none of it matters to any rule."""

from __future__ import annotations

import dataclasses
import itertools
import random

import numpy as np
import pytest

from khemon.rules import Episodes, Events, Patients, Results, evaluate, load_protocol, series
from khemon.rules.calendar import to_ms
from khemon.rules.episodes import Episodes as Columns
from khemon.rules.episodes import in_order, made
from khemon.rules.logic import FALSE, TRUE, UNKNOWN, all_true, any_true, verdicts
from khemon.rules.shapes import held, holding, last_where, next_where
from tests.columns import all_by_engine, columns, plain
from tests.drawn import HISTORIES
from tests.histories import make_history
from tests.histories.pools import ZONES
from tests.histories.treatment import treated

WARD = load_protocol("ward")
COUNT = max(HISTORIES // 500, 5)
#: Rules, and the children they speak of; the last one is 0 in two bytes.
AMONG_MANY = [(0, [0, 65_536]), (1, [1])]


def treated_children(seed, zone, count=COUNT):
    """Histories with treatment, all of one zone."""
    return [treated(make_history(seed + number, zone=zone, protocol="ward")) for number in range(count)]


def together(histories, zone, order=None):
    """What the engine says of each history when all are one batch."""
    moment = max(history.as_of for history in histories)
    results, events, patients = columns(histories, zone)
    results = results if order is None else results.take(order.permutation(results.time.size))
    found = evaluate(results, events, patients, WARD, zone, to_ms(moment))
    return plain(found, WARD, len(histories)), moment


@pytest.mark.parametrize("rows_in_a_block", [1, 7, 60, 1 << 17])
def test_every_rule_says_of_a_child_alone_what_it_says_among_others(seed, monkeypatch, rows_in_a_block):
    """A day 0, a closing or a course of another child never matters, wherever the blocks end."""
    monkeypatch.setattr(series, "BLOCK_ROWS", rows_in_a_block)
    for number, zone in enumerate(ZONES):
        histories = treated_children(seed + number * COUNT, zone)
        found, moment = together(histories, zone)
        alone = [all_by_engine(dataclasses.replace(history, as_of=moment), WARD) for history in histories]
        assert found == alone


def test_rows_in_order_and_in_any_order_give_the_same(seed):
    rng = np.random.default_rng(seed)
    for number, zone in enumerate(ZONES):
        histories = treated_children(seed + number * COUNT, zone)
        assert together(histories, zone, rng) == together(histories, zone)


def test_episodes_come_by_patient_rule_and_onset(seed, monkeypatch):
    monkeypatch.setattr(series, "BLOCK_ROWS", 60)
    histories = treated_children(seed, ZONES[0])
    found = evaluate(*columns(histories, ZONES[0]), WARD, ZONES[0])
    order = np.lexsort((found.onset, found.rule, found.patient))
    assert np.array_equal(order, np.arange(found.size))


def test_episodes_are_in_order_also_of_more_children_than_two_bytes_count():
    ward = [made(rule, np.array(of), *[np.zeros(len(of), np.int64)] * 3, *[np.int8(0)] * 3) for rule, of in AMONG_MANY]
    found = in_order(ward, 70_000)
    assert found.patient.tolist() == [0, 1, 65_536]
    assert found.rule.tolist() == [0, 1, 0]


def test_a_line_through_counts_is_the_same_wherever_a_block_begins(monkeypatch):
    """Times are differences of whole milliseconds: counts of another child, years before, do not round them."""
    # Over 28 days to the limit in 14 more, exactly: which side of it the last digit falls must not change.
    counts = [[(0, 0, last**3 / 1e4), (7, 0, 280.0), (14, 0, float(last))] for last in range(101, 250)]

    def moved(made):
        made["time"] += made["patient"] * 7_919_333

    data, patients = batch(counts, moved), Patients.unknown(len(counts))
    whole = evaluate(data, Events.none(), patients, WARD, "UTC")
    monkeypatch.setattr(series, "BLOCK_ROWS", 3)
    assert same(whole, evaluate(data, Events.none(), patients, WARD, "UTC"))


# ---- what only some data have --------------------------------------------------------------------------------


def a_course(rng, draws=60):
    """Exact final results of one child in order, all four analytes, most at the same times."""
    rows = []
    for draw in range(draws):
        level = rng.choice((5, 20, 45, 80, 99, 100, 130, 300))
        rows += [
            (draw, code, value)
            for code, value in enumerate((level, level / 60, 40 / level, 40 + level))
            if rng.random() < 0.8
        ]
    return rows


def batch(children, change=None):
    """Those children as columns; `change` may alter columns before they become results."""
    rows = [(patient, *row) for patient, child in enumerate(children) for row in child]
    patient, draw, analyte, value = (np.array(column) for column in zip(*rows, strict=True))
    day = 20_000 + draw.astype(np.int64) * 2
    made = {
        "patient": patient.astype(np.int32),
        "time": day * 86_400_000,
        "day": day.astype(np.int32),
        "analyte": analyte.astype(np.int8),
        "low": value.astype(float),
        "high": value.astype(float),
        "status": np.ones(patient.size, np.int8),
        "quality": np.zeros(patient.size, np.int8),
        "specimen": np.full(patient.size, -1, np.int64),
        "recorded": np.arange(patient.size),
    }
    if change is not None:
        change(made)
    return Results(**made)


def uncertain(made):
    """The last child's first result lies somewhere below a limit."""
    made["low"][made["patient"] == made["patient"][-1]] = 0


def not_final(made):
    made["status"][-1] = 0


def set_aside(made):
    made["quality"][-1] = 3


@pytest.mark.parametrize("change", [uncertain, not_final, set_aside])
def test_one_child_with_odd_results_does_not_change_what_is_said_of_the_others(seed, change):
    """Blocks in which every value is exact, final and usable take shorter ways."""
    rng = random.Random(seed)
    for _ in range(COUNT):
        children = [a_course(rng) for _ in range(4)]
        plainly = evaluate(batch(children), Events.none(), Patients.unknown(4), WARD, "UTC")
        oddly = evaluate(batch(children, change), Events.none(), Patients.unknown(4), WARD, "UTC")
        assert same(of_first(plainly, 3), of_first(oddly, 3))
        assert not same(plainly, oddly) or change is not uncertain


def of_first(found, patients):
    return found.take(found.patient < patients)


def same(one: Episodes, other: Episodes):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in Columns.__dataclass_fields__)


def test_one_row_alone_is_judged():
    found = evaluate(batch([[(0, 0, 20.0)]]), Events.none(), Patients.unknown(1), WARD, "UTC")
    said = {WARD.rule_names[rule] for rule in found.rule}
    assert {"thrombocytopenia", "severe_thrombocytopenia", "kmp", "coagulation_missing"} <= said


def test_children_may_stand_in_any_order():
    data, patients = batch([[(0, 0, 20.0)], [(0, 0, 40.0)], [(0, 3, 50.0)]]), Patients.unknown(3)
    found = evaluate(data, Events.none(), patients, WARD, "UTC")
    assert set(found.patient) == {0, 1, 2}
    for order in itertools.permutations(range(3)):
        assert same(evaluate(data.take(np.array(order)), Events.none(), patients, WARD, "UTC"), found)


# ---- kernels against their definition ------------------------------------------------------------------------


def test_next_and_last_are_what_a_loop_finds(seed):
    rng = random.Random(seed)
    for size in (0, 1, 2, 3, 9):
        for _ in range(30):
            mask = [rng.random() < 0.4 for _ in range(size)]
            after = [next((at for at in range(here, size) if mask[at]), size) for here in range(size)]
            before = [next((at for at in range(here, -1, -1) if mask[at]), -1) for here in range(size)]
            assert next_where(np.array(mask, bool)).tolist() == after
            assert last_where(np.array(mask, bool)).tolist() == before


def slowly_held(answers, patient):
    """first, confirmed, end, last of each stretch, one evaluation after the other."""
    found, now = [], None
    for at, answer in enumerate(answers):
        if now is not None and (patient[at] != patient[at - 1] or answer == FALSE):
            found.append((now[0], now[1], at if patient[at] == patient[at - 1] else -1, at - 1))
            now = None
        if answer != FALSE:
            now = now or [at, -1]
            now[1] = at if answer == TRUE and now[1] == -1 else now[1]
    return found if now is None else [*found, (now[0], now[1], -1, len(answers) - 1)]


@pytest.mark.parametrize("known", [(FALSE, TRUE), (FALSE, TRUE, UNKNOWN)])
def test_stretches_are_what_a_loop_finds(seed, known):
    """With answers that are all certain, and with others."""
    rng = random.Random(seed)
    for size in (0, 1, 2, 5, 12):
        for _ in range(60):
            answers = np.array([rng.choice(known) for _ in range(size)], np.int8)
            patient = np.sort(np.array([rng.randrange(3) for _ in range(size)], np.int64))
            found = holding(answers, patient)
            told = list(zip(*(getattr(found, name).tolist() for name in found.__dataclass_fields__), strict=True))
            assert told == slowly_held(answers, patient)
            assert held(answers, series.starts_of(patient)).first.tolist() == found.first.tolist()


def test_and_and_or_of_three_values_are_those_of_the_tables():
    codes = np.array([FALSE, TRUE, UNKNOWN], np.int8)
    one, other = (grid.ravel() for grid in np.meshgrid(codes, codes))
    both = [FALSE if FALSE in pair else UNKNOWN if UNKNOWN in pair else TRUE for pair in zip(one, other, strict=True)]
    either = [TRUE if TRUE in pair else UNKNOWN if UNKNOWN in pair else FALSE for pair in zip(one, other, strict=True)]
    assert all_true([one, other]).tolist() == both
    assert any_true([one, other]).tolist() == either


@pytest.mark.parametrize("test", ["<", ">", ">="])
def test_exact_values_get_the_verdict_of_intervals_without_a_width(test):
    values = np.array([99.0, np.nextafter(100.0, 0), 100.0, np.nextafter(100.0, 200), 101.0])
    assert verdicts(values, values, test, 100.0).tolist() == verdicts(values, values.copy(), test, 100.0).tolist()
    assert verdicts(np.array([99.0]), np.array([101.0]), test, 100.0).tolist() == [UNKNOWN]

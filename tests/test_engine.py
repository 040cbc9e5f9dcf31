"""The engine says what the slow reading of the definitions says, and explains itself by results that exist."""

from __future__ import annotations

import dataclasses
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from unittest import mock

import numpy as np
import pytest

from khemon.explain import explained
from khemon.explain.cases import run_case
from khemon.models import SEVERITIES, TIMINGS
from khemon.rules import (
    END_REASONS,
    NO_TIME,
    STATUS_WORDS,
    Episodes,
    Events,
    Patients,
    Results,
    evaluate,
    latest_time,
    load_protocol,
    prepare,
)
from khemon.rules.calendar import to_ms
from khemon.rules.cases import Case, cases_for
from tests import reference
from tests.columns import columns
from tests.drawn import HISTORIES, PROTOCOLS, FromHistory, by_engine, by_reference, drawn, in_words
from tests.histories import make_history
from tests.histories.treatment import treated

PARTS = 10
SHARE = HISTORIES // PARTS


@pytest.mark.parametrize("part", range(PARTS))
def test_the_engine_says_what_the_slow_reading_says(seed, part):
    wrong = [
        history.seed
        for history in drawn(seed, SHARE, part * SHARE)
        if by_engine(history) != [episode.verdict for episode in by_reference(history)]
    ]
    assert not wrong, f"{len(wrong)} of {SHARE} differ; the first one is make_history({wrong[0]})"


@pytest.mark.parametrize("part", range(2))
def test_every_episode_can_be_explained_by_results_that_exist(seed, part):
    count = SHARE // 2
    for history in drawn(seed, count, part * count):
        rows = {lab.row: lab for lab in history.labs}
        for told, read in zip(in_words(history), by_reference(history), strict=True):
            named = {(item.role, item.result_id) for item in told.evidence}
            assert {result_id for _, result_id in named} <= set(rows), history.seed
            # Of equal results at one time either may be named, so results are compared by what they say.
            said = {(role, what(rows[result_id])) for role, result_id in named}
            wanted = {(role, what(rows[row])) for role, found in read.rows.items() for row in found}
            assert wanted <= said, f"make_history({history.seed}): {told.rule} at {told.onset}"


def what(lab):
    """A result as a rule sees it."""
    return lab.analyte, lab.collected_at, reference.interval_of(lab.comparator, lab.value, lab.basis)


ADVICE = re.compile(r"\b(give|order|repeat|start|stop|increase|reduce|dose|should|must|recommend\w*)\b", re.IGNORECASE)


def test_a_sentence_has_a_number_or_an_event_and_no_advice(seed):
    for history in drawn(seed, SHARE // 2):
        for episode in in_words(history):
            assert not ADVICE.search(episode.text), episode.text
            assert re.search(r"\d", episode.text), episode.text
            assert not re.search(r"None|nan|  |: ;|; ;|[;:,]$", episode.text), episode.text
            assert episode.text[0] == episode.text[0].upper()


def test_what_is_missing_is_said_and_what_is_not_counted_is_never_called_missing(seed):
    labels = {"platelets": "latelets", "fibrinogen": "ibrinogen", "d_dimer": "D-dimer"}
    seen = set()
    for history in drawn(seed, SHARE):
        for episode in in_words(history):
            if episode.rule in ("kmp", "consumptive_coagulopathy") and episode.status == "possible":
                told = episode.text.split(" not measured within 24 h")[0] if "not measured" in episode.text else ""
                listed = told.split("; ")[-1]
                assert [name for name, label in labels.items() if label in listed] == sorted(
                    episode.missing, key=list(labels).index
                ), episode.text
                seen.add(bool(episode.missing))
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("labs", "events", "last"),
    [
        ([["platelets", "0 d", "8"]], [["active_bleeding", "1 d", "9 d"]], "1 d"),
        ([["platelets", "0 d", "8"], ["fibrinogen", "1 d 5 h", "2"]], [["active_bleeding", "1 d"]], "1 d 5 h"),
        ([["platelets", "0 d", "8"]], [["active_bleeding", "6 h", "9 h"]], "9 h"),
        ([["platelets", "0 d", "40"]], [["active_bleeding", "6 h", "9 h"]], "6 h"),
    ],
)
def test_a_criterion_was_last_looked_at_with_its_latest_result_or_event(labs, events, last):
    """Up to now while it is open; up to just before its end afterwards."""
    told = {"rule": "plasma_criterion", "name": "one", "kind": "event", "labs": labs, "events": events}
    case = Case.model_validate({**told, "as_of": "2 d", "expect": []})
    [episode] = run_case(case)
    assert to_ms(episode.last_input_at) == case.at_ms(last)


# ---- the doors of the engine ---------------------------------------------------------------------------------


def test_without_a_time_it_looks_at_the_latest_time_of_the_input(seed):
    for history in drawn(seed, 50):
        results, events, patients = columns([history], history.zone)
        protocol = PROTOCOLS[history.protocol]
        latest = reference.latest_time(history.labs, history.events)
        assert latest_time(results, events) == to_ms(latest)
        without = evaluate(results, events, patients, protocol, history.zone)
        assert same(without, evaluate(results, events, patients, protocol, history.zone, to_ms(latest)))


def same(one, other):
    """Whether two columns of episodes are equal."""
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)


def no_results():
    """Columns without a row."""
    types = (np.int32, np.int64, np.int32, np.int8, np.float64, np.float64, np.int8, np.int8, np.int64, np.int64)
    return Results(*(np.zeros(0, kind) for kind in types))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_no_results_and_no_events_give_no_episodes(count):
    found = evaluate(no_results(), Events.none(), Patients.unknown(count), PROTOCOLS["ward"], "UTC")
    assert found.size == 0


def test_the_columns_of_episodes_keep_their_types():
    found = evaluate(no_results(), Events.none(), Patients.unknown(1), PROTOCOLS["ward"], "UTC")
    [history] = drawn(7, 1)
    other = evaluate(*columns([history], "UTC"), PROTOCOLS["ward"], "UTC")
    assert other.size
    for name in found.__dataclass_fields__:
        assert getattr(found, name).dtype == getattr(other, name).dtype, name


def test_the_input_is_left_as_it_was(seed):
    [history] = drawn(seed, 1)
    given = columns([history], history.zone)
    before = [array.copy() for part in given for array in (getattr(part, n) for n in part.__dataclass_fields__)]
    evaluate(*given, PROTOCOLS[history.protocol], history.zone)
    after = [array for part in given for array in (getattr(part, n) for n in part.__dataclass_fields__)]
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(before, after, strict=True))


def test_analytes_without_a_rule_are_ignored(seed):
    [history] = drawn(seed, 1)
    results, events, patients = columns([history], history.zone)
    protocol = PROTOCOLS[history.protocol]
    before = evaluate(results, events, patients, protocol, history.zone)
    everything = results.take(np.tile(np.arange(results.time.size), 2))
    everything.analyte[results.time.size :] = 17
    assert same(before, evaluate(everything, events, patients, protocol, history.zone))


def test_it_runs_in_another_process_on_a_partition_by_patient(seed):
    histories = list(drawn(seed, 20, zone="Europe/Berlin", protocol="ward"))
    moment = max(to_ms(history.as_of) for history in histories)
    whole = evaluate(*columns(histories, "Europe/Berlin"), PROTOCOLS["ward"], "Europe/Berlin", moment)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        parts = [
            pool.submit(evaluate, *columns(part, "Europe/Berlin"), PROTOCOLS["ward"], "Europe/Berlin", moment)
            for part in (histories[:9], histories[9:])
        ]
        first, second = [part.result() for part in parts]
    assert first.size + second.size == whole.size
    for name in whole.__dataclass_fields__:
        moved = getattr(second, name) + (9 if name == "patient" else 0)
        assert np.array_equal(np.concatenate([getattr(first, name), moved]), getattr(whole, name)), name


def test_its_words_are_those_of_the_definitions():
    assert SEVERITIES == ("note", "warning", "critical")
    assert set(STATUS_WORDS) == {"possible", "confirmed", "provisional", "broken", "unproven", "suspected", "isolated"}
    told = {"resolved", "supported", "excluded", "broken", "gap", "ended", "isolated", "recovered", "observation_ended"}
    assert set(END_REASONS) - {""} == told


def test_columns_that_are_absent_are_unknown_for_all():
    histories = [treated(make_history(seed)) for seed in range(40)]
    results, events, patients = columns(histories, "UTC")
    bare = Patients(patients.birth_day)
    count = patients.birth_day.size
    nothing, none = np.full(count, NO_TIME), np.full(count, np.nan)
    told = Patients(patients.birth_day, nothing, nothing, none, none)
    columns_of_events = events.patient, events.kind, events.start, events.end
    no_dose, nan_dose = Events(*columns_of_events), Events(*columns_of_events, np.full(events.start.size, np.nan))
    one = evaluate(results, no_dose, bare, load_protocol(), "UTC")
    other = evaluate(results, nan_dose, told, load_protocol(), "UTC")
    for name in Episodes.__slots__:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_results_without_a_column_of_timings_are_of_unknown_timing():
    results, events, patients = columns([treated(make_history(seed)) for seed in range(40)], "UTC")
    unknown = dataclasses.replace(results, timing=np.full(results.time.size, TIMINGS.index("unknown"), np.int8))
    one = evaluate(dataclasses.replace(results, timing=None), events, patients, load_protocol(), "UTC")
    other = evaluate(unknown, events, patients, load_protocol(), "UTC")
    for name in Episodes.__slots__:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_a_pattern_without_a_severity_of_its_own_once_confirmed_keeps_one_severity():
    ward = load_protocol()
    plain_kmp = ward.rules["kmp"].model_copy(update={"severity_confirmed": None})
    protocol = ward.model_copy(update={"rules": ward.rules | {"kmp": plain_kmp}})
    [case] = [case for case in cases_for("kmp") if case.name == "all three just beyond their limits"]
    with mock.patch("khemon.rules.cases._protocol", lambda _: protocol):
        assert [episode.severity for episode in run_case(case)] == ["warning"]


def test_an_episode_that_is_not_wanted_in_words_comes_with_times_status_and_severity_alone():
    history = make_history(5)
    results, events, patients = columns([history], history.zone)
    protocol, as_of = load_protocol(), to_ms(history.as_of)
    found = evaluate(results, events, patients, protocol, history.zone, as_of)
    prepared = prepare(results, events, 1, protocol, as_of)
    shared = (found, prepared, patients, protocol, history.zone, ["child"], [False], FromHistory(history))
    bare, told = explained(*shared, np.zeros(found.size, np.bool_)), explained(*shared)
    assert bare
    assert [episode.text for episode in bare] == [""] * found.size
    kept = {"patient_id", "rule", "status", "severity", "onset", "confirmed_at", "end", "end_reason", "source"}
    assert [one.model_dump(include=kept) for one in bare] == [one.model_dump(include=kept) for one in told]

"""Laws of the endpoints, on children drawn at random: later data take nothing back, and nobody else matters."""

from __future__ import annotations

import dataclasses
from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from khemon.endpoints import REASONS, STATES, Group, catalog, endpoints_of, joined, platelets_by_week, tally
from khemon.rules.calendar import to_ms
from tests.endpoint_children import ZONE, Happening, Lab, Told, at, found, gathered, protocol

#: Each example evaluates several times.
SOME = settings(max_examples=max(settings().max_examples // 3, 5))
#: Days that lie about the limits of weeks, visits and gaps, and the rest.
DAYS = st.one_of(
    st.integers(-12, 75), st.sampled_from([84, 168, 319, 363, 364, 365, 409, 410, 714, 727, 728, 729, 742, 743])
)
COUNTS = st.sampled_from(["5", "<5", "30", "49", "50", "99", "99.9", "100", "150", ">90", "300"])
FIBRINOGENS = st.sampled_from(["0.4", "<0.5", "1.5", "1.6", "1.61", "2.4"])
KINDS = ["platelet_transfusion", "plasma", "prednisolone", "vincristine", "procedure", "other_drug", "discontinuation"]
KINDS += ["lesion_volume", "quality_of_life", "sequela", "sirolimus", "follow_up_end", "response_documented"]
NOTES = ["", "embolization", "propranolol", "lack of efficacy", "request", "MRI"]


@st.composite
def labs(draw):
    analyte = draw(st.sampled_from(["platelets"] * 5 + ["fibrinogen", "sirolimus"]))
    value = draw(
        {"platelets": COUNTS, "fibrinogen": FIBRINOGENS, "sirolimus": st.sampled_from(["9", "10", "16"])}[analyte]
    )
    status = draw(st.sampled_from(["final"] * 6 + ["preliminary"]))
    day = draw(st.one_of(DAYS, st.integers(22, 34)))
    return Lab(day + draw(st.sampled_from([0, 0.25])), value, analyte, status, timing="trough")


@st.composite
def happenings(draw):
    kind = draw(st.sampled_from(KINDS))
    start = draw(DAYS) + draw(st.sampled_from([0, 0.25]))
    end = start + draw(st.integers(1, 40)) if draw(st.booleans()) else None
    dose = draw(st.sampled_from([0.0, 10.0, 8.0, 2.5, 50.0, 54.5]))
    return Happening(kind, start, end, dose, draw(st.sampled_from(NOTES)), "cm3")


@st.composite
def run_of_counts(draw):
    """A stretch of counts on one side of 100, as children have them."""
    first, step = draw(st.integers(-4, 60)), draw(st.sampled_from([2, 7, 14, 15]))
    value = draw(st.sampled_from(["20", "150", "150", "150"]))
    return [Lab(first + step * place, value) for place in range(draw(st.integers(1, 8)))]


@st.composite
def children(draw):
    rows = [Lab(-2, "20"), *draw(st.lists(labs(), max_size=8))]
    rows += [lab for stretch in draw(st.lists(run_of_counts(), max_size=2)) for lab in stretch]
    arm = draw(st.sampled_from(["combination", "monotherapy", None]))
    stopped = draw(st.one_of(st.none(), st.integers(0, 400)))
    return Told(labs=rows, events=draw(st.lists(happenings(), max_size=5)), arm=arm, stopped=stopped)


def states(findings, place=0):
    return {name: STATES[own.state[place]] for name, own in findings.answers.items()}


def until(child: Told, day: float) -> Told:
    """What was known of a child on a day."""
    return dataclasses.replace(
        child,
        labs=[lab for lab in child.labs if lab.day <= day],
        events=[event for event in child.events if event.day <= day],
        stopped=child.stopped if child.stopped is not None and child.stopped <= day else None,
    )


BY_NAME = {endpoint.name for endpoint in catalog()}


@SOME
@given(children(), st.lists(st.integers(0, 70), min_size=4, max_size=4), DAYS)
def test_later_data_take_no_final_answer_back(child, days, late):
    final: dict[str, str] = {}
    for day in sorted({*days, 28, 31, max(late, 0)}):
        now = states(found(child, as_of=day))
        for name, state in final.items():
            assert now[name] == state, (name, day)
        final |= {name: state for name, state in now.items() if state in ("met", "not_met")}


@SOME
@given(children(), DAYS)
def test_as_of_a_day_equals_the_data_cut_on_that_day(child, day):
    day = max(day, 0)
    cut, whole = found(until(child, day), as_of=day), found(child, as_of=day)
    assert states(cut) == states(whole)
    assert cut.response.days.tolist() == whole.response.days.tolist()
    for one, other in zip(dataclasses.astuple(cut.treated), dataclasses.astuple(whole.treated), strict=True):
        assert one.tolist() == other.tolist()


@SOME
@given(children(), DAYS, DAYS)
def test_a_settled_count_of_a_week_never_changes(child, one, other):
    early, late = sorted((max(one, 0), max(other, 0)))
    before, after = (found(child, as_of=day).judged.counts for day in (early, late))
    settled = before.settled
    assert (after.settled | ~settled).all()
    assert np.array_equal(before.value[settled], after.value[settled], equal_nan=True)


@SOME
@given(children(), st.integers(0, 60))
def test_a_provisional_run_is_never_met_and_a_met_one_is_confirmed(child, day):
    findings = found(child, as_of=day)
    runs = findings.judged.platelets
    for week in (1, 2, 3, 4):
        answer = findings.answers[f"durable_response_week_{week}"]
        if STATES[answer.state[0]] == "met":
            assert runs.confirmed[0] <= day
            assert runs.confirmed[0] - runs.onset[0] >= 28
            assert runs.onset[0] <= 7 * week <= day
        if STATES[answer.state[0]] == "provisional":
            assert runs.open_onset[0] <= 7 * week


@SOME
@given(st.lists(children(), min_size=1, max_size=4), DAYS, st.randoms(use_true_random=False))
def test_neither_order_nor_the_other_children_matter(told, day, random):
    day = max(day, 0)
    alone = [states(found(child, as_of=day)) for child in told]
    order = list(range(len(told)))
    random.shuffle(order)
    mixed = []
    for place in order:
        rows, events = list(told[place].labs), list(told[place].events)
        random.shuffle(rows)
        random.shuffle(events)
        mixed.append(dataclasses.replace(told[place], labs=rows, events=events))
    together = found(*mixed, as_of=day)
    assert [states(together, order.index(place)) for place in range(len(told))] == alone


def flat(findings):
    """Every array of some findings, wherever it stands."""
    if isinstance(findings, np.ndarray):
        return [findings]
    values = findings.values() if isinstance(findings, dict) else (getattr(findings, f.name) for f in fields(findings))
    return [array for value in values for array in flat(value)]


@SOME
@given(st.lists(children(), min_size=2, max_size=4), DAYS)
def test_partitions_by_patient_joined_are_the_whole(told, day):
    day = max(day, 0)
    whole, parts = found(*told, as_of=day), [found(*told[:1], as_of=day), found(*told[1:], as_of=day)]
    for one, other in zip(flat(joined(parts)), flat(whole), strict=True):
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@SOME
@given(st.lists(children(), min_size=1, max_size=3), DAYS)
def test_rows_of_different_children_may_stand_in_any_order(told, day):
    whole = gathered(told)
    results = whole.results.take(np.arange(whole.results.time.size)[::-1])
    results = dataclasses.replace(results, recorded=whole.results.recorded)
    events = whole.happenings.take(np.arange(whole.happenings.events.start.size)[::-1])
    turned = dataclasses.replace(whole, results=results, happenings=events)
    as_of = to_ms(at(max(day, 0)))
    one, other = (endpoints_of(each, protocol(), ZONE, as_of) for each in (whole, turned))
    for name in one.answers:
        assert np.array_equal(one.answers[name].state, other.answers[name].state), name


@SOME
@given(st.lists(children(), min_size=1, max_size=4), DAYS)
def test_denominators_are_all_randomized_and_states_add_up(told, day):
    findings = found(*told, as_of=max(day, 0))
    group = Group("all", np.flatnonzero(findings.started))
    assert group.members.size == len(told)
    assert set(findings.answers) == BY_NAME
    for answer in findings.answers.values():
        counted = tally(answer, group)
        assert counted.n == len(told) == counted.met + counted.provisional + counted.not_assessable + counted.not_met
        assert sum(counted.reasons.values()) == counted.n - counted.met
        assert counted.proportion.proportion == counted.met / len(told)
        assert all(
            REASONS[code] or STATES[state] == "met" for code, state in zip(answer.reason, answer.state, strict=True)
        )
    for week in platelets_by_week(findings, group):
        assert week.spread.n + week.not_assessable <= week.of == len(told)


@SOME
@given(st.lists(children(), min_size=1, max_size=4))
def test_day_30_and_day_60_differ_only_by_what_became_knowable(told):
    early, late = (found(*told, as_of=day) for day in (30, 60))
    for name in early.answers:
        one, other = early.answers[name], late.answers[name]
        changed = one.state != other.state
        assert all(STATES[state] in ("provisional", "not_assessable") for state in one.state[changed]), name

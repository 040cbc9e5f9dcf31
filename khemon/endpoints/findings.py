"""endpoints_of: children, a protocol and a moment in; every endpoint of every child out, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.endpoints import outcomes, treatment, weekly
from khemon.endpoints.answers import Answers, Choice
from khemon.endpoints.children import NEVER, Children, Known, known
from khemon.endpoints.judged import Judged, judged
from khemon.endpoints.numbers import EndpointNumbers, endpoint_numbers
from khemon.endpoints.outcomes import Change
from khemon.endpoints.treatment import Given, Treatment
from khemon.rules import Protocol
from khemon.rules.series import Bools, Codes, Ints


@dataclass(frozen=True, slots=True)
class Times:
    """Days until something happened, or until which a child was seen without it."""

    days: Ints
    happened: Bools


@dataclass(frozen=True, slots=True)
class Findings:
    """One entry per patient index in every array.

    started: has a day 0 by now; of the others nothing is told. answers: by endpoint. lesions: LESION_CLASSES by scheme.
    response: time from day 0 to the onset of the first confirmed response. rebound: time from that confirmation to
    the first platelets below the limit, of those who have one. last: days since day 0 until which a child was seen.
    """

    started: Bools
    day0: Ints
    day0_told: Ints
    last: Ints
    answers: dict[str, Answers]
    judged: Judged
    treated: Treatment
    given: Given
    lesions: dict[str, Codes]
    volumes: Change
    scores: Change
    scales_may_differ: Bools
    response: Times
    rebound: Times


def endpoints_of(children: Children, protocol: Protocol, timezone: str, as_of: int) -> Findings:
    """Every endpoint of definitions section 5 for every child, as of a time (UTC ms).

    children: any partition by patient, at least one; the order of patients, results and events does not matter.
    """
    numbers = endpoint_numbers()
    facts = known(children, timezone, as_of, numbers.sirolimus.drug)
    found = judged(children, facts, protocol, numbers)
    treated = treatment.treatment(children, facts, protocol, numbers)
    given = treatment.products(facts, numbers, children.count)
    told = facts.happenings
    oldest = numbers.baseline.measured_within.count
    volume_events = outcomes.unit_codes(told.of(numbers.lesion.volume), numbers)
    volumes = outcomes.change(volume_events, facts, numbers.month_12, oldest)
    scores = outcomes.change(told.of(numbers.quality_of_life.event), facts, numbers.month_12, oldest)
    lesions: dict[str, Codes] = {
        scheme.name: outcomes.lesion_classes(volumes, scheme) for scheme in numbers.lesion.schemes
    }
    answers = _by_week(found, treated, facts, numbers) | _outcomes(found, treated, facts, numbers)
    answers |= _measured(volumes, scores, lesions, treated, facts, numbers)
    answers["any_product"] = _any_product(given, facts, numbers)
    return Findings(
        facts.started,
        facts.day0,
        facts.day0_told,
        np.where(facts.closing_day < NEVER, facts.closing_day, facts.last) - facts.day0_day,
        answers,
        found,
        treated,
        given,
        lesions,
        volumes,
        scores,
        _scales_may_differ(children, facts, numbers),
        _time_to_response(found),
        _time_to_rebound(found, numbers.month_24.day.count),
    )


def _by_week(found: Judged, treated: Treatment, facts: Known, numbers: EndpointNumbers) -> dict[str, Answers]:
    days_a_week = numbers.products.per.count
    answers = {
        f"durable_response_week_{week}": weekly.run_by(days_a_week * week, found.platelets, treated, facts)
        for week in numbers.weeks.response
    }
    answers["durable_response_ever"] = weekly.ever(found.platelets, facts, numbers.month_24.day.count)
    week = numbers.weeks.fibrinogen
    day = days_a_week * week
    value, above = found.fibrinogen_week, found.fibrinogen_above
    answers[f"fibrinogen_above_week_{week}"] = weekly.above_at(day, value, above, treated, facts)
    answers[f"fibrinogen_stabilized_week_{week}"] = weekly.run_by(day, found.fibrinogen, treated, facts)
    return answers


def _outcomes(found: Judged, treated: Treatment, facts: Known, numbers: EndpointNumbers) -> dict[str, Answers]:
    return {
        "rebound": outcomes.rebound(found, facts, numbers, confirmed=False),
        "rebound_confirmed": outcomes.rebound(found, facts, numbers, confirmed=True),
        "sequelae": outcomes.sequelae(facts, numbers),
        "stopped_for_lack_of_efficacy": outcomes.stopped(treated, facts, numbers, for_lack=True),
        "stopped_before_month_12": outcomes.stopped(treated, facts, numbers, for_lack=False),
        "treatment_failure": outcomes.failure(treated, facts, numbers),
    }


def _measured(
    volumes: Change,
    scores: Change,
    lesions: dict[str, Codes],
    treated: Treatment,
    facts: Known,
    numbers: EndpointNumbers,
) -> dict[str, Answers]:
    """Answers from what was measured at baseline and at month 12."""
    partial, nearly = (outcomes.LESION_CLASSES.index(word) for word in ("partial", "nearly_complete"))
    trial, *others = numbers.lesion.schemes
    visit = numbers.month_12
    wanted = {
        "lesion_response_overall": lesions[trial.name] >= partial,
        "lesion_response_good": lesions[trial.name] >= nearly,
        **{f"lesion_response_overall_{scheme.name}": lesions[scheme.name] >= partial for scheme in others},
    }
    answers = {
        name: outcomes.of_change(volumes, good, visit, treated, facts, zero_counts=False)
        for name, good in wanted.items()
    }
    better = outcomes.improved(scores, numbers)
    answers["quality_of_life_improved"] = outcomes.of_change(scores, better, visit, treated, facts, zero_counts=True)
    return answers


def _any_product(given: Given, facts: Known, numbers: EndpointNumbers) -> Answers:
    choice = Choice(given.total.size).where(given.total > 0, "met")
    choice.where(facts.last - facts.day0_day < numbers.month_12.day.count, "not_assessable", "visit_not_reached")
    return choice.otherwise("not_met", "none_recorded")


def _scales_may_differ(children: Children, facts: Known, numbers: EndpointNumbers) -> Bools:
    """Whether a child outgrows the infant scales between baseline and month 12, so that another form may be used."""
    born = children.patients.birth_day.astype(np.int64)
    told = born > np.iinfo(np.int32).min
    age = facts.day0_day - born
    until = numbers.quality_of_life.infant_scales_until.count
    found: Bools = told & (age <= until) & (age + numbers.month_12.day.count > until)
    return found


def _time_to_response(found: Judged) -> Times:
    """Without a confirmed response: seen without one until the last count, or until a run began that is still open."""
    runs = found.platelets
    happened = runs.onset < NEVER
    until = np.minimum(runs.last_seen, runs.open_onset)
    return Times(np.maximum(np.where(happened, runs.onset, until), 0), happened)


def _time_to_rebound(found: Judged, horizon: int) -> Times:
    """From confirmation of the first response; -1 for children without one."""
    runs, rebounds = found.platelets, found.rebounds
    armed = runs.confirmed < NEVER
    happened = armed & (rebounds.onset <= horizon) & (rebounds.onset >= runs.confirmed)
    until = np.minimum(np.where(happened, rebounds.onset, runs.last_seen), horizon)
    return Times(np.where(armed, np.maximum(until - runs.confirmed, 0), -1), happened)

"""What was given: prednisolone beyond the allocated treatment, other interventions, products, troughs, and stops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.endpoints.children import Children, Known, first_day
from khemon.endpoints.judged import counted
from khemon.endpoints.numbers import EndpointNumbers
from khemon.rules import NO_TIME, Protocol
from khemon.rules.bands import chosen
from khemon.rules.choosing import cut, usable
from khemon.rules.courses import courses
from khemon.rules.further_rules import BandRule, CourseRule
from khemon.rules.series import NO_CLOSING, Bools, Floats, Ints, key_patient, key_time, positions
from khemon.rules.singles import TROUGH
from khemon.rules.spans import Spans
from khemon.units import ANALYTE_CODES


@dataclass(frozen=True, slots=True)
class Treatment:
    """One entry per patient; days count from day 0, NEVER where there is none.

    prednisolone: day of the first course that was not allocated, or of a re-introduction. steroid_days: calendar days
    on prednisolone since day 0. intervention: first day of another intervention. undecided: other drugs and procedures
    whose note does not say what they were. stopped: day treatment was given up. reason_told: whether a reason is
    recorded; lack_of_efficacy: whether it says so. troughs, in_band, unclear: sirolimus troughs since day 0, those
    inside the band, those that as reported may lie on either side of an end.
    """

    prednisolone: Ints
    steroid_days: Ints
    intervention: Ints
    undecided: Ints
    stopped: Ints
    reason_told: Bools
    lack_of_efficacy: Bools
    troughs: Ints
    in_band: Ints
    unclear: Ints


def treatment(children: Children, facts: Known, protocol: Protocol, numbers: EndpointNumbers) -> Treatment:
    """What each child was given, as far as it is recorded and known."""
    begun, days = _prednisolone(children, facts, protocol, numbers)
    intervention, undecided = _interventions(facts, numbers, children.count)
    stopped, told, lack = _stops(children, facts, numbers)
    return Treatment(
        begun, days, intervention, undecided, stopped, told, lack, *_troughs(children, facts, protocol, numbers)
    )


def _prednisolone(children: Children, facts: Known, protocol: Protocol, numbers: EndpointNumbers) -> tuple[Ints, Ints]:
    """First day of prednisolone that the allocated treatment does not hold; and days on it."""
    n, law, rule = children.count, numbers.prednisolone, protocol.rules.get(numbers.rules.course)
    joins = rule.joins_within.count if isinstance(rule, CourseRule) and rule.joins_within else 0
    found = courses(facts.happenings.events, law.drug, joins, facts.timezone)
    patient, start, stop = _in_days(found.given, facts)
    days = np.zeros(n, np.int64)
    np.add.at(days, patient, np.maximum(stop - np.maximum(start, 0), 0))
    on_day0 = np.zeros(n, np.bool_)
    on_day0[patient[(start <= 0) & (stop >= 0)]] = True
    began = np.unique(found.began)
    owner = key_patient(began)
    day = facts.since(owner, key_time(began))
    later = day > 0
    # In an arm that holds prednisolone its first course is the allocated one, even if it begins after day 0.
    first = first_day(owner[later], day[later], n)
    allocated = children.arm.marks(law.belongs_to(arm) for arm in children.arm.texts)
    beyond = later & ~(allocated & ~on_day0)[owner] | later & (day > first[owner])
    return first_day(owner[beyond], day[beyond], n), days


def _in_days(given: Spans, facts: Known) -> tuple[Ints, Ints, Ints]:
    """Stretches as patient, first and last day since day 0; what still goes on ends where it was last seen."""
    patient = key_patient(given.start)
    stop = np.minimum(key_time(given.stop), facts.until[patient])
    return patient, facts.since(patient, key_time(given.start)), facts.since(patient, stop)


def _interventions(facts: Known, numbers: EndpointNumbers, n: int) -> tuple[Ints, Ints]:
    law = numbers.interventions
    drugs = facts.happenings.of(*law.drugs)
    noted = facts.happenings.of(*law.noted)
    means_it = noted.note.marks(any(word in text for word in law.words) for text in noted.note.texts)
    silent = noted.note.code < 0
    chosen_ones = noted.take(positions(means_it)).events
    patient = np.concatenate([drugs.events.patient, chosen_ones.patient])
    day = facts.since(patient, np.concatenate([drugs.events.start, chosen_ones.start]))
    since_day0 = day >= 0
    unclear = noted.take(positions(silent)).events
    unclear_day = facts.since(unclear.patient, unclear.start)
    undecided = np.bincount(unclear.patient[unclear_day >= 0], minlength=n)
    return first_day(patient[since_day0], day[since_day0], n), undecided


def _stops(children: Children, facts: Known, numbers: EndpointNumbers) -> tuple[Ints, Bools, Bools]:
    """When treatment was given up, whether a reason is recorded, and whether it is lack of efficacy."""
    told, n = facts.happenings.of(numbers.stopping.event), children.count
    patient = told.events.patient
    day = facts.since(patient, told.events.start)
    since_day0 = day >= 0
    first = first_day(patient[since_day0], day[since_day0], n)
    registered = children.discontinued_at
    counts = (registered != NO_TIME) & (registered <= np.minimum(facts.as_of, facts.closing))
    at = positions(counts)
    own_day = facts.since(at, registered[at])
    first[at] = np.where(own_day >= 0, np.minimum(first[at], own_day), first[at])
    words = numbers.stopping.lack_of_efficacy
    means_it = told.note.marks(any(word in text for word in words) for text in told.note.texts)
    reason_told, lack = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    in_time = since_day0 & (day < numbers.month_12.day.count)
    reason_told[patient[in_time & (told.note.code >= 0)]] = True
    lack[patient[in_time & means_it]] = True
    return first, reason_told, lack


def _troughs(children: Children, facts: Known, protocol: Protocol, numbers: EndpointNumbers) -> tuple[Ints, Ints, Ints]:
    """Troughs since day 0: how many, how many inside the band, how many that do not tell."""
    n, results = children.count, children.results
    own = positions(results.analyte == ANALYTE_CODES[numbers.sirolimus.analyte])
    rule = protocol.rules.get(numbers.rules.band)
    if results.timing is None or not isinstance(rule, BandRule):
        return np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    levels = counted(results.take(own))
    levels = usable(*cut(levels, np.arange(levels.time.size), facts.as_of))[0]
    assert levels.timing is not None
    patient = levels.patient.astype(np.int64)
    seen = (levels.timing == TROUGH) & (levels.time <= facts.closing[patient]) & (levels.time >= facts.day0[patient])
    levels, patient = levels.take(positions(seen)), patient[seen]
    low, high = chosen(children.patients, patient, rule)
    inside = (levels.low >= low) & (levels.high <= high)
    outside = (levels.high < low) | (levels.low > high)
    counts = (np.bincount(patient[mask], minlength=n) for mask in (slice(None), inside, ~inside & ~outside))
    troughs, in_band, unclear = counts
    return troughs, in_band, unclear


@dataclass(frozen=True, slots=True)
class Given:
    """Products from day 0 (baseline included) to month 12; one entry per patient.

    by_kind: a column per kind of endpoints.toml, in its order. days: how many days of that time were observed.
    recorded: whether any product of that patient is on record at all; without one, none may have been given, or told.
    """

    by_kind: Ints
    total: Ints
    days: Ints
    recorded: Bools


def products(facts: Known, numbers: EndpointNumbers, n: int) -> Given:
    """How many products each child was given."""
    kinds, horizon = numbers.products.events, numbers.month_12.day.count
    by_kind = np.zeros((n, len(kinds)), np.int64)
    recorded = np.zeros(n, np.bool_)
    for place, kind in enumerate(kinds):
        own = facts.happenings.of(kind)
        patient = own.events.patient
        day = facts.since(patient, own.events.start)
        inside = (day >= -numbers.products.before_day0.count) & (day < horizon)
        by_kind[:, place] = np.bincount(patient[inside], minlength=n)
        recorded[patient] = True
    seen = facts.day_of(np.where(facts.closing == NO_CLOSING, facts.as_of, facts.closing)) - facts.day0_day
    return Given(by_kind, by_kind.sum(axis=1), np.clip(seen, 0, horizon), recorded)


def fraction(part: Ints, whole: Ints) -> Floats:
    """Part of whole for each patient; NaN where there is nothing."""
    found: Floats = np.divide(part, whole, out=np.full(whole.size, np.nan), where=whole > 0)
    return found

"""The children behind a number of the cohort: who is in the count, who is not and why, each with what shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from khemon.actions.cohort import Cohort
from khemon.actions.watch.cohort.facts import day_of, facts_of
from khemon.endpoints import (
    LESION_CLASSES,
    REASON_WORDS,
    REASONS,
    STATES,
    Group,
    Times,
    endpoint_numbers,
    fraction,
)

#: The sections, those who are not in first; and their heads.
SECTIONS = {
    "not_met": "Not in the count",
    "provisional": "Provisional, not in the count yet",
    "not_assessable": "Not yet assessable",
    "met": "In the count",
}
_WEEK = "platelets_week_"
_LESIONS = "lesions_"


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One child. why: what put it here. facts: what shows it. counts: its platelets by week."""

    key: int
    patient_id: str
    name: str
    group: str
    why: str
    facts: tuple[str, ...]
    counts: str


@dataclass(frozen=True, slots=True)
class People:
    """The children behind one number. group: empty for those of all groups. sections: head and children."""

    what: str
    title: str
    group: str
    sections: tuple[tuple[str, tuple[PersonLine, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one child stands in one count."""

    state: str
    why: str
    facts: tuple[str, ...] = ()


def people_of(
    cohort: Cohort, titles: Mapping[str, str], what: str, group: str, numbers: Mapping[str, int]
) -> People | None:
    """The children behind the number of that name and group; None where the table has no such number."""
    groups = [own for own in cohort.chosen.groups if group in ("", own.name)]
    if what not in titles or (group and not groups):
        return None
    told = {child["patient_id"]: child for child in cohort.document["patients"]}
    found: dict[str, list[PersonLine]] = {state: [] for state in SECTIONS}
    for own in groups:
        for member in own.members.tolist():
            child = told[cohort.gathered.patient_ids[member]]
            place = _place(cohort, what, member, child)
            found[place.state].append(_line(cohort, own, child, place, numbers))
    sections = tuple(
        (f"{SECTIONS[state]}: {len(lines)}", tuple(sorted(lines, key=lambda line: (line.group, line.patient_id))))
        for state, lines in found.items()
        if lines or state in ("met", "not_met")
    )
    return People(what, titles[what], group, sections)


def _line(cohort: Cohort, group: Group, child: dict[str, Any], place: _Place, numbers: Mapping[str, int]) -> PersonLine:
    patient_id = child["patient_id"]
    person = cohort.gathered.registered.get(patient_id)
    counts = " · ".join(f"{_week_words(count['week'])} {count['value']}" for count in child["platelets"])
    name = (person.name if person else None) or ""
    return PersonLine(numbers[patient_id], patient_id, name, group.name, place.why, place.facts, counts)


def _week_words(week: int) -> str:
    return f"week {week}:" if week else "baseline:"


def _place(cohort: Cohort, what: str, member: int, child: dict[str, Any]) -> _Place:
    found = cohort.found
    if what in found.answers:
        answers = found.answers[what]
        reason = REASONS[answers.reason[member]]
        return _Place(STATES[answers.state[member]], REASON_WORDS[reason], facts_of(what, child, reason))
    if what.startswith(_WEEK):
        return _at_week(cohort, int(what.removeprefix(_WEEK)), member, child)
    if what.startswith(_LESIONS):
        code = int(found.lesions[what.removeprefix(_LESIONS)][member])
        facts = facts_of("lesion", child)
        if code < 0:
            return _Place("not_met", "no volume at baseline or at month 12 that can be compared", facts)
        return _Place("met", LESION_CLASSES[code].replace("_", " "), facts)
    if what in ("time_to_response", "time_to_rebound"):
        return _timed(found.response if what == "time_to_response" else found.rebound, what, member, child)
    return _amount(cohort, what, member, child)


def _at_week(cohort: Cohort, week: int, member: int, child: dict[str, Any]) -> _Place:
    """Whether a settled count of that week goes into its median."""
    weeks = [told for told, _ in endpoint_numbers().weeks.of_counts()]
    judged = cohort.found.judged
    settled = judged.counts.settled[member, weeks.index(week)] if week else judged.baseline.settled[member]
    own = [count for count in child["platelets"] if count["week"] == week]
    facts = tuple(f"{count['value']} ×10⁹/L on {day_of(child, count['day'])}" for count in own)
    if not settled:
        return _Place("not_assessable", "a count nearer to the visit may still come", facts)
    return _Place("met", "", facts) if own else _Place("not_met", "no informative count within the window")


def _timed(times: Times, what: str, member: int, child: dict[str, Any]) -> _Place:
    days = int(times.days[member])
    facts = facts_of(what, child)
    if days < 0:
        return _Place("not_met", REASON_WORDS["no_response"], facts)
    if times.happened[member]:
        return _Place("met", f"after {days} d", facts)
    return _Place("not_met", f"seen without it for {days} d", facts)


def _amount(cohort: Cohort, what: str, member: int, child: dict[str, Any]) -> _Place:
    """A number of one child; one without it is not in the mean."""
    given, treated, found = cohort.found.given, cohort.found.treated, cohort.found
    per = endpoint_numbers().products.per.count
    columns = {
        "products": given.total,
        "products_per_week": fraction(per * given.total, given.days),
        "prednisolone_days": treated.steroid_days,
        "quality_of_life_change": found.scores.difference,
        "volume_change": found.volumes.relative,
        "troughs_in_band": fraction(treated.in_band, treated.troughs),
    }
    value = float(columns[what][member])
    facts = facts_of(what, child)
    if np.isnan(value):
        return _Place("not_met", "not measured, or not within the window", facts)
    return _Place("met", f"{value:.3g}".replace("-", "−"), facts)

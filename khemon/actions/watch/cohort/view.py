"""cohort_view: everything the cohort page shows of one question, from one snapshot of the store."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from khemon.actions.cohort import Cohort
from khemon.actions.cohort.few import few_in_group
from khemon.actions.permitted import permitted
from khemon.actions.watch.cohort import table
from khemon.actions.watch.cohort.asked import CohortQuestion, answered, caption_of, whom_of
from khemon.actions.watch.cohort.people import People, people_of
from khemon.actions.watch.cohort.swims import swimmer_data
from khemon.actions.watch.cohort.table import TableLine
from khemon.actions.watch.setting import Setting, setting_of
from khemon.actions.whoami import person
from khemon.endpoints import endpoint_numbers, published
from khemon.figures.cohort import CurvesData, SwimmerData, WeeklyData, curves_data, weekly_data
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Reader, Store

#: From when a rebound is counted.
_SINCE = "the response was confirmed"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters can be set to: what is recorded of any child."""

    arms: tuple[str, ...]
    lesion_classes: tuple[str, ...]
    wards: tuple[str, ...]
    sexes: tuple[str, ...]
    patients: int

    def groups(self, by: str) -> tuple[str, ...]:
        """What children can be grouped into."""
        named = {"arm": self.arms, "lesion_class": self.lesion_classes, "ward": self.wards, "sex": self.sexes}
        return named.get(by, ())


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A child that is not in, and why."""

    key: int
    patient_id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class CohortView:
    """What the page shows. people: of the number that was asked for; few_in: groups of fewer than five children."""

    setting: Setting
    revision: int
    as_of: str
    caption: str
    groups: tuple[tuple[str, int], ...]
    left_out: tuple[LeftOut, ...]
    compared: tuple[str, str] | None
    trial_arms: tuple[str, ...]
    proportions: tuple[TableLine, ...]
    amounts: tuple[TableLine, ...]
    lesions: tuple[TableLine, ...]
    weeks: tuple[TableLine, ...]
    weekly: WeeklyData
    response: CurvesData
    rebound: CurvesData
    swimmer: SwimmerData
    people: People | None
    notes: tuple[str, ...]
    not_used: int
    judged_by: str
    few_in: tuple[str, ...]

    @property
    def lines(self) -> tuple[TableLine, ...]:
        """Every line of the tables."""
        return (*self.proportions, *self.amounts, *self.lesions, *self.weeks)

    @property
    def count(self) -> int:
        """How many children are in."""
        return sum(count for _, count in self.groups)


@permitted("look")
def cohort_choices(store: Store, actor: Actor) -> Choices:
    """What the filters can be set to."""
    with store.reading() as reader:
        patients = reader.patients()
        told = {event.note.strip() for event in reader.events_for().events if event.kind == "arm" and event.note}
    arms = {(patient.arm or "").strip() for patient in patients} | told
    return Choices(
        _named(arms),
        _named({patient.lesion_class or "" for patient in patients}),
        _named({patient.ward or "" for patient in patients}),
        _named({patient.sex or "" for patient in patients}),
        len(patients),
    )


def _named(texts: set[str]) -> tuple[str, ...]:
    return tuple(sorted(text for text in texts if text))


@permitted("look")
def cohort_view(
    store: Store, actor: Actor, question: CohortQuestion, now: dt.datetime, what: str = "", group: str = ""
) -> CohortView:
    """The cohort page as of now (aware). Refused without a time zone, without patients, for a group that is not there.

    what, group: a number of the table, whose children are told too; group may be empty for all.
    """
    whom = whom_of(question, person(store, actor).wards)
    with store.reading() as reader:
        return view_of(reader, answered(reader, question, now), question, whom, now, (what, group))


def view_of(
    reader: Reader,
    cohort: Cohort,
    question: CohortQuestion,
    whom: str,
    now: dt.datetime,
    opened: tuple[str, str] = ("", ""),
) -> CohortView:
    """What the page shows of a cohort. whom: who is in, in words; opened: a number of the table and a group."""
    setting, endpoints = setting_of(reader), endpoint_numbers()
    document, numbers = cohort.document, reader.patient_numbers()
    caption = caption_of(cohort, question, whom, now)
    proportions, amounts = table.proportion_lines(document), table.amount_lines(document)
    lesions, weeks = table.lesion_lines(document), table.week_lines(document)
    compared = None if document["compared"] is None else (document["compared"][0], document["compared"][1])
    titles = {line.what: line.title for line in (*proportions, *amounts, *lesions, *weeks)}
    return CohortView(
        setting,
        reader.revision(),
        question.when(now, setting.zone),
        caption,
        tuple((group["group"], group["n"]) for group in document["groups"]),
        tuple(_left_out(row, cohort, numbers) for row in document["excluded"]),
        compared,
        tuple(published().groups),
        proportions,
        amounts,
        lesions,
        weeks,
        weekly_data(document["platelets"], caption),
        curves_data(document["time_to_response"], "Share with a durable response", "day 0", caption, compared),
        curves_data(document["time_to_rebound"], "Share with a rebound", _SINCE, caption, compared),
        swimmer_data(cohort, to_ms(question.moment(now, setting.zone)), caption),
        people_of(cohort, titles, *opened, numbers) if opened[0] else None,
        tuple(document["notes"]),
        len(document["not_used"]),
        f"{cohort.gathered.protocol.called}; {endpoints.name}, version {endpoints.version}",
        tuple(few_in_group(document)),
    )


def _left_out(row: dict[str, Any], cohort: Cohort, numbers: dict[str, int]) -> LeftOut:
    patient_id = row["patient_id"]
    person = cohort.gathered.registered.get(patient_id)
    return LeftOut(numbers[patient_id], patient_id, (person.name if person else None) or "", row["reason"])

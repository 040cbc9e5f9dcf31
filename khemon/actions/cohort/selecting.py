"""Who is in a cohort, and in which group: filters that say themselves in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from khemon.actions.cohort.gathering import Gathered
from khemon.actions.judging import is_diagnosed
from khemon.endpoints import Findings, Group
from khemon.models import Patient, Refused
from khemon.rules.calendar import from_ms

#: What children can be grouped by: an entry of the register, or nothing.
GROUPINGS = ("arm", "lesion_class", "sex", "ward", "all")
NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters and grouping. day0_from, day0_until: calendar days, both inside. compare: two groups, in that order."""

    by: str = "arm"
    arms: tuple[str, ...] = ()
    lesion_classes: tuple[str, ...] = ()
    wards: tuple[str, ...] = ()
    diagnosed: bool = False
    day0_from: dt.date | None = None
    day0_until: dt.date | None = None
    compare: tuple[str, str] | None = None

    @property
    def words(self) -> str:
        """The filters in words, as they stand under every figure."""
        told = ["children with a day 0"]
        told += [f"arm {_either(self.arms)}"] if self.arms else []
        told += [f"lesion class {_either(self.lesion_classes)}"] if self.lesion_classes else []
        told += [f"ward {_either(self.wards)}"] if self.wards else []
        told += ["diagnosis of KHE or tufted angioma recorded"] if self.diagnosed else []
        told += [f"day 0 from {self.day0_from.isoformat()}"] if self.day0_from else []
        told += [f"day 0 until {self.day0_until.isoformat()}"] if self.day0_until else []
        return "; ".join(told)


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(names)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The groups in order of their names, whom they leave out and why, and which two are compared."""

    groups: list[Group]
    excluded: dict[int, str]
    compared: tuple[Group, Group] | None


def chosen(gathered: Gathered, found: Findings, selection: Selection) -> Chosen:
    """The groups of a selection. Refused for a grouping or a group to compare that is not there."""
    if selection.by not in GROUPINGS:
        raise Refused("groups", f"{selection.by!r} is nothing to group by", f"use one of: {', '.join(GROUPINGS)}")
    excluded: dict[int, str] = {}
    members: dict[str, list[int]] = {}
    for place, patient_id in enumerate(gathered.patient_ids):
        person = gathered.registered.get(patient_id) or Patient(patient_id=patient_id)
        reason = _left_out(gathered, found, selection, place, person)
        if reason:
            excluded[place] = reason
        else:
            members.setdefault(_group_of(gathered, selection, place, person), []).append(place)
    groups = [Group(name, np.array(members[name], np.int64)) for name in sorted(members, key=_order)]
    return Chosen(groups, excluded, _compared(groups, selection))


def _order(name: str) -> tuple[bool, str]:
    return (name == NOT_RECORDED, name)


def arm_of(gathered: Gathered, place: int) -> str:
    """The arm of a child, empty without one."""
    arm = gathered.children.arm
    return arm.texts[arm.code[place]] if arm.code[place] >= 0 else ""


def _group_of(gathered: Gathered, selection: Selection, place: int, person: Patient) -> str:
    told: dict[str, Callable[[], str | None]] = {
        "arm": lambda: arm_of(gathered, place),
        "all": lambda: "all",
        "lesion_class": lambda: person.lesion_class,
        "sex": lambda: person.sex,
        "ward": lambda: person.ward,
    }
    return told[selection.by]() or NOT_RECORDED


def _left_out(gathered: Gathered, found: Findings, selection: Selection, place: int, person: Patient) -> str:
    """Why a child is not in the cohort; empty for one that is."""
    if not found.started[place]:
        return "no day 0 by then: no first dose of the allocated treatment is recorded"
    day0 = from_ms(int(found.day0[place]), gathered.timezone).date()
    checks = (
        (selection.arms and arm_of(gathered, place) not in selection.arms, "in another arm"),
        (selection.lesion_classes and person.lesion_class not in selection.lesion_classes, "another lesion class"),
        (selection.wards and person.ward not in selection.wards, "on another ward"),
        (selection.diagnosed and not is_diagnosed(person.diagnosis), "no diagnosis of KHE or tufted angioma recorded"),
        (selection.day0_from and day0 < selection.day0_from, "day 0 before the period"),
        (selection.day0_until and day0 > selection.day0_until, "day 0 after the period"),
    )
    return next((f"left out by the filters: {why}" for failed, why in checks if failed), "")


def _compared(groups: list[Group], selection: Selection) -> tuple[Group, Group] | None:
    named = {group.name: group for group in groups}
    if selection.compare is not None:
        missing = [name for name in selection.compare if name not in named]
        if missing or selection.compare[0] == selection.compare[1]:
            found = f"no group {missing[0]!r}" if missing else "a group with itself"
            raise Refused("groups to compare", found, f"name two of: {', '.join(named) or 'there is none'}")
        first, second = selection.compare
        return named[first], named[second]
    told = [group for group in groups if group.name != NOT_RECORDED]
    return (told[0], told[1]) if len(told) == 2 else None

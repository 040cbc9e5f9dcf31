"""One child as the rules, the results that stand and the events say: identity, state, timeline, clocks, flags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from khemon.actions.watch.answers import criterion_answer, headline, not_rechecked, pattern_answer, rebound_answer
from khemon.actions.watch.cells import ROUND, cell_of
from khemon.actions.watch.explained import Explained, explained
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.known import Known
from khemon.actions.watch.readings import counts_since
from khemon.actions.watch.setting import Setting
from khemon.actions.watch.shown import span_of
from khemon.actions.watch.tables import event_lines
from khemon.actions.watch.urgency import by_urgency, worst_of
from khemon.actions.watch.ward import closings, place_of
from khemon.actions.watch.windows import LINEAR, NO_DAY0, STUDY_WEEKS, day0_of, window_of
from khemon.figures.clock import ClockData, clock_data
from khemon.figures.samples import Sample
from khemon.figures.style import EPISODE_LANES
from khemon.figures.timeline import TimelineData, timeline_data
from khemon.figures.words import age_words, date_words, day_words
from khemon.models import ChosenBand, Episode, Event, Patient
from khemon.rules.rulebook import AllOfRule, AnyOfRule, Protocol, ReboundRule, RunRule

_PLACES = {"ward": "on the ward", "follow_up": "in follow-up", "archived": "archived"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this is; stands on top of every page and print."""

    key: int
    patient_id: str
    name: str
    born: str
    age: str
    sex: str
    diagnosis: str
    place: str
    target: str


def drawn_band(target: str | None) -> tuple[float, float, str] | None:
    """The chosen sirolimus band as numbers and words; None when none was chosen or it cannot be read."""
    band = ChosenBand.read(target or "")
    return None if band is None else (float(band.low), float(band.high), f"target {band.low}–{band.high}")


def target_words(target: str | None) -> str:
    """The chosen sirolimus band with its unit and who chose it; empty without one."""
    band = ChosenBand.read(target or "")
    if band is None:
        return f"{target} (cannot be read)" if target else ""
    return f"{band.low}-{band.high} ng/mL{f' (chosen by {band.chosen_by})' if band.chosen_by else ''}"


def drawn_rules(protocol: Protocol) -> set[str]:
    """The rules whose ended episodes are drawn: those with a lane, and the runs behind the clocks."""
    return {*EPISODE_LANES, *(name for name, rule in protocol.rules.items() if isinstance(rule, RunRule))}


class Judged:
    """The parts of one patient's view."""

    def __init__(
        self,
        setting: Setting,
        known: Known,
        patient: Patient,
        episodes: Sequence[Episode],
        samples: Sequence[Sample],
        now: dt.datetime,
    ) -> None:
        #: Rows of all results that stand; the samples are those of them that are shown.
        self.standing = known.standing(patient.patient_id)
        self.setting, self.known, self.patient, self.now = setting, known, patient, now
        self.episodes, self.samples = episodes, samples
        self.events: Sequence[Event] = known.events[patient.patient_id]
        self.closed = closings(self.events, now).get(patient.patient_id)

    def judged(self, window: str | None, scale: str | None) -> dict[str, Any]:
        """What the rules and the standing results and events say, by field of the view."""
        return {
            "severity": worst_of([episode.severity for episode in self.episodes if episode.end is None]),
            "sentence": self.sentence(),
            "answers": self.answers(),
            "cells": tuple(cell_of(self.known, analyte, self.samples, self.episodes) for analyte in ROUND),
            "timeline": self.timeline(window, scale),
            "clocks": self.clocks(),
            "open": tuple(self.explain(episode) for episode in by_urgency(self.episodes)),
            "events": event_lines(self.events, self.setting.zone),
        }

    def identity(self, key: int) -> Identity:
        """The identity bar."""
        patient, today = self.patient, self.now.astimezone(self.setting.zone).date()
        born = day_words(patient.birth_date) if patient.birth_date else "birth date not recorded"
        place = _PLACES[place_of(patient, self.closed, self.now)]
        return Identity(
            key=key,
            patient_id=patient.patient_id,
            name=patient.name or "",
            born=born,
            age=age_words(patient.birth_date, today),
            sex=patient.sex or "sex not recorded",
            diagnosis=patient.diagnosis or "diagnosis not recorded",
            place=f"{patient.ward}, {place}" if patient.ward else place,
            target=target_words(patient.sirolimus_target),
        )

    def sentence(self) -> str:
        """The state in one sentence."""
        if self.closed is not None:
            return f"Observation closed on {date_words(self.closed, self.setting.zone)}; nothing is judged after it."
        open_now = [episode for episode in by_urgency(self.episodes) if episode.severity != "note"]
        told = headline(self.known, open_now)
        if told:
            return f"{told[:1].upper()}{told[1:]}."
        if not self.standing.size:
            return "No result is on record, so nothing can be judged."
        notes = headline(self.known, by_urgency(self.episodes))
        return f"No urgent flag. Noted: {notes}." if notes else "No flag is open."

    def answers(self) -> tuple[tuple[str, Flag], ...]:
        """What the round asks first, each with its reason."""
        found: list[tuple[str, Flag]] = []
        for rule in self.setting.protocol.rules.values():
            if isinstance(rule, AnyOfRule):
                found.append((rule.title, criterion_answer(self.known, self.patient.patient_id, rule, self.episodes)))
            elif isinstance(rule, AllOfRule) and rule.name == "kmp":
                found.append((rule.title, pattern_answer(self.known, self.patient.patient_id, rule, self.episodes)))
            elif isinstance(rule, ReboundRule):
                found.append((rule.title, rebound_answer(self.known, rule, self.episodes)))
        return tuple(found)

    def edges(self, window: str | None) -> tuple[dt.datetime, dt.datetime]:
        """Start and end of the chosen window."""
        times = [*span_of(self.known, self.standing), *(event.start for event in self.events)]
        first, last = min(times, default=None), max(times, default=None)
        day0 = day0_of(self.patient, self.events, self.now)
        closed = self.closed is not None
        return window_of(window, first, last, self.now, closed=closed, day0=day0.at if day0 else None)

    def timeline(self, window: str | None, scale: str | None) -> TimelineData:
        """The timeline in the chosen window and scale."""
        day0 = day0_of(self.patient, self.events, self.now) if window == STUDY_WEEKS else None
        edges = self.edges(window)
        drawn = timeline_data(
            self.samples,
            self.events,
            self.episodes,
            self.setting.protocol,
            self.setting.zone,
            edges,
            self.now,
            target=drawn_band(self.patient.sirolimus_target),
            linear=scale == LINEAR,
            born=self.patient.birth_date,
            sex=self.patient.sex,
            weeks=day0,
        )
        return drawn if day0 or window != STUDY_WEEKS else replace(drawn, note=NO_DAY0)

    def clocks(self) -> tuple[tuple[str, ClockData], ...]:
        """The latest run of each kind, week by week."""
        found = []
        for rule in self.setting.protocol.rules.values():
            if isinstance(rule, RunRule):
                runs = [episode for episode in self.episodes if episode.rule == rule.name]
                counts = counts_since(self.known, self.standing, rule, runs[-1].onset) if runs else []
                clock = clock_data(runs[-1] if runs else None, counts, rule, self.now, self.setting.zone)
                found.append((rule.title, clock))
        return tuple(found)

    def explain(self, episode: Episode) -> Explained:
        """One episode with everything behind it."""
        return explained(episode, self.setting.protocol, self.setting.zone, not_rechecked(self.known, episode))

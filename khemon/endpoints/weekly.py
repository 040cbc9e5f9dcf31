"""Answers by week: the durable response, fibrinogen, and who counts as a non-responder by rule."""

from __future__ import annotations

import numpy as np

from khemon.endpoints.answers import Answers, Choice
from khemon.endpoints.children import NEVER, Known
from khemon.endpoints.judged import Runs, Values
from khemon.endpoints.treatment import Treatment
from khemon.rules.series import Bools


def excluded_by(choice: Choice, day: int, treated: Treatment) -> Choice:
    """Non-responders by rule at a visit: whatever happened before that day counts, so it is known on it."""
    choice.where(treated.stopped < day, "not_met", "stopped")
    choice.where(treated.prednisolone < day, "not_met", "prednisolone")
    return choice.where(treated.intervention < day, "not_met", "intervention")


def run_by(day: int, runs: Runs, treated: Treatment, facts: Known) -> Answers:
    """Whether a run with onset by that day has been confirmed (definitions 3.5 and section 5)."""
    since = facts.last - facts.day0_day
    choice = excluded_by(Choice(since.size), day, treated)
    choice.where(facts.closing_day - facts.day0_day < day, "not_met", "closed")
    reached = since >= day
    choice.where(reached & (runs.onset < 0), "met", "before_day0")
    choice.where(reached & (runs.onset <= day), "met")
    choice.where(runs.open_onset <= day, "provisional", "run_open")
    # On the day itself more may come: until it is over a run may still begin.
    choice.where(since <= day, "not_assessable", "week_not_reached")
    return _not_reached(choice, day, runs)


def _not_reached(choice: Choice, day: int, runs: Runs) -> Answers:
    """Why there is no response by that day."""
    choice.where(runs.unfinished <= day, "not_met", "closed")
    choice.where(runs.unproven <= day, "not_met", "unproven")
    choice.where(runs.broken <= day, "not_met", "broken")
    choice.where(runs.first_seen > day, "not_met", "no_data")
    choice.where(runs.first_low > day, "not_met", "never_low")
    return choice.otherwise("not_met", "not_reached")


def ever(runs: Runs, facts: Known, horizon: int) -> Answers:
    """Whether a response was confirmed at all: of a run that began within the follow-up of the trial."""
    since = facts.last - facts.day0_day
    choice = Choice(since.size)
    choice.where(runs.onset <= horizon, "met")
    choice.where(runs.open_onset <= horizon, "provisional", "run_open")
    choice.where(since <= horizon, "not_assessable", "follow_up_running")
    return _not_reached(choice, horizon, runs)


def above_at(day: int, value: Values, above: Bools, treated: Treatment, facts: Known) -> Answers:
    """Whether the value nearest to that day is above the limit; without one a non-responder."""
    number, settled = value.value.ravel(), value.settled.ravel()
    choice = excluded_by(Choice(number.size), day, treated)
    there = ~np.isnan(number)
    choice.where(facts.last - facts.day0_day < day, "not_assessable", "week_not_reached")
    choice.where(~settled, "not_assessable", "window_open")
    choice.where(~there & (facts.closing_day < NEVER), "not_met", "closed")
    choice.where(~there, "not_met", "missing")
    return choice.where(above, "met").otherwise("not_met", "not_reached")

"""The response clock as a strip of weeks."""

from __future__ import annotations

from khemon.figures.clock import ClockData, Week
from khemon.ui.parts.elements import Markup, el

_SIGNS = {"met": "", "broken": "✕", "unproven": "?", "running": "", "ahead": ""}


def week_strip(clock: ClockData) -> Markup:
    """The weeks as boxes: met filled, broken crossed, unproven outlined, the running one half filled."""
    return el("span", *(_week(week) for week in clock.weeks), class_="k-weeks", role="list")


def _week(week: Week) -> Markup:
    told = f"week {week.number}, {week.state}: {week.days}; {week.counts}"
    heard = el("span", told, class_="k-heard")
    attributes = {"class_": f"k-week k-week-{week.state}", "title": told, "role": "listitem", "tabindex": "0"}
    return el("span", _SIGNS[week.state], heard, **attributes)


def clock_card(title: str, clock: ClockData) -> Markup:
    """A run week by week with what proves it."""
    rows = [
        el("li", f"Week {week.number}: ", el("b", week.state), f", {week.days}: {week.counts}") for week in clock.weeks
    ]
    facts = [el("div", fact, class_="k-muted k-small") for fact in clock.facts]
    weeks = el("details", el("summary", "Week by week"), el("ul", *rows, class_="k-list k-small")) if rows else None
    head = el("div", el("b", clock.words), " ", week_strip(clock))
    return el("section", el("h3", title), head, *facts, weeks, class_="k-card")

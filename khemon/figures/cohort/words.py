"""The numbers of a cohort in words, the same on the page and in the shell; they take rows of its document."""

from __future__ import annotations

from typing import Any

_SMALLEST_P = 0.0001
#: Endpoints that a run confirms; of the others it is told how many there are so far.
_BY_RUN = ("durable_response", "fibrinogen_stabilized")
_WAITING = (("provisional", "provisional"), ("not_assessable", "not yet assessable"))


def percent_words(fraction: float | None) -> str:
    """A fraction in per cent, one decimal; empty for none."""
    return "" if fraction is None else f"{100 * fraction:.1f}"


def p_words(p: float) -> str:
    """A p value in four decimals."""
    return f"{p:.4f}" if p >= _SMALLEST_P else f"<{_SMALLEST_P:.4f}"


def interval_words(row: dict[str, Any]) -> str:
    """The interval of a proportion or of a difference, in per cent."""
    return f"{percent_words(row['low'])} to {percent_words(row['high'])}"


def share_words(endpoint: str, group: dict[str, Any]) -> tuple[str, str]:
    """`k confirmed, m provisional, of n` until everything is known; then the counts, and the share with its interval.

    Two texts: the count, and what is said of it.
    """
    if group["final"]:
        return f"{group['met']}/{group['n']}", f"{percent_words(group['proportion'])} % ({interval_words(group)})"
    met = "confirmed" if endpoint.startswith(_BY_RUN) else "so far"
    waiting = [f"{group[name]} {words}" for name, words in _WAITING if group[name]]
    return f"{group['met']} {met}, {', '.join(waiting)}, of {group['n']}", ""


def difference_words(between: dict[str, Any] | None) -> str:
    """A difference with its interval, in per cent; empty for none."""
    if between is None:
        return ""
    final = "" if between["final"] else ", not final"
    return f"{percent_words(between['difference'])} ({interval_words(between)}){final}"


def spread_words(group: dict[str, Any], form: str = "g") -> str:
    """A median with its quartiles; `none` without values. form: how numbers are printed."""
    if group["median"] is None:
        return "none"
    median, first, third = (format(group[name], form) for name in ("median", "first_quartile", "third_quartile"))
    return f"{group['beyond']}{median} ({first} to {third})"


def mean_words(group: dict[str, Any], form: str = ".2f") -> str:
    """A mean, and of how many children. form: how it is printed."""
    return "none" if group["mean"] is None else f"{group['mean']:{form}} in {group['n']}"


def median_time_words(group: dict[str, Any]) -> str:
    """The median of a time to an event with its interval; `?` where the data do not reach it."""
    low, high = ("?" if group[key] is None else f"{group[key]:g}" for key in ("median_low", "median_high"))
    median = "not reached" if group["median"] is None else f"{group['median']:g}"
    return f"{median} ({low} to {high})"


def published_words(printed: dict[str, Any] | None) -> str:
    """The trial's counts and, where its text has one, the difference with its interval; empty for none.

    An asterisk marks a difference that only the paper's way of rounding gives as printed.
    """
    if printed is None:
        return ""
    told = ", ".join(f"{group['met']}/{group['n']}" for group in printed["groups"].values())
    figures = printed["difference"]
    told += f"; {figures['percent']} ({figures['low']} to {figures['high']})" if figures else ""
    return told + (" *" if figures and figures["paper_rounding_only"] else "")

"""What shows where a child stands in a count: days, values and products, in words; from its row of the document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from khemon.figures.words import day_words

Child = dict[str, Any]


def day_of(child: Child, day: int) -> str:
    """A day since day 0, with its date."""
    date = dt.datetime.fromisoformat(child["day0"]).date() + dt.timedelta(days=day)
    return f"day {day} ({day_words(date)})".replace("-", "−")


def facts_of(what: str, child: Child, reason: str = "") -> tuple[str, ...]:
    """The facts behind one count, and behind the reason why a child is not in it."""
    told = next((facts for name, facts in _FACTS.items() if what.startswith(name)), None)
    found = list(told(child)) if told else []
    because = _BECAUSE.get(reason)
    if because is not None and child["values"][because[0]] is not None:
        found.append(f"{because[1]} {day_of(child, child['values'][because[0]])}")
    return tuple(found)


#: Reason -> the entry of the document that holds its day, and the words before it.
_BECAUSE = {
    "stopped": ("stopped_day", "treatment given up"),
    "prednisolone": ("prednisolone_day", "prednisolone begun"),
    "intervention": ("intervention_day", "another intervention"),
}


def _response(child: Child) -> Iterator[str]:
    values = child["values"]
    if values["response_onset_day"] is not None:
        confirmed = day_of(child, values["response_confirmed_day"])
        yield f"response begins {day_of(child, values['response_onset_day'])}, confirmed {confirmed}"
    elif values["provisional_onset_day"] is None:
        yield "no confirmed response"
    if values["provisional_onset_day"] is not None:
        yield f"run since {day_of(child, values['provisional_onset_day'])}, not confirmed yet"


def _fibrinogen_value(child: Child) -> Iterator[str]:
    value = child["values"]["fibrinogen_week_4"]
    yield "no fibrinogen at week 4" if value is None else f"fibrinogen {value:g} g/L at week 4"


def _fibrinogen_run(child: Child) -> Iterator[str]:
    day = child["values"]["fibrinogen_onset_day"]
    yield "no confirmed run" if day is None else f"stabilized from {day_of(child, day)}"


def _rebound(child: Child) -> Iterator[str]:
    values = child["values"]
    if values["rebound_day"] is not None:
        yield f"rebound {day_of(child, values['rebound_day'])}"
        if values["rebound_confirmed_day"] is not None:
            yield f"confirmed {day_of(child, values['rebound_confirmed_day'])}"
    yield from _response(child)


def _lesion(child: Child) -> Iterator[str]:
    first, later = child["values"]["volume_baseline"], child["values"]["volume_month_12"]
    change = f", {100 * (later - first) / first:+.0f} %" if first and later is not None else ""
    yield f"volume {_or_none(first)} at baseline, {_or_none(later)} at month 12{change}".replace("-", "−")


def _score(child: Child) -> Iterator[str]:
    first, later = child["values"]["score_baseline"], child["values"]["score_month_12"]
    yield f"total score {_or_none(first)} at baseline, {_or_none(later)} at month 12"


def _or_none(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _stopped(child: Child) -> Iterator[str]:
    day = child["values"]["stopped_day"]
    yield "treatment not given up on record" if day is None else f"treatment given up {day_of(child, day)}"


def _failure(child: Child) -> Iterator[str]:
    values = child["values"]
    for name, words in (("prednisolone_day", "prednisolone begun"), ("intervention_day", "another intervention")):
        if values[name] is not None:
            yield f"{words} {day_of(child, values[name])}"


def _products(child: Child) -> Iterator[str]:
    given = [f"{count} {kind.replace('_', ' ')}" for kind, count in child["values"]["products"].items() if count]
    yield ", ".join(given) or "none recorded"


def _prednisolone(child: Child) -> Iterator[str]:
    yield f"{child['values']['prednisolone_days']} d on prednisolone"


def _troughs(child: Child) -> Iterator[str]:
    yield f"{child['values']['troughs_in_band']} of {child['values']['troughs']} troughs inside the band"


_FACTS: dict[str, Callable[[Child], Iterator[str]]] = {
    "durable_response": _response,
    "time_to_response": _response,
    "fibrinogen_above": _fibrinogen_value,
    "fibrinogen_stabilized": _fibrinogen_run,
    "rebound": _rebound,
    "time_to_rebound": _rebound,
    "lesion": _lesion,
    "volume_change": _lesion,
    "quality_of_life": _score,
    "stopped": _stopped,
    "treatment_failure": _failure,
    "any_product": _products,
    "products": _products,
    "prednisolone_days": _prednisolone,
    "troughs_in_band": _troughs,
}

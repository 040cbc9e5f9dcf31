"""The lines of a timeline: what happens at a time, and which alerts are expected on a day."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from khemon.models import EVENT_KINDS, Frozen, Quality, ResultStatus, Timing
from khemon.rules.case_rows import Lab

_MOMENT = re.compile(r"(\d+) ([01]\d|2[0-3]):([0-5]\d)")
_DAYS = re.compile(r"(\d+)(?:-(\d+))?")
_STATES = "open|acknowledged|snoozed|resolved|retracted"
_ALERT = re.compile(
    rf"(?P<state>{_STATES}) (?P<rule>[a-z_]+) (?P<status>[a-z]+) (?P<severity>note|warning|critical)"
    r"(?:, muted by (?P<muted_by>[a-z_]+))?(?: \((?P<because>.+)\))?"
)
NOTHING = "nothing"
_TAKE_BACK = "take back "
_TAKEN = " @ "


def day_and_clock(text: str) -> tuple[int, int, int]:
    """Day, hour and minute of a time such as `3 07:30`, on the ward's calendar and clock; ValueError for another."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of a timeline; write the day and the clock, like '3 07:30'")
    return int(found[1]), int(found[2]), int(found[3])


def _is_moment(text: str) -> str:
    day_and_clock(text)
    return text


def _anywhen(moment: str) -> str:
    """Some time, for a moment that can be read."""
    day_and_clock(moment)
    return "0 d"


Moment = Annotated[str, AfterValidator(_is_moment)]


class Happening(Frozen):
    """Something that khemon is told at a time: results, an event, an act of a person, or an import taken back.

    `collected` is when results were taken, `from` when an event began: both are the time of telling unless stated.
    A result that was taken at another time than the rest of its line says so itself: `platelets 18 @ 3 07:00`.
    """

    at: Moment
    what: str
    collected: Moment | None = None
    status: ResultStatus = "final"
    quality: Quality = ""
    specimen: str | None = None
    timing: Timing = "unknown"
    start: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None
    dose: Decimal | None = None
    because: str = "known to the team"

    @model_validator(mode="before")
    @classmethod
    def _from_row(cls, row: Any) -> Any:  # noqa: ANN401
        """`[time, what]`, with a table of the rest behind them where there is more to say."""
        if not isinstance(row, list):
            return row
        *told, more = row if row and isinstance(row[-1], dict) else [*row, {}]
        names = ("at", "what")
        if len(told) != len(names) or any(name in more for name in names):
            raise ValueError("what happens is [time, what] or [time, what, {…}]")
        return {**dict(zip(names, told, strict=True)), **more}

    @model_validator(mode="after")
    def _readable(self) -> Happening:
        if self.act is None and self.taken_back is None and not self.is_event:
            self.labs(_anywhen)
        if self.taken_back is not None:
            day_and_clock(self.taken_back)
        return self

    @property
    def is_event(self) -> bool:
        """Whether it is an event of the chart."""
        return self.what in EVENT_KINDS

    @property
    def act(self) -> tuple[Literal["acknowledge", "snooze"], str] | None:
        """What a person does about the alert of which rule; None when it is no act."""
        verb, _, rule = self.what.partition(" ")
        if verb not in ("acknowledge", "snooze"):
            return None
        return ("acknowledge" if verb == "acknowledge" else "snooze"), rule

    @property
    def taken_back(self) -> str | None:
        """The time at which what is taken back had been told; None when nothing is."""
        return self.what.removeprefix(_TAKE_BACK) if self.what.startswith(_TAKE_BACK) else None

    def labs(self, elapsed: Callable[[str], str]) -> list[Lab]:
        """The results in it; ValueError where unreadable. elapsed: a moment as a case tells it, since the start."""
        found = []
        for part in self.what.split(", "):
            told, _, taken = part.partition(_TAKEN)
            analyte, _, value = told.partition(" ")
            value, _, unit = value.partition(" ")
            at = elapsed(taken or self.collected or self.at)
            more = {"status": self.status, "quality": self.quality, "specimen": self.specimen, "timing": self.timing}
            found.append(Lab.model_validate({"analyte": analyte, "at": at, "value": value, "unit": unit, **more}))
        return found


class Told(Frozen):
    """One alert as the ward has it at a moment; `because`: words of the reason of a move since the last look."""

    state: str
    rule: str
    status: str
    severity: str
    muted_by: str | None = None
    because: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, words: Any) -> Any:  # noqa: ANN401
        """`open kmp confirmed critical, muted by … (why)`."""
        if not isinstance(words, str):
            return words
        found = _ALERT.fullmatch(words)
        if found is None:
            raise ValueError(f"{words!r} is no alert; write it like 'open kmp confirmed critical'")
        return found.groupdict()

    @property
    def plain(self) -> str:
        """The same in words, without the reason."""
        return f"{self.state} {self.rule} {self.status} {self.severity}" + (
            f", muted by {self.muted_by}" if self.muted_by else ""
        )


class Expected(Frozen):
    """The alerts of some days, all of them; where given also the notes, the lines and words of the sentences.

    `says`: rule to words that stand in the sentence of its alert or note. `notes`: the rules of all open episodes
    that only annotate. `ended`: the rules of all lines *recorded after it ended*.
    """

    days: str
    alerts: tuple[Told, ...]
    says: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] | None = None
    ended: tuple[str, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_row(cls, row: Any) -> Any:  # noqa: ANN401
        """`[days, alert, alert, …]` or `[days, "nothing"]`, with a table behind them where there is more to say."""
        if not isinstance(row, list):
            return row
        *told, more = row if row and isinstance(row[-1], dict) else [*row, {}]
        if not all(isinstance(each, str) for each in told) or len(told) == 1 or not told:
            raise ValueError('a day is [days, "nothing"] or [days, alert, …], each in quotation marks')
        days, *alerts = told
        if NOTHING in alerts and len(alerts) > 1:
            raise ValueError(f"days {days}: 'nothing' beside an alert")
        return {"days": days, "alerts": [] if alerts == [NOTHING] else alerts, **more}

    @field_validator("days")
    @classmethod
    def _in_order(cls, days: str) -> str:
        found = _DAYS.fullmatch(days)
        if found is None or int(found[2] or found[1]) < int(found[1]):
            raise ValueError(f"{days!r} are no days; write '3' or '3-9'")
        return days

    @property
    def numbers(self) -> range:
        """The days it speaks of."""
        found = _DAYS.fullmatch(self.days)
        assert found is not None
        return range(int(found[1]), int(found[2] or found[1]) + 1)

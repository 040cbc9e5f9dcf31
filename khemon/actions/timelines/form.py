"""Timelines as data: one TOML file each. The form is described in docs/cases.md."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator

from khemon.actions.live import built_in
from khemon.actions.timelines.rows import Expected, Happening, Moment, day_and_clock
from khemon.models import Frozen, KhemonError, RulebookProblem
from khemon.rules import Protocol
from khemon.rules.calendar import MS_PER_UNIT, to_ms
from khemon.rules.cases import CASES

TIMELINES = CASES / "timelines"


class Timeline(Frozen):
    """What happens to one child, and the alerts of every day at the time of looking.

    `calls`: how often an alert that nobody mutes comes before the ward, opened or opened again.
    """

    title: str
    story: str
    start: dt.date
    look: str = Field(default="12:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    timezone: str = "UTC"
    birth: dt.date | None = None
    diagnosis: Literal["KHE", "tufted angioma"] | None = None
    day0: Moment | None = None
    followed_until: Moment | None = None
    target: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?-\d+(\.\d+)?$")
    protocol: str = "ward"
    happens: tuple[Happening, ...]
    expect: tuple[Expected, ...]
    calls: int

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(f"unknown time zone {name!r}") from error
        return name

    @model_validator(mode="after")
    def _rules_exist(self) -> Timeline:
        try:
            known = set(built_in(self.protocol).rules)
        except KhemonError as problem:
            raise ValueError(str(problem)) from problem
        for expected in self.expect:
            told = {each.rule for each in expected.alerts} | {each.muted_by for each in expected.alerts}
            told |= {*expected.says, *(expected.notes or ()), *(expected.ended or ())}
            unknown = sorted(name for name in told - known if name is not None)
            if unknown:
                raise ValueError(f"days {expected.days}: no rule {unknown[0]!r} in protocol {self.protocol}")
        return self

    @model_validator(mode="after")
    def _every_day_is_told(self) -> Timeline:
        next_day = 0
        for expected in self.expect:
            if expected.numbers.start > next_day:
                raise ValueError(f'day {next_day} is missing: every day is told, one without alerts as "nothing"')
            if expected.numbers.start < next_day:
                raise ValueError(f"day {expected.numbers.start} is told twice")
            next_day = expected.numbers.stop
        return self

    @model_validator(mode="after")
    def _in_order(self) -> Timeline:
        times = [self.at_ms(each.at) for each in self.happens]
        for before, now, happening in zip(times, times[1:], self.happens[1:], strict=False):
            if now <= before:
                raise ValueError(f"{happening.at}: what happens is told in order, each at a time of its own")
        told = {each.at for each in self.happens}
        for each in self.happens:
            if each.taken_back is not None and each.taken_back not in told:
                raise ValueError(f"{each.at}: nothing was told at {each.taken_back} that could be taken back")
        if self.happens and times[-1] > self.look_ms(self.last_day):
            raise ValueError(f"{self.happens[-1].at}: this happens after the last day that is told")
        return self

    @property
    def rules(self) -> Protocol:
        """The protocol it is judged by."""
        return built_in(self.protocol)

    @property
    def last_day(self) -> int:
        """The last day of which the alerts are told."""
        return max((expected.numbers.stop for expected in self.expect), default=1) - 1

    def at_ms(self, moment: str) -> int:
        """UTC milliseconds of a day and a time on the ward's clock."""
        day, hour, minute = day_and_clock(moment)
        date = self.start + dt.timedelta(days=day)
        return to_ms(dt.datetime.combine(date, dt.time(hour, minute), ZoneInfo(self.timezone)))

    def look_ms(self, day: int) -> int:
        """UTC milliseconds at which the ward is looked at on a day."""
        return self.at_ms(f"{day} {self.look}")

    def elapsed(self, moment: str) -> str:
        """A moment as the time since the start of day 0, as a case tells it."""
        return f"{(self.at_ms(moment) - self.at_ms('0 00:00')) // MS_PER_UNIT['min']} min"


def load_timeline(path: Path) -> Timeline:
    """The timeline in a file. RulebookProblem names file and place of what is wrong."""
    where = f"timeline {path.name}"
    try:
        table = tomllib.loads(path.read_text("utf-8"), parse_float=str)
    except OSError as error:
        raise RulebookProblem(where, "the file cannot be read", "name a file with a timeline") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulebookProblem(where, f"not TOML: {error}", "mend the file") from error
    try:
        return Timeline.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        raise RulebookProblem(
            f"{where}{_place(first['loc'], table)}", first["msg"].removeprefix("Value error, "), "see docs/cases.md"
        ) from error


def _place(location: tuple[int | str, ...], table: dict[str, Any]) -> str:
    """', happens, 3 07:00': the key, and of a line how it begins."""
    if not location:
        return ""
    key, *rest = location
    lines = table.get(str(key))
    if rest and isinstance(lines, list) and isinstance(rest[0], int) and isinstance(lines[rest[0]], list):
        line = lines[rest[0]]
        rest[0] = str(line[0]) if line else rest[0]
    return ", " + ", ".join(str(part) for part in (key, *rest))


@lru_cache
def our_timelines() -> tuple[Timeline, ...]:
    """The timelines that come with khemon, by file name."""
    return tuple(load_timeline(path) for path in sorted(TIMELINES.glob("*.toml")))

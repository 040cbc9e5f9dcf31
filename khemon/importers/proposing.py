"""A mapping proposed from a file: what is certain in it, as far as reading with it changes no row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from khemon.importers.claims import TIME_OF_DAY
from khemon.importers.findings import BESIDE, DATES, ColumnFact, Findings
from khemon.importers.formats import read_any
from khemon.importers.layout import LAYOUTS
from khemon.importers.mapping import COLUMN_FIELDS, Mapping
from khemon.importers.mapping_text import TABLES
from khemon.importers.options import ReadOptions
from khemon.importers.signs import plain_text
from khemon.importers.staging import LABS, Reading
from khemon.importers.times import DAY_FIRST, LOCAL, MONTH_FIRST, UNDECIDED
from khemon.models import ImportProblem
from khemon.units import ANALYTES

#: Two figures of a year, which only a person may say.
SHORT_YEAR = 2
LONG_YEAR = 4


def proposed(content: bytes, options: ReadOptions, reading: Reading) -> Mapping:
    """The mapping a file speaks for: what was stated, and of what is certain all that leaves every row as it was read.

    Whose results they are is never part of it: the next file may be another child's.
    """
    stated = options.mapping or Mapping()
    bare = {key: value for key, value in stated.model_dump(exclude_none=True).items() if key != "patient_id"}
    said = {"encoding": options.encoding, "date_format": options.date_format}
    bare |= {key: value for key, value in said.items() if value}
    known = replace(
        options,
        encoding=None,
        date_format=None,
        patient_id=options.patient_id or stated.patient_id,
    )
    for facts in _by_and_by(reading, stated):
        try:
            candidate = Mapping.model_validate(_joined(bare, facts))
            again = read_any(content, replace(known, mapping=candidate))
        except (ValidationError, ImportProblem):
            continue
        if (again.observations, again.events, again.patients) == (
            reading.observations,
            reading.events,
            reading.patients,
        ):
            return candidate
    return Mapping.model_validate(bare)


def _joined(bare: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """What was stated, and what was found where nothing was stated."""
    tables = {name: {**facts.get(name, {}), **bare.get(name, {})} for name in TABLES}
    if bare.get("columns"):
        tables["columns"] = bare["columns"]
    return {**facts, **bare, **tables}


def _by_and_by(reading: Reading, stated: Mapping) -> Iterator[dict[str, Any]]:
    """What is certain in a file: all of it, then less and less."""
    found = reading.found
    assert found is not None, "read with explained=True"
    base: dict[str, Any] = {}
    if reading.encoding:
        base["encoding"] = reading.encoding.removesuffix("-sig")
    if found.delimiter:
        base["delimiter"] = found.delimiter
    if reading.layout in LAYOUTS:
        base["layout"] = reading.layout
    numbers = {"decimal": found.decimal} if found.decimal and not (stated.decimal or stated.thousands) else {}
    times = strptime_forms(found.dates, found.times_of_day, found.order)
    columns = _columns(reading, found)
    for parts in ((times, columns), (columns,), (times,), ()):
        if all(parts):
            yield {**base, **numbers, **{key: value for part in parts for key, value in part.items()}}
    yield base
    yield {}


def _columns(reading: Reading, found: Findings) -> dict[str, Any]:
    """[columns], [codes] and [units] that say what was found; empty where a mapping cannot say it."""
    if reading.kind != LABS or reading.layout not in LAYOUTS or len(found.tables) != 1:
        return {}
    read = [fact for fact in found.tables[0] if fact.meaning and fact.header != DATES and fact.why != BESIDE]
    meanings = [fact.meaning for fact in read]
    sayable = {*COLUMN_FIELDS, *ANALYTES}
    if len(set(meanings)) < len(meanings) or not sayable.issuperset(meanings) or not all(fact.header for fact in read):
        return {}
    codes = {item.text: item.analyte for item in found.items if item.by_its_text}
    return {"columns": {fact.header: fact.meaning for fact in read}, "codes": codes, "units": _units(read)}


def _units(columns: Iterable[ColumnFact]) -> dict[str, str]:
    return {fact.meaning: fact.unit for fact in columns if fact.meaning in ANALYTES and fact.unit}


def strptime_forms(dates: Iterable[str], times_of_day: Iterable[str], order: str) -> dict[str, str]:
    """`date_format`, and `time_format` where times stand apart, of a column with one form whose order is known.

    Empty where the year comes first: nothing need be said then.
    """
    if order == UNDECIDED:
        return {}
    days = {_date_form(plain_text(text), order) for text in dates if text.strip()}
    hours = {_time_form(plain_text(text)) for text in times_of_day if text.strip()}
    found = {name: forms.pop() for name, forms in (("date_format", days), ("time_format", hours)) if len(forms) == 1}
    return found if all(found.values()) and "date_format" in found and not (days or hours) else {}


def date_choices(dates: Iterable[str], times_of_day: Iterable[str]) -> list[str]:
    """The ways in which the dates of a column could be read, for a person to choose from."""
    texts, times = list(dates), list(times_of_day)
    found = [strptime_forms(texts, times, order).get("date_format", "") for order in (DAY_FIRST, MONTH_FIRST)]
    return [form for form in found if form]


def _date_form(text: str, order: str) -> str:
    """A date as strptime writes it; empty for one with the year first, or in words."""
    match = LOCAL.fullmatch(text)
    if match is None or len(match["a"]) > SHORT_YEAR or len(match["c"]) not in (SHORT_YEAR, LONG_YEAR):
        return ""
    sign, year = match["s"], "%Y" if len(match["c"]) == LONG_YEAR else "%y"
    date = sign.join(("%d", "%m", year) if order == DAY_FIRST else ("%m", "%d", year))
    if match["hour"] is None:
        return date
    time = _time_form(text[match.start("hour") :])
    return f"{date}{text[match.end('c') : match.start('hour')]}{time}" if time else ""


def _time_form(text: str) -> str:
    """A time of day as strptime writes it; empty for one that it cannot read."""
    match = LOCAL.fullmatch(f"1.1.1 {text}")
    if match is None or not TIME_OF_DAY.fullmatch(text) or (match["half"] and "." in match["half"]):
        return ""
    end = match.end("second") if match["second"] else match.end("minute")
    seconds = ":%S" if match["second"] else ""
    if not match["half"]:
        return f"%H:%M{seconds}" if end == len(match[0]) else ""
    return f"%I:%M{seconds}{match[0][end : match.start('half')]}%p"

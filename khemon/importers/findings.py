"""How a file was understood: what each column means and why, the items in it, how its times and numbers are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from khemon.importers.grid import Grid
from khemon.importers.items import find_item, named_analytes
from khemon.importers.layout import CANONICAL, DATES_ACROSS, WIDE, Columns, known_meaning
from khemon.importers.mapping import Mapping
from khemon.importers.options import ReadOptions
from khemon.importers.signs import certain_signs, plain_text
from khemon.importers.staging import ACCEPTED
from khemon.importers.times import DAY_FIRST, MONTH_FIRST, UNDECIDED, order_of
from khemon.units import folded_name

#: What stands for the columns of a table with dates across, however many there are.
DATES = "(dates)"
OFFSET = re.compile(r"(?<=:\d\d)[+-](?=\d\d)")
FIGURES_OR_LETTERS = re.compile(r"(\d+)|[^\W\d_]+")
#: More ways of writing a time than a laboratory has.
MOST_FORMS = 20
#: A day, a month, an hour or a minute has at most so many figures.
ONE_PART = 2
BY_MAPPING, BY_NAME, BY_WORDS, BY_ITEM, BY_CONTENT = (
    "the mapping says so",
    "khemon's own name",
    "a known header",
    "a known name of an analyte",
    "what stands below it",
)
BESIDE = "the units of another column"
IS_DATE, NOT_KNOWN, OTHER_SAYS_IT = "a date", "not known: not read", "another column says it: not read"


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column: its header, what it means (empty: it is not read), the unit its header names, and why."""

    header: str
    meaning: str
    unit: str
    why: str


@dataclass(frozen=True, slots=True)
class ItemFact:
    """An item of a file: code, name and unit as written, the analyte it stands for, and whether that is certain."""

    text: str
    name: str
    unit: str
    analyte: str
    certain: bool
    why: str

    @property
    def by_its_text(self) -> bool:
        """Whether the item's text says by itself which analyte it is, without a unit or the code of a standard."""
        return self.certain and not self.name and named_analytes(self.text) == (self.analyte,)


@dataclass(frozen=True, slots=True)
class Findings:
    """How a file was understood.

    `tables` are the columns of each table, tables with the same columns once. `dates` and `times_of_day` are the texts
    of collection; `forms` how they are written, without their figures; `order` which of day and month comes first, by
    the file's own certainty or as stated. `decimal` is the sign that the file makes certain.
    """

    where: str
    delimiter: str
    tables: tuple[tuple[ColumnFact, ...], ...]
    items: tuple[ItemFact, ...]
    dates: frozenset[str] = field(repr=False)
    times_of_day: frozenset[str] = field(repr=False)
    order: str
    decimal: str | None

    @property
    def forms(self) -> tuple[str, ...]:
        """How times are written: N for one or two figures, A for a word."""
        texts = (*self.dates, *self.times_of_day)
        return tuple(sorted({form_of(text) for text in texts if text.strip()})[:MOST_FORMS])


def form_of(text: str) -> str:
    """A time without its figures and words: 14.03.2025 06:05 is N.N.NNNN N:N."""
    plain = OFFSET.sub("±", plain_text(text))
    return FIGURES_OR_LETTERS.sub(_without_content, plain)


def _without_content(match: re.Match[str]) -> str:
    figures = len(match[1] or "")
    return "A" if not figures else "N" if figures <= ONE_PART else "N" * figures


def found_in(
    tables: Sequence[tuple[Grid, Columns]],
    options: ReadOptions,
    dates: Iterable[str],
    times_of_day: Iterable[str],
    values: Iterable[str],
) -> Findings:
    """How these tables were understood; `dates`, `times_of_day` and `values` are the texts of their cells."""
    mapping = options.mapping
    first, columns = tables[0]
    texts = frozenset(dates)
    return Findings(
        first.where(first.header_line),
        first.delimiter if first.sheet is None else "",
        tuple(dict.fromkeys(tuple(_facts(grid, of, mapping)) for grid, of in tables)),
        tuple(_items(tables, mapping.coded() if mapping else {})),
        texts,
        frozenset(times_of_day),
        _order(texts, options),
        certain_signs(values).decimal if columns.layout != CANONICAL else None,
    )


def _order(texts: frozenset[str], options: ReadOptions) -> str:
    """Which of day and month comes first: as the file makes certain, else as stated, else undecided."""
    own = order_of(texts)
    form = options.date_format or (options.mapping.date_format if options.mapping else None) or ""
    if own != UNDECIDED or "%d" not in form or "%m" not in form or form.startswith("%Y"):
        return own
    return DAY_FIRST if form.index("%d") < form.index("%m") else MONTH_FIRST


def _facts(grid: Grid, columns: Columns, mapping: Mapping | None) -> Iterator[ColumnFact]:
    """What every column of a table means; dates across once for all."""
    found = {index: (name, "") for name, index in columns.at.items()} | {at: ("comment", "") for at in columns.comments}
    for column in columns.analytes:
        item = find_item(column.item, "", column.unit, {})
        found[column.index] = (item.analyte or "", column.unit)
        if column.unit_at >= 0:
            found.setdefault(column.unit_at, ("unit", ""))
    under = {column.index for column in columns.analytes}
    beside = {column.unit_at for column in columns.analytes} - {columns.at.get("unit")}
    dates = [index for index in columns.dates if index not in found]
    last = max((index for index, name in enumerate(grid.header) if name), default=-1)
    for index, header in enumerate(grid.header[: last + 1]):
        if index in dates:
            if index == dates[0]:
                across = columns.layout == DATES_ACROSS
                yield ColumnFact(DATES, "collected_at" if across else "", "", IS_DATE if across else NOT_KNOWN)
            continue
        meaning, unit = found.get(index, ("", ""))
        why = BESIDE if index in beside else _why(header, meaning, index in under, columns, mapping)
        yield ColumnFact(header, meaning, unit, why)


def _why(header: str, meaning: str, is_item: bool, columns: Columns, mapping: Mapping | None) -> str:
    folded = folded_name(header)
    if mapping and folded in map(folded_name, mapping.columns):
        return BY_MAPPING if meaning else OTHER_SAYS_IT
    if meaning and columns.layout == CANONICAL:
        return BY_NAME
    if is_item:
        return BY_ITEM
    known = known_meaning(header)
    if not meaning:
        return OTHER_SAYS_IT if known else NOT_KNOWN
    return BY_WORDS if known == meaning or known == f"{meaning}_name" else BY_CONTENT


def _items(tables: Sequence[tuple[Grid, Columns]], codes: dict[str, str]) -> Iterator[ItemFact]:
    """Every item of tables that have a column for them, in the order of their first line."""
    seen: dict[tuple[str, str, str], None] = {}
    for grid, columns in tables:
        if columns.layout == WIDE or "analyte" not in columns.at:
            continue
        # A cell of its own stands behind the last one of a row: empty where the table has no such column.
        at = [columns.at.get(name, -1) for name in ("analyte", "analyte_name", "unit")]
        cells_of = ((tuple(cells[index].strip() if index >= 0 else "" for index in at)) for cells in grid.rows)
        seen |= dict.fromkeys((text, name, unit) for text, name, unit in cells_of)
    for text, name, unit in seen:
        if not text and not name:
            continue
        item = find_item(text, name, unit, codes)
        why = item.reasons[0] if item.reasons else ""
        yield ItemFact(text, name, unit, item.analyte or "", item.decision == ACCEPTED and bool(item.analyte), why)

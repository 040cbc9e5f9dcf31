"""The shape of a laboratory's files as text, and what another file has that this shape has not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from khemon.importers.findings import DATES, MOST_FORMS
from khemon.importers.staging import Reading
from khemon.importers.times import UNDECIDED
from khemon.models import ImportProblem
from khemon.units import folded_name

#: A laboratory's own list of items is shorter; a column of anything else is not remembered whole.
MOST_ITEMS = 2_000
#: So many characters of a header, and so many items, are told.
TOLD, TOLD_ITEMS = 40, 5
NEW_COLUMN, GONE_COLUMN, MOVED_COLUMN, OTHER_MEANING, NEW_TABLE = "new", "gone", "moved", "meaning", "table"
TIME_FORM, DATE_ORDER, DECIMAL_SIGN, NEW_ITEM = "time_form", "date_order", "decimal", "item"
PLAIN = ("format", "layout", "delimiter", "encoding", "order", "decimal")
#: A column as it is remembered: folded header and meaning.
ColumnShape = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """What files of one laboratory have in common: format, layout, columns in order, how times and numbers are written.

    `times` and `items` grow with what is seen; everything else is compared.
    """

    format: str
    layout: str
    delimiter: str
    encoding: str
    order: str
    decimal: str
    tables: tuple[tuple[ColumnShape, ...], ...]
    times: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def text(self) -> str:
        """The shape as canonical JSON: the same text for the same shape."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between a file and the shape of its laboratory; `touches`: it may change what a row means."""

    kind: str
    words: str
    touches: bool = True


def shape_of(reading: Reading) -> Shape:
    """The shape of a file that was read with `explained`."""
    found = reading.found
    assert found is not None, "read with explained=True"
    tables = tuple(tuple((folded_name(fact.header), fact.meaning) for fact in table) for table in found.tables)
    items = sorted({folded_name(item.text or item.name) for item in found.items})
    return Shape(
        reading.format,
        reading.layout,
        found.delimiter,
        reading.encoding.removesuffix("-sig"),
        found.order,
        found.decimal or "",
        tuple(dict.fromkeys(tables)),
        found.forms,
        tuple(items[:MOST_ITEMS]),
    )


def shape_in(text: str) -> Shape | None:
    """The shape in a text; None for an empty one, ImportProblem for one that is none."""
    if not text:
        return None
    try:
        table = json.loads(text)
        columns = [[(str(header), str(meaning)) for header, meaning in one] for one in table.pop("tables")]
        times, items = (tuple(map(str, table.pop(name))) for name in ("times", "items"))
        form, layout, delimiter, encoding, order, decimal = (str(table.pop(name)) for name in PLAIN)
        tables = tuple(map(tuple, columns))
        return Shape(form, layout, delimiter, encoding, order, decimal, tables, times, items)
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise ImportProblem("shape", "not the shape of a file", "make it anew from a file") from problem


def with_seen(shape: Shape, before: Shape | None) -> Shape:
    """The shape with the ways of writing times and the items that were seen before."""
    if before is None:
        return shape
    times, items = ({*getattr(shape, name), *getattr(before, name)} for name in ("times", "items"))
    return replace(shape, times=tuple(sorted(times)[:MOST_FORMS]), items=tuple(sorted(items)[:MOST_ITEMS]))


def told(header: str) -> str:
    """A header in quotation marks, cut where it is long; signs that cannot be seen are written out."""
    return repr(header if len(header) <= TOLD else header[:TOLD] + "…")


def changes(before: Shape, now: Shape) -> list[Change]:
    """What a file has otherwise than the shape of its laboratory, the weightiest first."""
    found: list[Change] = []
    for name, words in (("format", "the format"), ("layout", "the layout"), ("encoding", "the encoding")):
        one, other = getattr(before, name), getattr(now, name)
        if one != other:
            found.append(Change(name, f"{words} is {other or 'not stated'}, before {one or 'not stated'}"))
    if before.delimiter != now.delimiter and before.format == now.format:
        found.append(Change("delimiter", f"columns are separated by {now.delimiter!r}, before by {before.delimiter!r}"))
    for table in now.tables:
        if table not in before.tables:
            found += _columns(_nearest(before.tables, table), table)
    return found + list(_writing(before, now))


def _nearest(tables: Sequence[tuple[ColumnShape, ...]], table: tuple[ColumnShape, ...]) -> tuple[ColumnShape, ...]:
    names = {header for header, _ in table}
    return max(tables, key=lambda other: len(names & {header for header, _ in other}), default=())


def _columns(before: tuple[ColumnShape, ...], now: tuple[ColumnShape, ...]) -> Iterator[Change]:
    old, new = dict(before), dict(now)
    if not old.keys() & new.keys():
        yield Change(NEW_TABLE, f"a table with other columns, the first is {told(now[0][0] if now else '')}")
        return
    for header, meaning in now:
        if header not in old:
            yield Change(NEW_COLUMN, f"{_column(header)} is new")
        elif old[header] != meaning:
            words = f"{_column(header)} means {meaning or 'nothing'}, before {old[header] or 'nothing'}"
            yield Change(OTHER_MEANING, words)
    for header, meaning in before:
        if header not in new:
            # What was not read is not missed.
            yield Change(GONE_COLUMN, f"{_column(header)} is gone", touches=bool(meaning))
    stayed = [header for header, _ in before if header in new]
    for header in _moved(stayed, [header for header, _ in now if header in old]):
        # Columns are read by their headers.
        yield Change(MOVED_COLUMN, f"{_column(header)} stands in another place", touches=False)


def _column(header: str) -> str:
    return f"column {told(header)}" if header else "a column without a name"


def _moved(before: list[str], now: list[str]) -> Iterator[str]:
    """Headers that changed places with others."""
    yield from (header for was, header in zip(before, now, strict=False) if was != header and header != DATES)


def _writing(before: Shape, now: Shape) -> Iterator[Change]:
    """Times, numbers and items that are written otherwise."""
    forms = [form for form in now.times if form not in before.times]
    if forms and before.times:
        words = f"times are written as {forms[0]}, before as {before.times[0]} (N: figures, A: words)"
        yield Change(TIME_FORM, words)
    if UNDECIDED not in (before.order, now.order) and before.order != now.order:
        yield Change(DATE_ORDER, f"dates have the {now.order}, before the {before.order}")
    if before.decimal and now.decimal and before.decimal != now.decimal:
        yield Change(DECIMAL_SIGN, f"the decimal sign is {now.decimal!r}, before {before.decimal!r}")
    items = [item for item in now.items if item not in before.items]
    if items and before.items:
        more = f" and {len(items) - TOLD_ITEMS} more" if len(items) > TOLD_ITEMS else ""
        words = f"item names not seen before: {', '.join(map(told, items[:TOLD_ITEMS]))}{more}"
        yield Change(NEW_ITEM, words, touches=False)

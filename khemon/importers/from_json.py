"""Reads flat JSON records as a table: a record is a row, its names are the columns. Read apart.

They stand in an array, or each on a line of its own (NDJSON).
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from khemon.importers.decoding import CONTROL, decoded
from khemon.importers.grid import MAX_CELL, MAX_COLUMNS, Fact
from khemon.importers.workbook.cells import LONGEST_PLAIN, Sheet, too_many_rows
from khemon.models import ImportProblem

#: Levels of a document that are read before it is given up; a table has two.
DEEPEST = 64
REMEDY = (
    'send an array of flat records: [{"patient_id": "…", "collected_at": "…", "analyte": "…", "value": …, "unit": "…"}]'
)
LONGEST_RECORD = 2 * MAX_COLUMNS * MAX_CELL
NUMBER = Fact(number=True)


class Digits(str):
    """A JSON number as it is written."""

    __slots__ = ()


def _refuse(found: str, where: str = "file") -> NoReturn:
    raise ImportProblem(where, found, REMEDY)


@dataclass(slots=True)
class _Records:
    """Takes the records of a document while it is read; `most` is how many there may be."""

    most: int | None
    count: int = 0

    def take(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.count += 1
        if len(pairs) > MAX_COLUMNS:
            _refuse(f"a JSON record of more than {MAX_COLUMNS} names", f"record {self.count}")
        if self.most is not None and self.count > self.most + 1:
            raise too_many_rows(self.most)
        found = dict(pairs)
        if len(found) < len(pairs):
            _refuse("a JSON record that states one name twice", f"record {self.count}")
        return found


def _no_number(name: str) -> NoReturn:
    _refuse(f"{name} is not a number that JSON has")


@contextmanager
def not_too_deep(remedy: str) -> Iterator[None]:
    """JSON is read in it down to a depth that no file of results has; ImportProblem for what is no JSON, or deeper."""
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(sum(1 for _ in traceback.walk_stack(None)) + DEEPEST)
        yield
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, character {problem.colno}"
        raise ImportProblem(where, "not valid JSON", remedy) from problem
    except RecursionError as problem:
        raise ImportProblem("file", "JSON nested too deep", remedy) from problem
    finally:
        sys.setrecursionlimit(limit)


def read_json(content: bytes, encoding: str | None, most: int | None) -> Iterator[Sheet]:
    """The records as one sheet, row 1 being the first record; ImportProblem for JSON of any other shape."""
    text, _ = decoded(content, encoding)
    if text.find("}") > LONGEST_RECORD:
        _refuse(f"a JSON record of more than {LONGEST_RECORD} characters", "record 1")
    with not_too_deep(REMEDY):
        document = read_document(text, lambda: _Records(most).take, REMEDY)
    yield _sheet(_records(document))


#: Takes the pairs of an object and gives the object.
Take = Callable[[list[tuple[str, Any]]], dict[str, Any]]


def read_document(text: str, taking: Callable[[], Take], remedy: str) -> Any:  # noqa: ANN401
    """What the text holds; of several objects one after the other, each on its line, a list."""
    try:
        return _loaded(text, taking())
    except json.JSONDecodeError as problem:
        if problem.msg != "Extra data" or not text.lstrip().startswith("{"):
            raise
    found, take = [], taking()
    # Not at other ends of lines: a text in a record may hold those.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = _loaded(line, take)
        except json.JSONDecodeError as problem:
            where = f"line {number}, character {problem.colno}"
            raise ImportProblem(where, "not valid JSON", remedy) from problem
        if not isinstance(record, dict):
            raise ImportProblem(f"line {number}", "a line that is not one record", remedy)
        found.append(record)
    return found


def _loaded(text: str, take: Take) -> Any:  # noqa: ANN401
    return json.loads(text, object_pairs_hook=take, parse_constant=_no_number, parse_float=Digits, parse_int=Digits)


def _records(document: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """The array of records, also where it is the only array of one object."""
    if isinstance(document, dict):
        flat = not any(isinstance(value, dict | list) for value in document.values())
        if document and flat:
            return [document]
        arrays = [value for value in document.values() if isinstance(value, list)]
        document = arrays[0] if len(arrays) == 1 else _refuse("a JSON object that is not one array of records")
    if not isinstance(document, list) or not all(isinstance(record, dict) for record in document):
        _refuse("JSON that is not an array of records")
    if not document:
        _refuse("an empty JSON array")
    return document


def _sheet(records: list[dict[str, Any]]) -> Sheet:
    names: dict[str, int] = {}
    sheet = Sheet("")
    for number, record in enumerate(records, start=1):
        sheet.rows[number] = {}
        for name, value in record.items():
            column = names.setdefault(name, len(names))
            if column >= MAX_COLUMNS:
                _refuse(f"more than {MAX_COLUMNS} names", f"record {number}")
            sheet.put(number, column, *_cell(value, f"record {number}, {name[:40]!r}"))
    sheet.rows[0] = {column: name for name, column in names.items()}
    for name in names:
        _check_text(name, "the names of the records")
    return sheet


def _cell(value: Any, where: str) -> tuple[str, Fact | None]:  # noqa: ANN401
    """Text and fact of a value."""
    if value is None:
        return "", None
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, Digits):
        _check_text(value, where)
        return plain_digits(value), NUMBER
    if not isinstance(value, str):
        _refuse("a value that is itself a record or an array", where)
    _check_text(value, where)
    return value, None


def plain_digits(digits: str) -> str:
    """A number without an exponent where it is short enough to be one; else as written, which no value may be."""
    if "e" not in digits.casefold():
        return str(digits)
    try:
        number = Decimal(digits)
    except InvalidOperation:
        return str(digits)
    return f"{number:f}" if abs(number.adjusted()) < LONGEST_PLAIN else str(digits)


def _check_text(text: str, where: str) -> None:
    if len(text) > MAX_CELL:
        raise ImportProblem(where, f"a text of {len(text)} characters", f"a text holds at most {MAX_CELL} characters")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ImportProblem(where, "half of a character", "export the file again")
    if not text.isprintable() and (found := CONTROL.search(text)):
        raise ImportProblem(where, f"control character 0x{ord(found[0]):02x} in the text", "export the file again")

"""What the rows of a file say of results, as columns of the table: each thing that is said stands there once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from khemon.store.column_types import Text
from khemon.store.repository.bulk import Column, Same
from khemon.store.repository.intake_labs import plain_values
from khemon.store.tables import result
from khemon.units import ANALYTE_CODES

NAMES = [column.name for column in result.columns]
#: The columns of a row that are not what it says of a result.
VARIED = ("patient_no", "collected_ms", "result_id", "specimen", "row", "collected_text", "digest")


class Said:
    """What rows say of a result, as columns of the table and as parts of the text their digests are made of."""

    def __init__(self, said: Sequence[Any]) -> None:
        rows = [
            (*plain_values(0, 0, ANALYTE_CODES[each.analyte], 0, each, None), 0)
            if each.decision == "accepted"
            else None
            for each in said
        ]
        accepted = [row for row in rows if row]
        # The last place is for rows that say something of their own.
        whole = [row or (None,) * len(NAMES) for row in (*rows, None)]
        self._columns: dict[str, Column] = {}
        texts: list[list[Any]] = []
        for place, name in enumerate(NAMES):
            values = {repr(row[place]): row[place] for row in accepted} or {"": None}
            alone = Same(next(iter(values.values())))
            if len(values) == 1:
                self._columns[name] = alone
                continue
            column = [row[place] for row in whole]
            if isinstance(result.c[name].type, Text):
                column = next((other for other in texts if other == column), column)
                texts.append(column)
            self._columns[name] = column
        low, specimen, text, digest = map(NAMES.index, ("low", "specimen", "text", "digest"))
        parts = ((str(row[2]), repr(row[low:specimen])[1:-1], repr(row[text:digest])[1:-1]) for row in whole)
        self._parts = list(parts)

    def columns(self, names: Iterable[str], what: Sequence[int]) -> dict[str, Column]:
        """Columns of the table for rows that say this; those of the same values are made once, and copied."""
        met: dict[int, list[Any]] = {}
        found: dict[str, Column] = {}
        for name in names:
            column = self._columns[name]
            if isinstance(column, Same):
                found[name] = column
            elif id(column) in met:
                found[name] = met[id(column)].copy()
            else:
                found[name] = met[id(column)] = list(map(column.__getitem__, what))
        return found

    @property
    def kept(self) -> dict[str, Sequence[Any]]:
        """Each column in which something stands, of all that is said; the rows are told by their place."""
        count = len(self._parts)
        columns = {name: self._columns[name] for name in NAMES if name not in VARIED}
        whole = {name: [one.value] * count if isinstance(one, Same) else one for name, one in columns.items()}
        return {name: column for name, column in whole.items() if any(value is not None for value in column)}

    def texts(self, what: Sequence[int], varied: Mapping[str, Any]) -> list[str]:
        """Of each row the plain values in the order of the table, as a tuple of them is written."""
        columns = (varied[name] for name in ("patient_no", "collected_ms", "result_id", "row", "collected_text"))
        rows = zip(map(self._parts.__getitem__, what), *columns, strict=True)
        specimen = varied["specimen"]
        if isinstance(specimen, Same):
            return [
                f"({number}, {at}, {code}, {row_id}, {bounds}, None, None, {line}, None, {written!r}, {rest})"
                for (code, bounds, rest), number, at, row_id, line, written in rows
            ]
        return [
            f"({number}, {at}, {code}, {row_id}, {bounds}, {named!r}, None, {line}, None, {written!r}, {rest})"
            for ((code, bounds, rest), number, at, row_id, line, written), named in zip(rows, specimen, strict=True)
        ]

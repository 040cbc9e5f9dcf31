"""What this process read of a child before: kept in memory, and used again only where it is what should be there.

An arriving result adds one row to some hundred that were read with the last one. They are not read again: the seal of
the child says how many rows there should be and what their marks come to, and the rows that are kept, with those
recorded since, must come to the same. So nothing another process wrote is missed, and nothing has to be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from khemon.store.repository.marks import Total
from khemon.store.texts import Texts

Array = npt.NDArray[Any]
#: Children of whom something is kept; each takes some tens of kilobytes.
MOST_CHILDREN = 1024
#: The types of the columns as they are kept; `object` for texts and for numbers that may be absent.
_TYPES = (
    np.int64,
    np.int64,
    np.int8,
    np.float64,
    np.float64,
    np.int8,
    np.int8,
    object,
    np.int64,
    object,
    np.int8,
)
_TIME, _ANALYTE, _ROW_ID = 1, 2, 8


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """The results of one child: the columns of RESULT_COLUMNS in order, and what their marks come to.

    texts: id of a result to its text, unit and canonical text, of those that were asked for. memory: what whoever
    judges the child keeps, under conditions of its own.
    """

    total: Total
    columns: tuple[Any, ...]
    last_id: int
    texts: Texts = field(default_factory=Texts)
    memory: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, total: Total, columns: Sequence[Sequence[Any]]) -> Child:
        """A child of whom nothing was kept."""
        kept = tuple(_array(column, kind) for column, kind in zip(columns, _TYPES, strict=True))
        return cls(total, kept, int(kept[_ROW_ID].max(initial=0)))

    def with_rows(self, total: Total, columns: Sequence[Sequence[Any]]) -> Child:
        """The same with rows that were recorded since."""
        new = (_array(column, kind) for column, kind in zip(columns, _TYPES, strict=True))
        whole = tuple(np.concatenate((old, more)) for old, more in zip(self.columns, new, strict=True))
        time, analyte, row_id = whole[_TIME], whole[_ANALYTE], whole[_ROW_ID]
        first = self.columns[_TIME].size
        if len(columns[0]) > 1 or not (time[first:] > time[:first][-1:]).all():
            order = np.lexsort((row_id, analyte, time))
            whole = tuple(column[order] for column in whole)
        # The texts of rows that are not committed yet must not be met by whoever reads without them.
        return Child(total, whole, int(row_id.max()), self.texts.beside(), self.memory)


def _array(column: Sequence[Any], kind: type) -> Array:
    if kind is not object:
        return np.asarray(column, dtype=kind)
    found = np.empty(len(column), dtype=object)
    found[:] = column
    return found


def specimen_codes(specimens: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """Equal texts get equal codes; -1 where there is none."""
    if not any(specimens):
        return np.full(len(specimens), -1, dtype=np.int64)
    codes: dict[str | None, int] = {None: -1}
    return np.fromiter(
        (codes.setdefault(text, len(codes) - 1) for text in specimens), dtype=np.int64, count=len(specimens)
    )


#: What was found, and what the rows that it rests on come to.
Fact = tuple[tuple[Total, ...], Any]
#: Such by number of the child (0: the ward) and by name.
Facts = dict[int, dict[str, Fact]]


class Children:
    """What is kept of children, by number; the one that was kept first goes first."""

    def __init__(self) -> None:
        self._kept: dict[int, Child] = {}
        self._facts: Facts = {}
        self._numbers: dict[str, int] = {}
        self._lock = Lock()

    def get(self, number: int) -> Child | None:
        """What is kept of a child."""
        return self._kept.get(number)

    def fact(self, number: int, name: str) -> Fact | None:
        """What was found of that name about a child, or (0) about the ward."""
        return self._facts.get(number, {}).get(name)

    def number_of(self, patient_id: str) -> int | None:
        """The number under which a child was found."""
        return self._numbers.get(patient_id)

    def keep(self, read: Mapping[int, Child], facts: Facts, numbers: Mapping[str, int]) -> None:
        """Keeps what a transaction read and wrote that is committed now."""
        with self._lock:
            for number, child in read.items():
                self._kept.pop(number, None)
                self._kept[number] = child
                child.texts.settle()
            for number, found in facts.items():
                self._facts[number] = self._facts.pop(number, {}) | found
            if len(numbers) <= MOST_CHILDREN:
                self._numbers |= numbers
            some: tuple[dict[Any, Any], ...] = (self._kept, self._facts, self._numbers)
            for kept in some:
                while len(kept) > MOST_CHILDREN:
                    del kept[next(iter(kept))]

"""What should be there: counted and marked as it is written, compared as it is read.

Every transaction has its `Seals`. Writing notes what it adds; reading compares what it found with what should be there,
and refuses (or, where a page asks for it, sets the patient aside) before a number is shown. A scope is a patient's
number, or 0 for the whole ward.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from khemon.models import DamagedRows, StoreProblem
from khemon.store.repository.children import Child, Children, Fact, Facts
from khemon.store.repository.marks import NONE, Total, mark_of
from khemon.store.repository.ready import Ready
from khemon.store.tables.judged import seal

WARD = 0
#: What was taken back, and what people decided about rows: what stands of a child rests on these too.
OF_ACTS = ((WARD, "batch_undo"), (WARD, "decision"))
#: Kinds whose scope is a patient: one damaged child does not keep the others from being shown.
OF_PATIENTS = frozenset(
    {
        "batch_patient",
        "result",
        "other_result",
        "event",
        "patient_said",
        "alert",
        "review",
        "conflict",
        "no_value",
        "rejected",
    }
)
#: The kind of a child's episodes. They follow from the rest, so what they come to is not told: the mark is another one
#: whenever they were changed, by chance, and how often.
VERSION = "episodes"
_WORDS = {
    "batch": "imports",
    "batch_undo": "undone imports",
    "patient": "patients",
    "setting": "settings",
    "settlement": "rows judged anew",
    "protocol": "protocols",
    "decision": "decisions about rows",
    "mapping": "mappings",
}
_REMEDY = "run khemon check and restore a backup"
_COLUMNS = sa.select(seal.c.number, seal.c.kind, seal.c.counted, seal.c.mark, seal.c.digest)
_OF_ONE = Ready(_COLUMNS.where(seal.c.number == sa.bindparam("number")))
_ALL = Ready(_COLUMNS)
_WRITE = Ready(
    sa.text(
        "INSERT INTO seal (number, kind, counted, mark, digest) VALUES (:number, :kind, :counted, :mark, :digest)"
        " ON CONFLICT (number, kind)"
        " DO UPDATE SET counted = excluded.counted, mark = excluded.mark, digest = excluded.digest"
    )
)
Key = tuple[int, str]
Value = TypeVar("Value")


def damage(where: str, patients: Collection[int] = ()) -> DamagedRows:
    """The problem of rows that are not what was written."""
    return DamagedRows(where, "is not what was written: rows are changed, missing or added", _REMEDY, patients)


class Seals:
    """What should be there as far as it was asked for, with what this transaction adds."""

    def __init__(self, connection: sa.Connection, kept: Children | None = None) -> None:
        self._connection = connection
        #: What this process read of children before, where it may be used; and what this transaction adds to that.
        self.kept = kept
        self.read: dict[int, Child] = {}
        self.facts: Facts = {}
        #: The last result that this transaction brought of a child, as it is read, and what it comes to.
        self.brought: dict[int, tuple[Total, tuple[Any, ...]]] = {}
        #: How far the rows of a kind of the ward have come in the end: kept when they are written.
        self.heads: dict[str, Any] = {}
        self._stored: dict[Key, Total] = {}
        self._known: set[int] = set()
        self._whole = False
        self._noted: dict[Key, Total] = {}
        self._first: set[Key] = set()
        #: Patients whose rows are damaged, left out by a page that shows the others.
        self.left_out: set[int] = set()
        #: What this transaction asked and compared before, so that it need not ask again: the number of each patient
        #: that was found, by id, and the settings.
        self.numbers: dict[str, int] = {}
        self.settings: dict[str, str] | None = None

    def note(self, kind: str, number: int, mark: int, rows: int = 1) -> None:
        """A row of that mark was added; `rows` 0: it was changed, and the mark is that of both sides."""
        key = (number, kind)
        self._noted[key] = self._noted.get(key, NONE).with_mark(mark, rows)

    def note_first(self, kind: str, number: int, mark: int) -> None:
        """The first row of a scope was added, whose number was free: of it nothing is there to be read."""
        self._first.add((number, kind))
        self.note(kind, number, mark)

    def note_all(self, kind: str, found: Mapping[int, Total]) -> None:
        """Several rows were added."""
        for number, total in found.items():
            self.note(kind, number, total.mark, total.rows)

    @property
    def noted(self) -> Mapping[Key, Total]:
        """What this transaction added, by scope and kind."""
        return self._noted

    def expected(self, kind: str, numbers: Iterable[int] | None) -> dict[int, Total]:
        """What should be there in these scopes, those without rows left out. None: in all."""
        if numbers is None:
            self._load_all()
            keys: Iterable[Key] = [key for key in {**self._stored, **self._noted} if key[1] == kind]
        else:
            asked = list(numbers)
            self._load(asked)
            keys = ((number, kind) for number in asked)
        found = {key[0]: self._now(key) for key in keys}
        return {number: total for number, total in found.items() if total != NONE}

    def recall(self, name: str, number: int, kinds: Iterable[Key], read: Callable[[], Value]) -> Value:
        """What `read` gives, now or before: it rests on the rows of these scopes and kinds alone, and compares them.

        Found before, it is given again where these rows come to the same as then: nobody may change it.
        """
        if self.kept is None or number in self.left_out:
            return read()
        keys = list(kinds)
        basis = self._basis(keys)
        known = self._fact(name, number)
        if known is None or known[0] != basis:
            known = (basis, read())
        self.facts.setdefault(number, {})[name] = known
        found: Value = known[1]
        return found

    def known(self, name: str, number: int, kinds: Sequence[Key]) -> Any:  # noqa: ANN401
        """What `recall` would give without reading; None where it would read."""
        known = self._fact(name, number)
        return None if known is None or known[0] != self._basis(kinds) else known[1]

    def learn(self, name: str, number: int, kinds: Sequence[Key], found: object) -> None:
        """Keeps what this transaction knows of the rows of these scopes and kinds as they are now."""
        self.facts.setdefault(number, {})[name] = (self._basis(kinds), found)

    def has(self, kind: str, number: int) -> bool:
        """Whether anything should be there."""
        return self._basis([(number, kind)])[0] != NONE

    def number_of(self, patient_id: str) -> int | None:
        """The number of a patient who was found before and whose row is as it should be; None for any other."""
        number = None if self.kept is None else self.kept.number_of(patient_id)
        if number is None:
            return None
        there = self.expected("patient_row", [number]).get(number, NONE) == Total(1, mark_of(number, patient_id))
        return number if there else None

    def _fact(self, name: str, number: int) -> Fact | None:
        if self.kept is None or number in self.left_out:
            return None
        return self.facts.get(number, {}).get(name) or self.kept.fact(number, name)

    def _basis(self, kinds: Sequence[Key]) -> tuple[Total, ...]:
        self._load([scope for scope, _ in kinds])
        return tuple(map(self._now, kinds))

    def _now(self, key: Key) -> Total:
        stored, noted = self._stored.get(key, NONE), self._noted.get(key, NONE)
        return stored.with_mark(noted.mark, noted.rows)

    def compare(
        self, kind: str, found: Mapping[int, Total], numbers: Iterable[int] | None, where: str | None = None
    ) -> None:
        """Refuses with DamagedRows what is not as it should be, except of patients who are left out."""
        asked = None if numbers is None else list(numbers)
        expected = self.expected(kind, asked)
        if expected == found:
            return
        scopes = expected.keys() | found.keys() if asked is None else asked
        self.refuse(kind, {n for n in scopes if expected.get(n, NONE) != found.get(n, NONE)}, where)

    def refuse(self, kind: str, wrong: set[int], where: str | None = None) -> None:
        """Raises DamagedRows for these scopes, naming the patients; the ward is never left out."""
        if kind in OF_PATIENTS:
            wrong = wrong - self.left_out
        if wrong:
            of_patients = wrong if kind in OF_PATIENTS and WARD not in wrong else ()
            raise damage(where or _WORDS.get(kind, f"patient number {min(wrong)}"), of_patients)

    def _load(self, numbers: Sequence[int]) -> None:
        missing = [] if self._whole else [number for number in dict.fromkeys(numbers) if number not in self._known]
        if len(missing) > len(_WORDS):
            self._load_all()
            return
        for number in missing:
            self._take(_OF_ONE.rows(self._connection, number=number))
            self._known.add(number)

    def _load_all(self) -> None:
        if not self._whole:
            self._take(_ALL.rows(self._connection))
            self._whole = True

    def _take(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for number, kind, count, mark, digest in rows:
            if mark_of(number, kind, count, mark) != digest:
                raise damage("what should be there")
            self._stored[number, kind] = Total(count, mark)

    def write(self) -> None:
        """Brings what should be there up to date with what this transaction added; before it is committed."""
        if not self._noted:
            return
        self._load([key[0] for key in self._noted if key not in self._first])
        for kind, head in self.heads.items():
            self.learn(kind, WARD, [(WARD, kind)], head)
        changed = {key: self._now(key) for key in self._noted}
        _WRITE.run(
            self._connection,
            [
                {
                    "number": number,
                    "kind": kind,
                    "counted": total.rows,
                    "mark": total.mark,
                    "digest": mark_of(number, kind, *total),
                }
                for (number, kind), total in changed.items()
            ],
        )
        self._stored |= changed
        self._noted.clear()


_PLACE = "khemon_seals"


def begin(connection: sa.Connection, kept: Children | None = None) -> Seals:
    """The seals of a transaction that begins. kept: what was read of children before, if it may be used."""
    seals = connection.info[_PLACE] = Seals(connection, kept)
    return seals


def seals_of(connection: sa.Connection) -> Seals:
    """The seals of the transaction that this connection is in."""
    found = connection.info.get(_PLACE)
    if not isinstance(found, Seals):
        raise StoreProblem("store", "was asked outside a transaction of its own", "use Store.reading or writing")
    return found

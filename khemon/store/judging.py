"""What becomes of a row in view of what is stored: duplicate, conflict, or accepted with a reason. Pure.

A row is judged against standing rows of *earlier* batches of the same source only, so its verdict depends on the files
before its own and not on when it is asked: undoing a batch asks again for the rows of later ones, and they get what
they would have got without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from khemon.models import STATUSES

PRELIMINARY = STATUSES.index("preliminary")
FINAL = STATUSES.index("final")
CORRECTED = STATUSES.index("corrected")

#: Fields of a patient that say who the child is: another value is never taken over in silence.
IDENTITY_FIELDS = ("birth_date", "sex")

#: Why a conflicting row waits.
HELD_CONFLICT = "other_value: another value is stored for this already; held until someone decides"

#: Why a result waits that was moved away from this patient: it must not come back by itself.
HELD_MOVED = "moved_away: a person moved this result to another patient; held until someone decides"


class Verdict(NamedTuple):
    """A decision, the reason to add if any, and the row that a duplicate repeats with what it says beside the value."""

    decision: str
    reason: str | None = None
    same_as: int | None = None
    printed: tuple[Any, ...] = ()


ACCEPTED = Verdict("accepted")

#: What makes two versions the same: time, comparator, value, unit, quality, timing.
Content = tuple[int, str, str | None, str | None, int, int]


class Version(NamedTuple):
    """A stored version of a result, as far as judging needs it."""

    result_id: int
    batch_no: int
    status: int
    content: Content
    printed: tuple[Any, ...] = ()


def result_verdict(
    earlier: Iterable[Version], batch_no: int, status: int, content: Content, *, supersede: bool = False
) -> Verdict:
    """The fate of a readable result in view of the versions of the same result in batches before `batch_no`."""
    highest = PRELIMINARY
    has_final = False
    same = latest = None
    for version in earlier:
        if version.batch_no >= batch_no:
            continue
        highest = max(highest, version.status)
        has_final |= version.status == FINAL
        if version.status == status:
            latest = version if latest is None or version.result_id > latest.result_id else latest
            if version.content == content and same is None:
                same = version
    if same is not None:
        # Of several corrections the last counts: say so when it is another one than the row repeats.
        passed = status == CORRECTED and latest is not None and latest.content != content
        return Verdict("duplicate", "corrected_again_since" if passed else None, same.result_id, same.printed)
    if status == FINAL and has_final:
        return Verdict("accepted", "supersedes_final") if supersede else Verdict("conflict", HELD_CONFLICT)
    if highest > status:
        return Verdict("accepted", f"late_{STATUSES[status]}")
    return ACCEPTED


class EventFields(NamedTuple):
    """What is recorded about an event beside its patient, kind and start."""

    end_ms: int | None
    dose: str | None
    unit: str | None
    note: str | None

    def covers(self, other: EventFields) -> bool:
        """Whether everything the other says is said here."""
        return all(theirs in (None, ours) for ours, theirs in zip(self, other, strict=True))

    def agrees(self, other: EventFields) -> bool:
        """Whether nothing stated on both sides differs; a note may always be rewritten."""
        pairs = list(zip(self, other, strict=True))[:-1]
        return all(None in (ours, theirs) or ours == theirs for ours, theirs in pairs)

    def filled_by(self, other: EventFields) -> EventFields:
        """These fields with what the other states."""
        mine = {name: value for name, value in other._asdict().items() if value is not None}
        return self._replace(**mine)


def event_verdict(
    earlier: Mapping[int, EventFields], fields: EventFields, *, supersede: bool = False
) -> tuple[Verdict, int | None]:
    """The fate of an event row in view of earlier events (by number) and the number of the one it is a version of."""
    for number, known in earlier.items():
        if known.covers(fields):
            return Verdict("duplicate", None, number), number
    for number, known in earlier.items():
        if known.agrees(fields):
            return Verdict("accepted", "new_version"), number
    if not earlier:
        return ACCEPTED, None
    if supersede:
        return Verdict("accepted", "new_version"), next(iter(earlier))
    return Verdict("conflict", HELD_CONFLICT), None


class EventHistory:
    """The events of one patient, source, kind and start, from rows taken in order of recording.

    Nothing that follows from the order is stored: leaving out the rows of an undone batch gives what would have been
    without it.
    """

    def __init__(self) -> None:
        #: Number of an event (the id of its first row) to what its rows say together.
        self.events: dict[int, EventFields] = {}
        self._before: dict[int, EventFields] = {}
        self._said: dict[EventFields, int] = {}
        self._batch_no: int | None = None

    def take(self, row_id: int, batch_no: int, fields: EventFields, *, supersede: bool = False) -> Verdict:
        """The fate of the next row; two rows of one batch are two events unless they are the same to the letter."""
        if batch_no != self._batch_no:
            self._batch_no, self._before, self._said = batch_no, dict(self.events), {}
        if fields in self._said:
            return Verdict("duplicate", None, self._said[fields])
        self._said[fields] = row_id
        verdict, number = event_verdict(self._before, fields, supersede=supersede)
        if verdict.decision == "accepted" and number is None:
            self.events[row_id] = fields
        elif verdict.decision == "accepted" and number is not None:
            del self._before[number]
            self.events[number] = self.events[number].filled_by(fields)
        return verdict


def patient_verdict(said: Mapping[str, str] | None, fields: Mapping[str, str], *, supersede: bool = False) -> Verdict:
    """The fate of a patient row in view of what earlier rows said (None: there is none); empty fields say nothing."""
    known = said or {}
    changed = [name for name, value in fields.items() if value and known.get(name) != value]
    if said is not None and not changed:
        return Verdict("duplicate")
    if not supersede and any(name in known for name in changed if name in IDENTITY_FIELDS):
        return Verdict("conflict", HELD_CONFLICT)
    return Verdict("accepted", "updated") if any(name in known for name in changed) else ACCEPTED

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

#: What a person decided about a row that no longer counts: it was set out as entered in error, or said anew.
VOIDED, EDITED = "voided", "edited"
SET_OUT = (VOIDED, EDITED)
#: How a row stands against what is stored, beside 0: it supersedes what it contradicts, or is an event of its own.
SUPERSEDES, BY_ITSELF = 1, 2
#: What is told of a row that repeats one of them: it brings nothing back.
REPEATS = {
    VOIDED: "voided_by_hand: a person set this out as entered in error; it is not brought back",
    EDITED: "edited_by_hand: a person has corrected this since; it is not brought back",
}
HELD_SET_OUT = "set_out_by_hand: a person set out another entry of this kind and time; held until someone decides"
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
    #: What a person decided about it, if anything.
    out: str = ""

    def says(self, status: int, content: Content) -> bool:
        """Whether a row of this status and content repeats it; what was voided is repeated by no final one either."""
        withdrawn = self.out == VOIDED and status <= FINAL
        return self.content == content and (self.status == status or withdrawn)


def result_verdict(
    earlier: Iterable[Version], batch_no: int, status: int, content: Content, *, supersede: bool = False
) -> Verdict:
    """The fate of a readable result in view of the versions of the same result in batches before `batch_no`."""
    has_final = False
    same = latest = current = None
    for version in earlier:
        if version.batch_no >= batch_no:
            continue
        if version.says(status, content) and (same is None or (same.out and not version.out)):
            same = version
        if version.out == VOIDED:
            continue
        has_final |= version.status == FINAL
        if current is None or (current.status, current.result_id) < (version.status, version.result_id):
            current = version
        if version.status == status:
            latest = version if latest is None or version.result_id > latest.result_id else latest
    if same is not None and same.out:
        return Verdict("duplicate", REPEATS[same.out], same.result_id, same.printed)
    if same is not None:
        # Of several corrections the last counts: say so when it is another one than the row repeats.
        passed = status == CORRECTED and latest is not None and latest.content != content
        return Verdict("duplicate", "corrected_again_since" if passed else None, same.result_id, same.printed)
    if status == FINAL and has_final and current is not None and current[2:4] == (CORRECTED, content):
        # What a correction said before is reported as final: nothing new.
        return Verdict("duplicate", None, current.result_id, current.printed)
    if status == FINAL and has_final:
        return Verdict("accepted", "supersedes_final") if supersede else Verdict("conflict", HELD_CONFLICT)
    if current is not None and current.status > status:
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
        #: The same of those that a person set out.
        self.out: dict[int, EventFields] = {}
        #: Number of an event, standing or not, to its rows in order, repeating ones included.
        self.rows: dict[int, list[int]] = {}
        #: Number of an event to the row that said something new about it last.
        self.version: dict[int, int] = {}
        self._before: dict[int, EventFields] = {}
        self._said: dict[EventFields, int] = {}
        self._batch_no: int | None = None
        self._number_of: dict[int, int] = {}
        self._withdrawn: dict[EventFields, str] = {}
        self._leaving: list[tuple[int, int, str, EventFields]] = []

    def expect(self, act_no: int, row_id: int, verdict: str, fields: EventFields) -> None:
        """Notes that a person's act, the batch `act_no`, sets out the event of a row; before its rows are taken.

        What the row said is known even where the batch that brought it was undone since.
        """
        self._leaving.append((act_no, row_id, verdict, fields))

    def set_out(self, row_ids: Iterable[int], verdict: str = EDITED) -> None:
        """Sets out the events that have one of these rows."""
        for row_id in row_ids:
            number = self._number_of.get(row_id)
            if number in self.events:
                self.out[number] = self.events.pop(number)
                self._withdrawn[self.out[number]] = verdict

    def close(self) -> None:
        """Sets out what acts behind the last row set out."""
        self._leave(None)

    def take(self, row_id: int, batch_no: int, fields: EventFields, forced: int = 0) -> Verdict:
        """The fate of the next row; two rows of one batch are two events unless they are the same to the letter.

        forced: SUPERSEDES what it contradicts, or BY_ITSELF: an event of its own whatever is stored.
        """
        if batch_no != self._batch_no:
            self._leave(batch_no)
            self._batch_no, self._before, self._said = batch_no, dict(self.events), {}
        if fields in self._said:
            self._belongs(row_id, self._number_of.get(self._said[fields]))
            return Verdict("duplicate", None, self._said[fields])
        self._said[fields] = row_id
        before = {} if forced == BY_ITSELF else self._before
        verdict, number = event_verdict(before, fields, supersede=bool(forced))
        if self._withdrawn and not forced and verdict.decision != "duplicate":
            verdict, number = self._not_brought_back(fields, verdict, number)
        if verdict.decision == "accepted" and number is None:
            self.events[row_id] = fields
            number = row_id
        elif verdict.decision == "accepted" and number is not None:
            del self._before[number]
            self.events[number] = self.events[number].filled_by(fields)
        if verdict.decision == "accepted" and number is not None:
            self.version[number] = row_id
        self._belongs(row_id, number)
        return verdict

    def _belongs(self, row_id: int, number: int | None) -> None:
        if number is not None:
            self._number_of[row_id] = number
            self.rows.setdefault(number, []).append(row_id)

    def _leave(self, batch_no: int | None) -> None:
        """Sets out what acts up to this batch set out; all of it without one."""
        now = [act for act in self._leaving if batch_no is None or act[0] <= batch_no]
        self._leaving = [act for act in self._leaving if act not in now]
        for _, row_id, verdict, fields in now:
            self._withdrawn[fields] = verdict
            self.set_out([row_id], verdict)

    def _not_brought_back(
        self, fields: EventFields, verdict: Verdict, number: int | None
    ) -> tuple[Verdict, int | None]:
        """The verdict on a row of a file where a person set something out: that is not brought back by itself."""
        for said, decided in self._withdrawn.items():
            if said.covers(fields):
                return Verdict("duplicate", REPEATS[decided]), None
        if number is None and verdict.decision == "accepted":
            return Verdict("conflict", HELD_SET_OUT), None
        return verdict, number


def patient_verdict(said: Mapping[str, str] | None, fields: Mapping[str, str], *, supersede: bool = False) -> Verdict:
    """The fate of a patient row in view of what earlier rows said (None: there is none); empty fields say nothing."""
    known = said or {}
    changed = [name for name, value in fields.items() if value and known.get(name) != value]
    if said is not None and not changed:
        return Verdict("duplicate")
    if not supersede and any(name in known for name in changed if name in IDENTITY_FIELDS):
        return Verdict("conflict", HELD_CONFLICT)
    return Verdict("accepted", "updated") if any(name in known for name in changed) else ACCEPTED

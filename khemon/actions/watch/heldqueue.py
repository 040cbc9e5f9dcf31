"""The queue of rows that wait for a person: grouped by question, each with its text, its reading, and what follows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from khemon.actions.permitted import permitted
from khemon.actions.review.needs import code_of, needed
from khemon.actions.watch.flags import severity_of
from khemon.actions.watch.heldreadings import Stored, understood
from khemon.actions.watch.setting import Setting, setting_of
from khemon.actions.watch.ward import Listed
from khemon.figures.style import SEVERITY_ORDER
from khemon.figures.words import ago_words, date_words, moment, reason_words
from khemon.models import Actor, Severity
from khemon.rules.calendar import to_ms
from khemon.store import NEW_PATIENT, HeldRow, KeptRow, Reader, Store
from khemon.units import ANALYTES

#: Reasons that are told beside a row and are not its question.
_NOTES = frozenset({"soft_limit", "flag", "hidden_row", "unknown_timing", "resulted_at", "same_time"})
#: A page shows so much of a text; the whole stands in the file and in `khemon review --json`.
SHOWN_TEXT = 200
_FIELD_WORDS = {"patient_id": "the patient", "collected_at": "the time", "analyte": "the analyte"}
_NO_SEVERITY = len(SEVERITY_ORDER)
_AGAIN = "waits_again: it was rejected for another value, which was taken back since"
_FATES = ("conflict", "review", "rejected")


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One row that waits. text: as received, cut where it is long. severity: of what the value would meet."""

    row_id: int
    batch: str
    where: str
    patient: str
    child: str
    key: int
    text: str
    understood: str
    collected: str
    age: str
    reasons: tuple[str, ...]
    needs: tuple[str, ...]
    stored: str
    follows: str
    severity: Severity | None


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Rows of one file with one question about one analyte. can_confirm: no row leaves anything open."""

    name: str
    file: str
    kind: str
    analyte: str
    decision: str
    question: str
    needs: tuple[str, ...]
    lines: tuple[HeldLine, ...]
    severity: Severity | None

    @property
    def can_confirm(self) -> bool:
        """Whether every row can stand as it was understood."""
        return not self.needs and self.decision != "rejected"


@dataclass(frozen=True, slots=True)
class DecidedLine:
    """One decision that was made: when, by whom, about what, why, and the batch that takes it back."""

    at: str
    who: str
    verdict: str
    what: str
    reason: str
    batch: str


@dataclass(frozen=True, slots=True)
class HeldQueue:
    """What the page of held results shows. waiting: held rows; unusable: rows that could not be read."""

    setting: Setting
    revision: int
    as_of: str
    groups: tuple[HeldGroup, ...]
    waiting: int
    unusable: int
    patients: tuple[Listed, ...]


@permitted("look")
def held_queue(
    store: Store, actor: Actor, now: dt.datetime, key: str | int | None = None, *, whole_texts: bool = False
) -> HeldQueue:
    """Every row that waits, the gravest question first. key: of one patient only."""
    with store.reading() as reader:
        setting = setting_of(reader)
        numbers = reader.patient_numbers()
        rows = reader.undecided_once()
        if key is not None:
            rows = [row for row in rows if str(numbers.get(row.patient_id or "", "")) == str(key)]
        lines = _Lines(reader, rows, setting, now, numbers, None if whole_texts else SHOWN_TEXT)
        return HeldQueue(
            setting=setting,
            revision=reader.revision(),
            as_of=date_words(now, setting.zone),
            groups=tuple(_groups(lines, rows)),
            waiting=sum(row.decision != "rejected" for row in rows),
            unusable=sum(row.decision == "rejected" for row in rows),
            patients=_patients(reader, numbers),
        )


def _patients(reader: Reader, numbers: dict[str, int]) -> tuple[Listed, ...]:
    """Everyone a row or a result may belong to."""
    return tuple(Listed(numbers[one.patient_id], one.patient_id, one.name or "", "") for one in reader.patients())


def _groups(lines: _Lines, rows: Sequence[HeldRow]) -> Iterable[HeldGroup]:
    by_question: dict[tuple[object, ...], list[HeldRow]] = {}
    for row in rows:
        by_question.setdefault(lines.question(row), []).append(row)
    made = [_group(lines, question, own) for question, own in by_question.items()]
    return sorted(made, key=lambda group: (_FATES.index(group.decision), _rank(group.severity), group.file))


def _group(lines: _Lines, question: tuple[object, ...], rows: Sequence[HeldRow]) -> HeldGroup:
    own = tuple(sorted((lines.line(row) for row in rows), key=lambda line: _rank(line.severity)))
    first = rows[0]
    holding = [reason for reason in _reasons(first) if not _is_note(reason)]
    named = ANALYTES[first.analyte].label if first.analyte else lines.kept[first.fate_id].kind
    return HeldGroup(
        name=hashlib.sha256(repr(question).encode()).hexdigest()[:12],
        file=lines.files[first.batch],
        kind=lines.kept[first.fate_id].kind,
        analyte=named,
        decision=first.decision,
        question="; ".join(map(reason_words, holding)) or "waits for a person",
        needs=tuple(dict.fromkeys(need for line in own for need in line.needs)),
        lines=own,
        severity=own[0].severity,
    )


def _is_note(reason: str) -> bool:
    return reason == NEW_PATIENT or code_of(reason) in _NOTES


def _reasons(row: HeldRow) -> list[str]:
    """Why a row waits; one that was rejected for a value that is gone says so."""
    if row.decision != "review":
        return row.reasons
    return [_AGAIN if code_of(reason) == "other_value" else reason for reason in row.reasons]


def _rank(severity: Severity | None) -> int:
    return _NO_SEVERITY if severity is None else SEVERITY_ORDER.index(severity)


class _Lines:
    """What is needed to tell of every row, fetched once."""

    def __init__(
        self,
        reader: Reader,
        rows: Sequence[HeldRow],
        setting: Setting,
        now: dt.datetime,
        numbers: dict[str, int],
        most: int | None,
    ) -> None:
        self.setting, self.now, self.numbers, self.most = setting, now, numbers, most
        self.kept: dict[int, KeptRow] = reader.kept_whole(row.fate_id for row in rows)
        self.names = {patient.patient_id: patient.name for patient in reader.patients()}
        self.files = {batch.batch: batch.file for batch in reader.imports_by_number().values()}
        conflicts = [row for row in rows if row.decision == "conflict"]
        self.stored = Stored(reader, conflicts, self.kept, setting.zone)

    def question(self, row: HeldRow) -> tuple[object, ...]:
        """What makes rows ask the same: the file, the reasons, the analyte."""
        codes = tuple(sorted({code_of(reason) for reason in row.reasons if not _is_note(reason)}))
        return self.files[row.batch], self.kept[row.fate_id].kind, row.analyte or "", row.decision, codes

    def line(self, row: HeldRow) -> HeldLine:
        """One row in words."""
        kept, zone = self.kept[row.fate_id], self.setting.zone
        needs = needed(kept.kind, row.decision, kept.reasons, kept.said, to_ms(self.now))
        at = kept.said.get("start_ms" if kept.kind == "events" else "collected_ms")
        read = understood(kept, zone)
        stored = self.stored.of(row)
        place = f"row {row.row}{f', column {row.field}' if row.field else ''}"
        return HeldLine(
            row_id=row.fate_id,
            batch=row.batch,
            where=place,
            patient=row.patient_id or "",
            child=self.names.get(row.patient_id or "") or row.patient_id or "",
            key=self.numbers.get(row.patient_id or "", 0),
            text=self._cut(f"{row.text} {row.unit or ''}".strip() if kept.kind == "labs" else row.text),
            understood=read,
            collected=date_words(moment(at), zone) if at is not None else (row.collected_text or "no time"),
            age=ago_words(moment(row.recorded_ms), self.now),
            reasons=tuple(map(reason_words, _reasons(row))),
            needs=needs,
            stored=stored,
            follows=_follows(row.decision, needs, read, stored),
            severity=self._severity(kept.said),
        )

    def _cut(self, text: str) -> str:
        if self.most is None or len(text) <= self.most:
            return text
        return f"{text[: self.most]} … ({len(text)} characters)"

    def _severity(self, said: dict[str, Any]) -> Severity | None:
        if said.get("canonical_value") is None or not said.get("analyte"):
            return None
        return severity_of(self.setting.protocol, said["analyte"], float(said["low"]), float(said["high"]))


def _follows(decision: str, needs: Sequence[str], read: str, stored: str) -> str:
    """What follows from each answer."""
    if needs or decision == "rejected":
        given = " and ".join(_FIELD_WORDS.get(name, f"the {name.replace('_', ' ')}") for name in needs)
        return f"Cannot be confirmed: state {given}. Rejected, it is set aside."
    if decision == "conflict":
        kept = stored or "what is stored"
        return f"Confirmed, {read} takes the place of {kept}, as corrected. Rejected, {kept} stays."
    return f"Confirmed, {read} stands and every rule reads it. Rejected, no rule ever does."

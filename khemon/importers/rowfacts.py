"""Facts a row states besides its value: whose it is, and the status, sample quality and timing of the result."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from khemon.importers.numbers import vocabulary
from khemon.importers.staging import ACCEPTED, REJECTED, REVIEW
from khemon.models import QUALITIES, STATUSES, TIMINGS

LONGEST_ID = 64
#: What a spreadsheet makes of a long number: 1.23E+05.
REWRITTEN = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+")


@dataclass(frozen=True, slots=True)
class Tags:
    """Status, sample quality and timing of a row, with fate and reasons where one of them is no known word."""

    status: str
    quality: str
    timing: str
    decision: str = ACCEPTED
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose result it is, with fate and reasons where that is in doubt."""

    patient_id: str | None
    decision: str = ACCEPTED
    reasons: tuple[str, ...] = ()


#: Categories of signs that nobody sees: two ids that differ in them look the same.
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})


def read_identity(text: str, stated: str | None) -> Identity:
    """The patient a cell names, exactly as written; the stated one where the file has none; held where both differ."""
    found = text.strip()
    if len(found) > LONGEST_ID:
        return Identity(None, REJECTED, (f"patient_id: longer than {LONGEST_ID} characters",))
    if not found:
        return (
            Identity(stated)
            if stated
            else Identity(None, REJECTED, ("no_patient: the row does not say whose result it is",))
        )
    if any(unicodedata.category(sign) in UNSEEN for sign in found) or not unicodedata.is_normalized("NFC", found):
        return Identity(found, REVIEW, ("identity_in_doubt: the id holds signs that cannot be seen",))
    if REWRITTEN.fullmatch(found):
        return Identity(found, REVIEW, ("identity_in_doubt: the id is a number that a spreadsheet has shortened",))
    if stated and stated != found:
        return Identity(found, REVIEW, ("identity_in_doubt: the file names another patient than was stated",))
    return Identity(found)


def _word(kind: str, text: str, allowed: tuple[str, ...]) -> str | None:
    """The canonical word for a text; None when there is none."""
    lowered = text.strip().casefold()
    if lowered in allowed:
        return lowered
    known: dict[str, list[str]] = vocabulary().get(kind, {}) if kind == "status" else {}
    return next((word for word, spellings in known.items() if lowered in spellings), None)


def read_tags(status: str, quality: str, timing: str) -> Tags:
    """Status, quality and timing; an unknown word of the first two holds the row, an unknown timing is not stated."""
    reasons: list[str] = []
    read_status = _word("status", status, STATUSES) if status.strip() else "final"
    read_quality = _word("quality", quality, QUALITIES) if quality.strip() else ""
    read_timing = _word("timing", timing, TIMINGS) if timing.strip() else "unknown"
    if read_status is None:
        reasons.append(f"unknown_status: use one of: {', '.join(STATUSES)}")
    if read_quality is None:
        reasons.append(f"unknown_quality: use one of: {', '.join(QUALITIES[1:])}")
    decision = REVIEW if reasons else ACCEPTED
    if read_timing is None:
        reasons.append(f"unknown_timing: counted as not stated; use one of: {', '.join(TIMINGS)}")
    return Tags(read_status or "final", read_quality or "", read_timing or "unknown", decision, tuple(reasons))

"""What is taken back with an import: the decisions of people about its rows."""

from __future__ import annotations

from khemon.actions.by_hand.recording import FORMAT as BY_HAND
from khemon.actions.review.moving import MOVE
from khemon.models import Refused
from khemon.store import Reader


def acts_about(reader: Reader, batch: str) -> list[str]:
    """Standing decisions about held rows of a batch, the last first. Refused when its results were moved.

    What a person entered or corrected by hand stays: it was said by itself, whatever the file said.
    """
    found: list[str] = []
    for act in reader.deciding(batch):
        row = reader.batch(act)
        if row is not None and row.format == MOVE:
            told = "its results were moved to another patient"
            raise Refused(f"batch {batch}", told, f"take back batch {act} first, which moved them")
        if row is not None and row.format != BY_HAND:
            found += [*acts_about(reader, act), act]
    return list(dict.fromkeys(found))

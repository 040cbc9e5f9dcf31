"""What is taken back with an import: the decisions of people about its rows."""

from __future__ import annotations

from khemon.actions.review.moving import MOVE
from khemon.models import Refused
from khemon.store import Reader


def acts_about(reader: Reader, batch: str) -> list[str]:
    """Standing acts about rows of a batch, the last first. Refused when its results were moved to another patient."""
    found: list[str] = []
    for act in reader.deciding(batch):
        row = reader.batch(act)
        if row is not None and row.format == MOVE:
            told = "its results were moved to another patient"
            raise Refused(f"batch {batch}", told, f"take back batch {act} first, which moved them")
        found += [*acts_about(reader, act), act]
    return list(dict.fromkeys(found))

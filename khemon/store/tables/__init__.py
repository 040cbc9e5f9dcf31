"""The tables, and which of them are protected: a protected row is written once and never changed or taken away.

Rows of one file share a number space: an observation, an event or a patient row has the id
`batch_no * BATCH_SPAN + position in its file`. So the order of ids is the order of recording, whatever the order of
insertion.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from khemon.store.tables.accounts import account, account_state
from khemon.store.tables.brought import (
    analyte,
    batch,
    batch_patient,
    batch_undo,
    event_version,
    fate,
    patient,
    patient_version,
    raw_file,
    result,
    setting,
    settlement,
)
from khemon.store.tables.decided import mapping_version, protocol_live, row_decision
from khemon.store.tables.form import METADATA
from khemon.store.tables.judged import alert, alert_move, audit, episode, revision, seal, seen

__all__ = [
    "BATCH_SPAN",
    "METADATA",
    "PROTECTED",
    "SCHEMA",
    "account",
    "account_state",
    "alert",
    "alert_move",
    "analyte",
    "audit",
    "batch",
    "batch_of",
    "batch_patient",
    "batch_undo",
    "episode",
    "event_version",
    "fate",
    "mapping_version",
    "patient",
    "patient_version",
    "protocol_live",
    "raw_file",
    "result",
    "revision",
    "row_decision",
    "row_id",
    "seal",
    "seen",
    "setting",
    "settlement",
]

Id = TypeVar("Id", int, npt.NDArray[np.int64])
#: Room for the rows of one file; ids stay below 2**53 for ninety million batches.
BATCH_SPAN = 100_000_000
#: The schema this code reads and writes; equals the head of `migrations/`.
SCHEMA = "0006"


def batch_of(row_id: Id) -> Id:
    """The number of the batch that brought a row, or the numbers of those that brought rows."""
    return row_id // BATCH_SPAN


def row_id(batch_no: int, place: int) -> int:
    """The id of the row at a place in its batch, counted from 0."""
    return batch_no * BATCH_SPAN + place


PROTECTED: tuple[sa.Table, ...] = (
    analyte,
    patient,
    batch,
    batch_undo,
    raw_file,
    batch_patient,
    result,
    fate,
    settlement,
    event_version,
    patient_version,
    protocol_live,
    mapping_version,
    row_decision,
    account,
    account_state,
    alert_move,
    audit,
)

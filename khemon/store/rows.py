"""What the store hands out and takes in. Times are UTC milliseconds; codes are those of `models` and `units`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from khemon.models import Actor, Episode, Event
from khemon.store.texts import Texts


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """All standing versions of results, sorted by patient, time, analyte; the engine chooses the one that counts."""

    patient_ids: list[str]
    patient: npt.NDArray[np.int32]
    time: npt.NDArray[np.int64]
    analyte: npt.NDArray[np.int8]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    status: npt.NDArray[np.int8]
    quality: npt.NDArray[np.int8]
    specimen: npt.NDArray[np.int64]
    recorded: npt.NDArray[np.int64]
    result_id: npt.NDArray[np.int64]
    timing: npt.NDArray[np.int8]
    #: Of one child whose results are kept by this process: what they say, and what whoever judges the child keeps.
    texts: Texts = field(default_factory=Texts)
    memory: dict[Any, Any] | None = None

    def __len__(self) -> int:
        return len(self.patient)


@dataclass(frozen=True, slots=True)
class EventColumns:
    """The current standing version of each event, sorted by patient and start; `events` are in the same order."""

    patient_ids: list[str]
    patient: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    event_id: npt.NDArray[np.int64]
    events: list[Event]

    def __len__(self) -> int:
        return len(self.patient)


class ResultRow(NamedTuple):
    """One version of a result with everything as received."""

    result_id: int
    patient_id: str
    analyte: str
    collected_ms: int
    collected_text: str
    text: str
    comparator: str
    value: str | None
    unit: str | None
    canonical_value: str | None
    canonical_unit: str | None
    basis: str
    low: float
    high: float
    status: str
    quality: str
    timing: str
    specimen_id: str | None
    comment: str | None
    resulted_ms: int | None
    reasons: list[str]
    batch: str
    row: int
    field: str | None
    recorded_ms: int
    undone: bool


class FateRow(NamedTuple):
    """What became of one row of a file, in the fields `import --json` prints."""

    row: int
    field: str | None
    patient_id: str | None
    collected_ms: int | None
    analyte: str | None
    text: str
    comparator: str
    value: str | None
    unit: str | None
    canonical_value: str | None
    canonical_unit: str | None
    decision: str
    reasons: list[str]


class HeldRow(NamedTuple):
    """A row that was kept without being used: it waits for a person, or it is a gap with its reason."""

    fate_id: int
    batch: str
    recorded_ms: int
    row: int
    field: str | None
    patient_id: str | None
    collected_ms: int | None
    collected_text: str | None
    analyte: str | None
    text: str
    comparator: str
    value: str | None
    unit: str | None
    canonical_value: str | None
    canonical_unit: str | None
    status: str | None
    quality: str | None
    specimen_id: str | None
    decision: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One import, and whether it was taken back."""

    batch_no: int
    batch: str
    file: str
    sha256: str
    source: str | None
    mapping_digest: str
    kind: str
    format: str
    recorded_ms: int
    actor: str
    counts: dict[str, int]
    details: dict[str, Any]
    digest: str
    undone_ms: int | None = None
    undone_by: str | None = None

    @property
    def undone(self) -> bool:
        """Whether the batch was taken back."""
        return self.undone_ms is not None


class BareEpisodes(NamedTuple):
    """Episodes without words, evidence and limbs, by column: most of a history, of which no alert speaks."""

    patient_id: Sequence[str] = ()
    rule: Sequence[str] = ()
    onset_ms: Sequence[int] = ()
    status: Sequence[str] = ()
    severity: Sequence[str] = ()
    confirmed_ms: Sequence[int | None] = ()
    end_ms: Sequence[int | None] = ()
    end_reason: Sequence[str | None] = ()
    source: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StoredEpisode:
    """An episode and its number in the store."""

    episode_id: int
    episode: Episode


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One move of an alert, as it stands in its log."""

    alert_id: int
    move_no: int
    at_ms: int
    actor: str
    actor_kind: str
    move: str
    from_state: str | None
    to_state: str
    reason: str | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One link of the audit chain; `details` is the canonical JSON text that was hashed."""

    sequence: int
    at_ms: int
    actor: str
    actor_kind: str
    action: str
    object: str
    details: str
    previous_hash: str
    hash: str


class MappingVersion(NamedTuple):
    """One version of a laboratory's mapping: TOML as stored, and the shape of the tables it was made for."""

    mapping_no: int
    source: str
    version: int
    text: str
    mapping_digest: str
    shape: str
    at_ms: int
    actor: str
    actor_kind: str
    reason: str


class RowDecision(NamedTuple):
    """What a person decided about a row, and the row it became."""

    decision_no: int
    row_id: int
    batch_no: int
    verdict: str
    became: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class LiveProtocol:
    """A protocol the store was judged by from `at_ms` on, whole in `text`; the last one is live."""

    live_no: int
    at_ms: int
    name: str
    version: str
    protocol_digest: str
    text: str
    actor: str
    actor_kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeenRow:
    """Who opened something, first and last."""

    kind: str
    object_id: str
    actor: str
    first_ms: int
    last_ms: int


@dataclass(frozen=True)
class ImportMeta:
    """A file on its way in: where it came from, how it was read, who brought it and when."""

    file: str
    content: bytes
    source: str | None
    mapping_digest: str
    kind: str
    format: str
    recorded_ms: int
    actor: Actor
    details: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """Hash of the bytes as they arrived."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import did to which patients (results, gaps or held rows); `repeated`: nothing was added."""

    batch: str
    counts: dict[str, int]
    patient_ids: tuple[str, ...]
    new_patient_ids: tuple[str, ...]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class UndoOutcome:
    """What taking a batch back did; `restored` rows of later batches stand now that nothing speaks against them."""

    batch: str
    patient_ids: tuple[str, ...]
    restored: int

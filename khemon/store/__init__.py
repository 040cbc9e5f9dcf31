"""The store, the only place with SQL: `Store(url)`, then `store.reading()` and `store.writing()`."""

from khemon.store.account_rows import AccountRow
from khemon.store.acts import Act, EventEntry
from khemon.store.connection import file_of, is_there
from khemon.store.integrity import verify_audit
from khemon.store.repository import Moment, Reader, Writer
from khemon.store.repository.bulk import without_collection
from khemon.store.repository.held import KeptRow
from khemon.store.repository.intake import NEARLY_KNOWN, NEW_PATIENT, UNLISTED
from khemon.store.repository.versions import NO_VERSIONS, Versions
from khemon.store.rows import (
    AuditRow,
    BareEpisodes,
    BatchRow,
    EventColumns,
    FateRow,
    HeldRow,
    ImportMeta,
    ImportOutcome,
    LiveProtocol,
    MappingVersion,
    MoveRow,
    ResultColumns,
    ResultRow,
    RowDecision,
    SeenRow,
    StoredEpisode,
    UndoOutcome,
)
from khemon.store.store import Store
from khemon.store.tables import batch_of, row_id

__all__ = [
    "NEARLY_KNOWN",
    "NEW_PATIENT",
    "NO_VERSIONS",
    "UNLISTED",
    "AccountRow",
    "Act",
    "AuditRow",
    "BareEpisodes",
    "BatchRow",
    "EventColumns",
    "EventEntry",
    "FateRow",
    "HeldRow",
    "ImportMeta",
    "ImportOutcome",
    "KeptRow",
    "LiveProtocol",
    "MappingVersion",
    "Moment",
    "MoveRow",
    "Reader",
    "ResultColumns",
    "ResultRow",
    "RowDecision",
    "SeenRow",
    "Store",
    "StoredEpisode",
    "UndoOutcome",
    "Versions",
    "Writer",
    "batch_of",
    "file_of",
    "is_there",
    "row_id",
    "verify_audit",
    "without_collection",
]

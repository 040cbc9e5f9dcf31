"""What whoever reads a file says about it: the ward's time zone, now, and what the file itself leaves undecided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from khemon.importers.mapping import Mapping, known_date_format, known_encoding, known_zone
from khemon.models import ImportProblem

if TYPE_CHECKING:
    from khemon.importers.workbook.cells import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Options of one reading, which go before what the mapping says. ImportProblem when one does not hold.

    `max_rows` is the most a file may hold, where there is a limit. `explained`: the reading also says how the file was
    understood. `parsed` keeps what a workbook was parsed into, for several readings of the same bytes.
    """

    timezone: str
    now_ms: int
    mapping: Mapping | None = None
    encoding: str | None = None
    date_format: str | None = None
    patient_id: str | None = None
    max_rows: int | None = None
    explained: bool = False
    parsed: dict[str | None, list[Sheet]] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, check in (("timezone", known_zone), ("encoding", known_encoding), ("date_format", known_date_format)):
            stated = getattr(self, name)
            try:
                if stated is not None:
                    check(stated)
            except ValueError as problem:
                raise ImportProblem(name, str(problem), f"correct the option {name}") from problem

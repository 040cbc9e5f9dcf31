"""What a file leaves open and a person can say: a problem that names what it asks for."""

from __future__ import annotations

from khemon.models import ImportProblem

#: What can be asked: a key of a mapping, or whose results these are.
ENCODING, DELIMITER, LAYOUT, COLUMNS, UNITS, CODES = "encoding", "delimiter", "layout", "columns", "units", "codes"
DATE_FORMAT, DECIMAL, D_DIMER_BASIS, PATIENT_ID = "date_format", "decimal", "d_dimer_basis", "patient_id"


class Undecided(ImportProblem):
    """A file that cannot be read until somebody says what `asks` names."""

    def __init__(self, where: str, found: str, remedy: str, asks: str) -> None:
        super().__init__(where, found, remedy)
        self.asks = asks

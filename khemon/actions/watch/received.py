"""The results of one child as received, for its explanations: those that were read whole, others one by one."""

from __future__ import annotations

from collections.abc import Mapping

from khemon.explain import Given
from khemon.rules.series import Ints
from khemon.store import Reader, ResultRow


class Received:
    """The result behind each row of the evaluated columns of one patient; whole: rows that were read, by result."""

    def __init__(self, reader: Reader, patient_id: str, result_id: Ints, whole: Mapping[int, ResultRow]) -> None:
        self._reader, self._patient_id, self._result_id, self._whole = reader, patient_id, result_id, whole
        self._told: dict[int, Given] = {}

    def given(self, row: int) -> Given:
        """The result in that row."""
        told = self._told.get(row)
        if told is None:
            told = self._told[row] = self._given(int(self._result_id[row]))
        return told

    def _given(self, result_id: int) -> Given:
        read = self._whole.get(result_id)
        if read is not None:
            return Given(result_id, read.text, read.unit or "", f"{read.comparator}{read.canonical_value or ''}")
        text, unit, canonical = self._reader.text_of(self._patient_id, result_id)
        return Given(result_id, text, unit or "", canonical)

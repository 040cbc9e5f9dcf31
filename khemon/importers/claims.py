"""Several columns that may mean the same: settled by what stands in them where that is certain, else asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from khemon.importers.dates import spelled_plainly
from khemon.importers.items import named_analytes, names_analyte, takes
from khemon.importers.materials import names_material
from khemon.importers.numbers import vocabulary
from khemon.importers.signs import plain_text
from khemon.importers.undecided import COLUMNS, Undecided
from khemon.units import folded_name

TIME_FIELDS = ("collected_at", "collected_date", "collected_time")
TIME_OF_DAY = re.compile(
    r"(?:[01]?\d|2[0-4])\s?[:h.]\s?[0-5]\d(?:[:.][0-5]\d)?(?: ?(?:Uhr|h|[AaPp]\.? ?[Mm]\.?))?|(?:[01]\d|2[0-4])[0-5]\d",
    re.ASCII,
)
#: Of several such columns the one whose name says it best is read, the others are not.
OF_SEVERAL_ONE = (
    "comparator",
    "resulted_at",
    "specimen_id",
    "material",
    "birth_date",
    "reference_range",
    "reference_low",
    "reference_high",
)


def letters(header: str) -> str:
    """The letters and figures of a header."""
    return re.sub(r"[\W_]+", "", folded_name(header))


@dataclass(slots=True)
class Claims:
    """Which columns may mean a field, and some of the rows below them."""

    header: Sequence[str]
    below: Sequence[Sequence[str]]
    where: str
    by_field: dict[str, list[int]]

    def cells(self, index: int) -> list[str]:
        """The texts of a column that are not empty."""
        return [row[index].strip() for row in self.below if len(row) > index and row[index].strip()]

    def settled(self) -> dict[str, int]:
        """The one column of each field; ImportProblem naming two that may both be it."""
        self._settle_patients()
        self._settle_times()
        self._settle_materials()
        twins = self.twins()
        self._keep("value", [index for index in self.by_field.get("value", []) if index not in twins])
        for field in ("analyte", "analyte_name"):
            self._keep(field, [index for index in self.by_field.get(field, []) if self._names_analytes(index)])
        for field in OF_SEVERAL_ONE:
            self._keep(field, sorted(self.by_field.get(field, []), key=lambda index: self._rank(field, index))[:1])
        for field, indexes in self.by_field.items():
            if len(indexes) > 1:
                both = f"{self.header[indexes[0]]!r} and {self.header[indexes[1]]!r}"
                raise Undecided(
                    self.where, f"the columns {both} may both be {field}", "say in a mapping which one it is", COLUMNS
                )
        return {field: indexes[0] for field, indexes in self.by_field.items() if indexes}

    def twins(self) -> list[int]:
        """The columns that say in numbers what another one says as the laboratory wrote it."""
        names = set(map(letters, vocabulary()["numeric_twins"]["value"]))
        return [index for index, name in enumerate(self.header) if letters(name) in names]

    def _keep(self, field: str, better: list[int]) -> None:
        """Keep the better ones of several columns, if there are any."""
        if len(self.by_field.get(field, [])) > 1 and better:
            self.by_field[field] = better

    def _rank(self, field: str, index: int) -> int:
        names, own = list(map(letters, vocabulary()["headers"][field])), letters(self.header[index])
        return names.index(own) if own in names else len(names)

    def _names_analytes(self, index: int) -> bool:
        return any(map(names_analyte, self.cells(index)))

    def _settle_patients(self) -> None:
        """A column `Patient` beside one of hospital numbers holds names."""
        bare = set(map(folded_name, vocabulary()["labels"]["not_an_id"]))
        found = self.by_field.get("patient_id", [])
        self._keep("patient_id", [index for index in found if folded_name(self.header[index]) not in bare])

    def _settle_materials(self) -> None:
        """A column `Specimen` of nothing but blood and urine tells the material, not one sample from the next."""
        told = [index for index in self.by_field.get("specimen_id", []) if self._tells_material(index)]
        if told:
            self.by_field["specimen_id"] = [index for index in self.by_field["specimen_id"] if index not in told]
            self.by_field["material"] = [*self.by_field.get("material", []), *told]

    def _tells_material(self, index: int) -> bool:
        texts = self.cells(index)
        return bool(texts) and all(map(names_material, texts))

    def _settle_times(self) -> None:
        """A column of nothing but times of day is the time beside a date; a full time needs nothing beside it."""
        at, date, time = (self.by_field.get(field, []) for field in TIME_FIELDS)
        clocks = [index for index in (*at, *date) if self._all_times_of_day(index)]
        if clocks and len(at) + len(date) > len(clocks):
            time = [*time, *clocks]
            at, date = ([index for index in found if index not in clocks] for found in (at, date))
        if at and any(re.search(r"\d[:h]\d\d|T\d\d", text) for index in at for text in self.cells(index)):
            time = []
        if at:
            date = []
        self.by_field |= dict(zip(TIME_FIELDS, (at, date, time), strict=True))

    def _all_times_of_day(self, index: int) -> bool:
        texts = [spelled_plainly(plain_text(text)) for text in self.cells(index)]
        return bool(texts) and all(map(TIME_OF_DAY.fullmatch, texts))

    def items_below(self, free: Sequence[int]) -> tuple[int, int | None] | None:
        """The only free column whose cells name analytes, and the only one that holds their units; None without."""
        items = [index for index in free if self._names_analytes(index)]
        if len(items) != 1:
            return None
        units = [index for index in free if index != items[0] and self._holds_units(items[0], index)]
        return items[0], units[0] if len(units) == 1 else None

    def _holds_units(self, item: int, index: int) -> bool:
        pairs = [(named_analytes(row[item]), row[index]) for row in self.below if len(row) > max(item, index)]
        stated = [(analytes, unit) for analytes, unit in pairs if analytes and unit.strip()]
        return bool(stated) and all(any(takes(analyte, unit) for analyte in analytes) for analytes, unit in stated)

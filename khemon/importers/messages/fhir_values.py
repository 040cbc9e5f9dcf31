"""What an Observation or a component of one says: value, unit, status, flags, reference range."""

from __future__ import annotations

import re
from dataclasses import dataclass

from khemon.importers.grid import Fact
from khemon.importers.messages.fhir_shape import (
    LOINC,
    UCUM,
    Resource,
    codes_of,
    concept_of,
    number_of,
    object_of,
    objects_of,
    text_of,
)
from khemon.importers.messages.hl7_values import FLAG, NORMAL, OFF_SCALE
from khemon.importers.messages.naming import Coding, chosen_unit
from khemon.importers.messages.reported import EXACT_NUMBER, Reported
from khemon.importers.numbers import quality_named

#: The statuses of R4, and `appended` of its successor, in our words.
STATUSES = {
    "registered": "preliminary",
    "preliminary": "preliminary",
    "final": "final",
    "amended": "corrected",
    "corrected": "corrected",
    "appended": "corrected",
    "cancelled": "cancelled",
    "entered-in-error": "entered_in_error",
}
PENDING, WITHDRAWN = "registered", "entered-in-error"
TWO_VALUES = "not_r4: the observation has more than one value"
VALUE_AND_ABSENCE = "not_r4: the observation has a value and a reason why it has none"
UNKNOWN_PART = "not_r4: a part that FHIR R4 does not have here; its meaning may be lost"
ABOUT_ANOTHER = "identity_in_doubt: the observation is about another than its patient (focus)"
#: What R4 lets stand in an observation, in a component and in a quantity, besides values and times of some type.
PARTS = frozenset(
    re.findall(
        r"\w+",
        """
        resourceType id meta implicitRules language text contained extension modifierExtension identifier basedOn partOf
        status category code subject focus encounter issued performer dataAbsentReason interpretation note bodySite
        method specimen device referenceRange hasMember derivedFrom component
        """,
    )
)
QUANTITY = frozenset(["id", "extension", "value", "comparator", "unit", "system", "code"])
COMPARATORS = ("", "<", "<=", ">", ">=")
#: Values that are texts.
TEXTS = ("valueString", "valueDateTime", "valueTime")


@dataclass(frozen=True, slots=True)
class Stated:
    """A status in our words, and why a person must look."""

    word: str
    doubt: str = ""


def status_of(code: str, has_value: bool) -> Stated:
    """What a status code of R4 means; an unknown one, and none, hold the row."""
    if code == PENDING and has_value:
        return Stated("preliminary", "result_status: registered says that there is no result, and one is given")
    if code == WITHDRAWN and not has_value:
        return Stated("entered_in_error", "withdrawn: the result is taken back and not repeated; set the stored aside")
    word = STATUSES.get(code)
    if word is None:
        return Stated("final", f"unknown_status: none of {', '.join(STATUSES)}; a person must say what it means")
    return Stated(word)


def names_with(record: Resource, start: str) -> list[str]:
    """The names of a choice of types, such as valueQuantity and valueString."""
    return [name for name in record if name.startswith(start) and name[len(start) :][:1].isupper()]


def put_doubts(row: Reported, record: Resource) -> None:
    """Hold what has parts that are not known here: one of them may have been the comparator."""
    quantity = object_of(record, "valueQuantity")
    choices = {*names_with(record, "value"), *names_with(record, "effective")}
    names = {name for name in record if not name.startswith("_")} - choices - PARTS
    if names or {name for name in quantity if not name.startswith("_")} - QUANTITY:
        row.doubts.append(UNKNOWN_PART)
    if record.get("focus"):
        row.doubts.append(ABOUT_ANOTHER)


def put_value(row: Reported, record: Resource) -> None:
    """Set value, unit and what is said about them."""
    names = names_with(record, "value")
    absent = concept_of(object_of(record, "dataAbsentReason"))
    if len(names) > 1:
        row.doubts.append(TWO_VALUES)
    if names and absent:
        row.doubts.append(VALUE_AND_ABSENCE)
    if not names:
        row.value = absent if quality_named(absent) else ""
        if absent and not row.value:
            row.fact = Fact(note="data_absent: the sender says why there is no value")
        return
    name = names[0]
    if name == "valueQuantity":
        _put_quantity(row, object_of(record, name))
    elif name in TEXTS:
        row.value = text_of(record, name)
    elif name == "valueInteger":
        row.value, row.fact = number_of(record, name), EXACT_NUMBER
    elif name == "valueCodeableConcept":
        row.value = concept_of(object_of(record, name))
    else:
        row.value = name.removeprefix("value")
        row.doubts.append("value_type: a value of this type is not read as a number")


def _put_quantity(row: Reported, quantity: Resource) -> None:
    comparator, number = text_of(quantity, "comparator"), number_of(quantity, "value")
    known = comparator in COMPARATORS
    # Beside a number a figure or a point would become a part of it.
    row.value = comparator + number if known else f"{comparator} {number}"
    row.fact = EXACT_NUMBER if known and number else None
    row.doubts += [] if known else ["not_r4: a comparator that FHIR R4 does not have, or that is not a limit"]
    code, system = text_of(quantity, "code"), text_of(quantity, "system")
    by_code = [code] if system == UCUM else []
    row.unit, doubts = chosen_unit([*by_code, text_of(quantity, "unit"), code])
    row.doubts += doubts


def codings_of(record: Resource) -> list[Coding]:
    """Codes and names of the item."""
    code = object_of(record, "code")
    found = []
    for coding in objects_of(code, "coding"):
        system = text_of(coding, "system")
        found.append(Coding(text_of(coding, "code"), text_of(coding, "display"), system in LOINC if system else None))
    return [*found, Coding("", text_of(code, "text"))]


def put_flags(row: Reported, record: Resource) -> None:
    """Note the interpretation; hold a number that lies beyond what was measured and is given as one."""
    codes = [code.upper() for concept in objects_of(record, "interpretation") for code in codes_of(concept)]
    for code in codes:
        if code in OFF_SCALE and not row.value.startswith(code):
            row.doubts.append("off_scale: the flag says that it lies beyond what was measured, the number does not")
    told = [code for code in codes if FLAG.fullmatch(code) and code not in NORMAL]
    if told and (row.fact is None or not row.fact.note):
        row.fact = Fact(number=row.fact is not None and row.fact.number, note=f"flag: {', '.join(told)}")


def range_of(record: Resource, unit: str) -> str:
    """The reference range in the unit of the value, as text; empty where it is in another one."""
    for one in objects_of(record, "referenceRange"):
        if codes_of(object_of(one, "type")) in ([], ["normal"]):
            ends = [object_of(one, name) for name in ("low", "high")]
            units = {chosen_unit([text_of(end, "code"), text_of(end, "unit")])[0] for end in ends if end}
            low, high = (number_of(end, "value") for end in ends)
            if not low and not high:
                return text_of(one, "text")
            if units - {"", unit}:
                return ""
            return f"{low}-{high}" if low and high else f"<{high}" if high else f">{low}"
    return ""


def note_of(record: Resource) -> list[str]:
    """The texts of the notes."""
    return [text for note in objects_of(record, "note") if (text := text_of(note, "text"))]

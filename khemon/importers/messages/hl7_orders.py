"""What stands around a result of HL7 v2 and holds for it: its message, its patient, its order and specimens."""

from __future__ import annotations

from dataclasses import dataclass, field

from khemon.importers.grid import MAX_CELL
from khemon.importers.messages.hl7_text import Delimiters, Segment

MR = "MR"
#: Types of an id that need no other one beside them: a patient's number in a hospital.
OF_A_PATIENT = ("", MR, "PI", "PT", "PN")
SEVERAL_IDS = "identity_in_doubt: PID-3 holds several ids, and not one of the type MR"
OTHER_ID = "identity_in_doubt: the only id in PID-3 is not that of a patient in a hospital"
#: What SPM-24 (table 0493) and SPM-21 (table 0490) say of a specimen, in words that a comment would have.
CONDITIONS = {"CLOT": "clotted", "CON": "contaminated", "HEM": "hemolyzed"}
REFUSALS = {"RC": "clotted", "QS": "insufficient", "RN": "contaminated", "RH": "hemolyzed"}


@dataclass(slots=True)
class Said:
    """Comments, as many as a cell may hold and one more."""

    texts: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, text: str) -> None:
        """Keep a text, unless there are more than enough already."""
        if self.length <= MAX_CELL:
            self.texts.append(text)
            self.length += 1 + len(text)


@dataclass(slots=True)
class Order:
    """What an order says of all its results: its number, times and status, comments, and the specimens behind it."""

    filler: str = ""
    collected: str = ""
    resulted: str = ""
    status: str = ""
    comments: Said = field(default_factory=Said)
    specimens: list[str] = field(default_factory=list)
    #: What they are of, as code and text.
    materials: list[str] = field(default_factory=list)
    conditions: Said = field(default_factory=Said)
    #: Each result with the comments below it; an order is told as a whole, because specimens stand behind.
    results: list[tuple[int, str, Said]] = field(default_factory=list)
    is_stated: bool = False

    def take_material(self, stated: list[str], signs: Delimiters) -> None:
        """Take in what a specimen is of; stated: components with its code and its name."""
        parts = [
            part for text in stated for part in (text.split(signs.subcomponent)[:2] if signs.subcomponent else [text])
        ]
        material = " ".join(filter(None, map(signs.plain, parts)))
        if material and material not in self.materials:
            self.materials.append(material)

    @property
    def material(self) -> str:
        """What all its specimens are of; empty where that is not said, or of several things."""
        return self.materials[0] if len(self.materials) == 1 else ""

    def take_specimen(self, spm: Segment, signs: Delimiters) -> None:
        """Take in the id of a specimen, when it was taken, and what is said to be wrong with it."""
        specimen = signs.components(spm.field(2))
        stated = signs.first_part(specimen[-1]) or signs.first_part(specimen[0])
        if stated and stated not in self.specimens[-1:]:
            self.specimens.append(stated)
        self.take_material(signs.components(spm.field(4))[:2], signs)
        self.collected = self.collected or time_of(spm.field(17), signs)
        for number, words in ((21, REFUSALS), (24, CONDITIONS)):
            for said in signs.repetitions(spm.field(number)):
                code = signs.part(said, 1)
                if word := words.get(code.upper(), signs.part(said, 2) or code):
                    self.conditions.add(f"specimen: {word}")


@dataclass(slots=True)
class Message:
    """What the segments before an order say: type, sender's offset from UTC, whose results, and any doubt about it."""

    signs: Delimiters
    type: str = ""
    zone: str = ""
    patient_id: str = ""
    born: str = ""
    doubts: list[str] = field(default_factory=list)


def time_of(text: str, signs: Delimiters) -> str:
    """A time as it is written; one whose precision is said to be a day has no time of day."""
    written, precision = signs.part(text, 1), signs.part(text, 2)
    return written[:8] if precision in ("Y", "L", "D", "H") else written


def with_zone(time: str, zone: str) -> str:
    """A time without an offset with that of its message behind it."""
    return time if "+" in time or "-" in time else f"{time} (MSH-7: {zone})"


def patient_of(pid: Segment, signs: Delimiters) -> tuple[str, str]:
    """The patient's id in PID-3 and why it is in doubt: the one of the type MR, else the only one."""
    found: dict[str, str] = {}
    for repetition in signs.repetitions(pid.field(3)):
        if text := signs.first_part(signs.components(repetition)[0]):
            kind = signs.part(repetition, 5).upper()
            found[text] = MR if MR in (kind, found.get(text)) else kind
    records = [text for text, kind in found.items() if kind == MR]
    if len(records) == 1:
        return records[0], ""
    if len(found) > 1:
        return next(iter(records or found)), SEVERAL_IDS
    (text, kind) = next(iter(found.items()), ("", ""))
    return text, OTHER_ID if text and kind not in OF_A_PATIENT else ""

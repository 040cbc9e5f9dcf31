"""What a sample was: the rules are about blood, and what was found in another material is no value of it."""

from __future__ import annotations

import re
from functools import cache

from khemon.importers.numbers import vocabulary
from khemon.importers.staging import IGNORED, REVIEW, Observation, worse
from khemon.units import folded_name

NOT_BLOOD = "other_material: the sample is not blood"
NOT_BLOOD_ABOVE = "other_material: a line above says that the samples below it are not blood; confirm"
#: These are measured in blood only: with another material beside them one of the two is wrong.
ONLY_IN_BLOOD = ("platelets", "fibrinogen", "d_dimer", "sirolimus")
WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d\d")


@cache
def _words(name: str) -> tuple[str, ...]:
    return tuple(map(folded_name, vocabulary()["materials"][name]))


def is_other(text: str) -> bool:
    """Whether a text names a material that is certainly not the blood of a patient: urine, a bone marrow, a control."""
    folded = folded_name(text)
    if _holds(folded, "never"):
        return True
    codes = () if _NUMBER.search(folded) else set(WORD.findall(folded)).intersection(_words("codes"))
    return bool(codes or _holds(folded, "other")) and not _holds(folded, "blood")


def names_material(text: str) -> bool:
    """Whether a text names a material, and no sample by its number."""
    folded = folded_name(text)
    return (is_other(text) or _holds(folded, "blood")) and not _NUMBER.search(folded)


def _holds(folded: str, name: str) -> bool:
    return any(word in folded for word in _words(name))


def set_aside(observation: Observation) -> None:
    """Take a value of another material for none of ours; where it is only ever found in blood a person must look."""
    observation.reasons.insert(0, NOT_BLOOD)
    held = observation.analyte in ONLY_IN_BLOOD
    observation.decision = worse(REVIEW, observation.decision) if held else IGNORED


def hold_below(observation: Observation) -> None:
    """Hold a value that stands below the name of another material."""
    observation.reasons.insert(0, NOT_BLOOD_ABOVE)
    observation.decision = worse(REVIEW, observation.decision)

"""Patients and specimens of a FHIR file, found by the references of its observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from khemon.importers.messages.fhir_shape import (
    MR,
    OF_A_PATIENT,
    Resource,
    codes_of,
    concept_of,
    object_of,
    objects_of,
    text_of,
)

PATIENT, SPECIMEN = "Patient", "Specimen"
ELSEWHERE = "identity_in_doubt: the patient is not in the file; the id is the one of the sender's server"
SEVERAL_IDS = "identity_in_doubt: the patient has several identifiers, and not one of the type MR"
OTHER_ID = "identity_in_doubt: the only identifier is not that of a patient in a hospital"
NO_IDENTIFIER = "identity_in_doubt: the patient has no identifier, only the id it has in this file"
REPLACED = "identity_in_doubt: the patient's record was replaced by another one"
SAME_NAME = "identity_in_doubt: two resources of the file have the name that is referred to"
NO_PATIENT = "identity_in_doubt: the subject is not said to be a patient"
#: References that hold only inside of a file.
INSIDE = ("urn:", "#")


@dataclass(frozen=True, slots=True)
class Found:
    """A resource and whether its id is one that stays: that of a server, not of this file."""

    resource: Resource
    stays: bool


@dataclass(slots=True)
class Specimen:
    """The id of a sample, when it was taken, and what is said of it."""

    specimen_id: str = ""
    collected: str = ""
    said: list[str] = field(default_factory=list)
    material: str = ""


#: What a resource contains, by kind and id.
Inside = Mapping[tuple[str, str], Resource]


def inside_of(contained: Iterable[Resource]) -> Inside:
    """The resources that another one contains; one id twice is none."""
    found: dict[tuple[str, str], Resource] = {}
    for one in contained:
        kind, own_id = one.get("resourceType"), one.get("id")
        if isinstance(kind, str) and isinstance(own_id, str):
            found[kind, own_id] = {} if (kind, own_id) in found else one
    return found


class Around:
    """The resources of a file by what they can be referred to as."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[Found]] = {}
        self._patients: dict[str, tuple[str, str]] = {}

    def take(self, full_url: str, resource: Resource) -> None:
        """Keep a patient or a specimen."""
        kind, own_id = resource.get("resourceType"), resource.get("id")
        if kind not in (PATIENT, SPECIMEN):
            return
        found = Found(resource, not full_url.startswith(INSIDE))
        names = {full_url, f"{kind}/{own_id}" if isinstance(own_id, str) else ""} - {""}
        for name in names:
            self._by_name.setdefault(name, []).append(found)

    def _found(self, reference: str, kind: str, contained: Inside) -> list[Found]:
        if reference.startswith("#"):
            own = contained.get((kind, reference[1:]))
            return [] if own is None else [Found(own, False)]
        whole = reference.partition("/_history/")[0]
        short = "/".join(whole.split("/")[-2:])
        return self._by_name.get(whole) or self._by_name.get(short) or []

    def patient_of(self, observation: Resource, contained: Inside) -> tuple[str, str]:
        """The id of the patient an observation is about, and why it is in doubt."""
        subject = object_of(observation, "subject")
        reference = text_of(subject, "reference")
        if reference in self._patients:
            return self._patients[reference]
        found = self._found(reference, PATIENT, contained) if reference else []
        if found:
            several = {_patient_id(one) for one in found}
            text, doubt = _patient_id(found[0])
            answer = text, SAME_NAME if len(several) > 1 else doubt
            if not reference.startswith("#"):
                self._patients[reference] = answer
            return answer
        if logical := text_of(object_of(subject, "identifier"), "value"):
            return logical, "" if text_of(subject, "type") in ("", PATIENT) else NO_PATIENT
        if not reference:
            return "", ""
        *before, own_id = reference.partition("/_history/")[0].split("/")
        is_patient = (before[-1:] == [PATIENT] or not before) and text_of(subject, "type") in ("", PATIENT)
        return own_id.rpartition(":")[2], ELSEWHERE if is_patient else NO_PATIENT

    def born(self, observation: Resource, contained: Inside) -> str:
        """The birth date of that patient, where the patient is in the file."""
        reference = text_of(object_of(observation, "subject"), "reference")
        found = self._found(reference, PATIENT, contained) if reference else []
        return text_of(found[0].resource, "birthDate") if len(found) == 1 else ""

    def specimen_of(self, observation: Resource, contained: Inside) -> Specimen:
        """What is known of the sample of an observation."""
        stated = object_of(observation, "specimen")
        reference = text_of(stated, "reference")
        found = self._found(reference, SPECIMEN, contained) if reference else []
        if found:
            return _specimen(found[0])
        logical = text_of(object_of(stated, "identifier"), "value")
        tail = "" if reference.startswith(INSIDE) else reference.partition("/_history/")[0].rpartition("/")[2]
        return Specimen(logical or tail)


def _patient_id(found: Found) -> tuple[str, str]:
    """The identifier of the type MR, else the only one, else the id of the resource; and why it is in doubt."""
    kinds: dict[str, str] = {}
    for identifier in objects_of(found.resource, "identifier"):
        value = text_of(identifier, "value")
        if value and text_of(identifier, "use") != "old":
            codes = codes_of(object_of(identifier, "type"))
            kinds[value] = MR if MR in (*codes, kinds.get(value)) else next(iter(codes), "")
    records = [value for value, kind in kinds.items() if kind == MR]
    doubt = ""
    if any(text_of(link, "type") == "replaced-by" for link in objects_of(found.resource, "link")):
        doubt = REPLACED
    if len(records) == 1:
        return records[0], doubt
    if len(kinds) > 1:
        return next(iter(records or kinds)), SEVERAL_IDS
    if kinds:
        ((value, kind),) = kinds.items()
        return value, doubt or ("" if kind in OF_A_PATIENT else OTHER_ID)
    return text_of(found.resource, "id"), doubt or ("" if found.stays else NO_IDENTIFIER)


def _specimen(found: Found) -> Specimen:
    specimen = found.resource
    accession = text_of(object_of(specimen, "accessionIdentifier"), "value")
    values = {text_of(identifier, "value") for identifier in objects_of(specimen, "identifier")} - {""}
    own = text_of(specimen, "id") if found.stays else ""
    said = [f"specimen: {concept_of(condition)}" for condition in objects_of(specimen, "condition")]
    if (status := text_of(specimen, "status")) not in ("", "available"):
        said.append(f"specimen: {status}")
    collected = text_of(object_of(specimen, "collection"), "collectedDateTime")
    stated = accession or (values.pop() if len(values) == 1 else own)
    return Specimen(stated, collected, said, concept_of(object_of(specimen, "type")))

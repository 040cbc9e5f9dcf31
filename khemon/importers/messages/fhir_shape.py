"""The parts of a FHIR resource by name: of the form that R4 gives them, or named as not so."""

from __future__ import annotations

import json
from typing import Any

from khemon.importers.decoding import CONTROL
from khemon.importers.from_json import Digits, plain_digits

Resource = dict[str, Any]
LOINC = ("http://loinc.org", "urn:oid:2.16.840.1.113883.6.1")
UCUM = "http://unitsofmeasure.org"
MR = "MR"
#: Types of an identifier that a patient may be known by where there is no other one.
OF_A_PATIENT = ("", MR, "PI", "PT", "PN")


class NotR4(Exception):
    """A part of a resource is not of the form that R4 gives it; its message is the part's name."""


def text_of(resource: Resource, name: str) -> str:
    """A text, empty where there is none."""
    value = resource.get(name)
    if value is None:
        return ""
    if isinstance(value, Digits) or not isinstance(value, str):
        raise NotR4(name)
    if CONTROL.search(value) or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise NotR4(name)
    return value.strip()


def number_of(resource: Resource, name: str) -> str:
    """A number as it is written, empty where there is none."""
    value = resource.get(name)
    if value is None:
        return ""
    if not isinstance(value, Digits):
        raise NotR4(name)
    return plain_digits(value)


def object_of(resource: Resource, name: str) -> Resource:
    """An object, empty where there is none."""
    value = resource.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotR4(name)
    return value


def objects_of(resource: Resource, name: str) -> list[Resource]:
    """Several objects."""
    value = resource.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise NotR4(name)
    return value


def concept_of(concept: Resource) -> str:
    """The text of a CodeableConcept, else the name or the code of its first coding."""
    codings = [text for coding in objects_of(concept, "coding") for text in (text_of(coding, "display"), _code(coding))]
    return text_of(concept, "text") or next(filter(None, codings), "")


def codes_of(concept: Resource) -> list[str]:
    """The codes of a CodeableConcept."""
    return [code for code in map(_code, objects_of(concept, "coding")) if code]


def _code(coding: Resource) -> str:
    return text_of(coding, "code")


def told(value: object) -> str:
    """JSON with its numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{told(name)}: {told(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(told, value)) + "]"
    if isinstance(value, Digits):
        return str(value)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()

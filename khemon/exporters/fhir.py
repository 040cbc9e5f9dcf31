"""A child as a FHIR R4 bundle: the patient, every result as an observation in UCUM units, every event."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from khemon.exporters.chart import Chart, Lab
from khemon.models import Event
from khemon.units import ANALYTES

_TERMS = "http://terminology.hl7.org/CodeSystem"
_UCUM = "http://unitsofmeasure.org"
_LOINC = "http://loinc.org"
#: Our words for a status in those of FHIR.
STATUSES = {
    "preliminary": "preliminary",
    "final": "final",
    "corrected": "corrected",
    "cancelled": "cancelled",
    "entered_in_error": "entered-in-error",
}
GENDERS = {"m": "male", "male": "male", "f": "female", "female": "female", "other": "other"}
DRUGS = frozenset({"sirolimus", "prednisolone", "vincristine", "pjp_prophylaxis", "other_drug"})
CONDITIONS = frozenset({"active_bleeding", "symptomatic_anemia", "infection", "sequela", "adverse_event"})
PROCEDURES = frozenset(
    {
        "platelet_transfusion",
        "plasma",
        "cryoprecipitate",
        "fibrinogen_concentrate",
        "exchange_transfusion",
        "red_cell_transfusion",
        "procedure",
    }
)


def bundle_bytes(chart: Chart) -> bytes:
    """The bundle as JSON, the same bytes for the same chart."""
    text = json.dumps(bundle(chart), ensure_ascii=False, indent=2, allow_nan=False, default=_marked)
    return (_MARKED.sub(r"\1", text) + "\n").encode()


#: Stands around an exact number in a text until its quotation marks are taken off: JSON written from floats rounds.
_MARK = "\ue000"
_MARKED = re.compile(f'"{_MARK}([0-9]+(?:[.][0-9]+)?){_MARK}"')


def _marked(number: Decimal) -> str:
    return f"{_MARK}{number:f}{_MARK}"


def bundle(chart: Chart) -> dict[str, Any]:
    """A bundle of the kind `collection`."""
    subject = {"reference": "Patient/patient"}
    resources = [_patient(chart)]
    resources += [_observation(lab, subject) for lab in chart.labs]
    resources += [_event(event, number, subject) for number, event in enumerate(chart.events, start=1)]
    tag = [{"system": f"{_TERMS}/v3-ActReason", "code": "HTEST", "display": "SYNTHETIC data"}]
    return {
        "resourceType": "Bundle",
        **({"meta": {"tag": tag}} if chart.synthetic else {}),
        "type": "collection",
        "timestamp": chart.exported_at,
        "entry": [
            {"fullUrl": f"urn:khemon:{each['resourceType']}:{each['id']}", "resource": each} for each in resources
        ],
    }


def _patient(chart: Chart) -> dict[str, Any]:
    patient = chart.patient
    said: dict[str, Any] = {"resourceType": "Patient", "id": "patient", "identifier": [{"value": patient.patient_id}]}
    if patient.name:
        said["name"] = [{"text": patient.name}]
    if patient.sex:
        said["gender"] = GENDERS.get(patient.sex.casefold(), "unknown")
    if patient.birth_date:
        said["birthDate"] = patient.birth_date.isoformat()
    return said


def _observation(lab: Lab, subject: dict[str, str]) -> dict[str, Any]:
    """One result; a sample without a value says why it is absent, never zero."""
    analyte = ANALYTES[lab.analyte]
    code: dict[str, Any] = {"text": analyte.label}
    # A code that states a basis would make one of a D-dimer whose basis is not known.
    is_open = bool(analyte.unstated_unit) and lab.unit == analyte.unstated_unit
    codes = [loinc for loinc in analyte.loinc if not (is_open and loinc in analyte.loinc_basis)]
    if codes:
        code["coding"] = [{"system": _LOINC, "code": codes[0]}]
    said: dict[str, Any] = {
        "resourceType": "Observation",
        "id": lab.key,
        "status": STATUSES[lab.status],
        "category": [{"coding": [{"system": f"{_TERMS}/observation-category", "code": "laboratory"}]}],
        "code": code,
        "subject": subject,
        "effectiveDateTime": lab.collected_at,
    }
    if lab.resulted_at:
        said["issued"] = lab.resulted_at
    if lab.specimen_id:
        said["specimen"] = {"identifier": {"value": lab.specimen_id}}
    if lab.value is None:
        said["dataAbsentReason"] = {"coding": [{"system": f"{_TERMS}/data-absent-reason", "code": "error"}]}
        said["dataAbsentReason"]["text"] = lab.quality or lab.text
    else:
        said["valueQuantity"] = _quantity(lab)
    notes = [f"as received: {lab.text} {lab.unit_as_received or ''}".strip(), lab.comment or ""]
    notes += [f"quality: {lab.quality}"] if lab.quality else []
    notes += [f"timing: {lab.timing}"] if lab.timing not in ("", "unknown") else []
    said["note"] = [{"text": note} for note in notes if note]
    return said


def _quantity(lab: Lab) -> dict[str, Any]:
    quantity: dict[str, Any] = {"value": Decimal(str(lab.value))}
    if lab.comparator:
        quantity["comparator"] = lab.comparator
    return quantity | {"unit": lab.unit, "system": _UCUM, "code": lab.unit}


def _event(event: Event, number: int, subject: dict[str, str]) -> dict[str, Any]:
    """One event under the resource that comes nearest; what has none is an observation in words."""
    said: dict[str, Any] = {"id": f"event-{number}", "subject": subject}
    period = {"start": event.start.isoformat()} | ({"end": event.end.isoformat()} if event.end else {})
    words = {"text": event.kind.replace("_", " ")}
    dose = " ".join(part for part in (event.dose, event.unit) if part)
    notes = [{"text": note} for note in (event.note, dose and f"dose: {dose}") if note]
    said |= {"note": notes} if notes else {}
    if event.kind in DRUGS:
        status = "active" if event.end is None else "completed"
        told = {"status": status, "medicationCodeableConcept": words, "effectivePeriod": period}
        return {"resourceType": "MedicationStatement", **said, **told, **({"dosage": [{"text": dose}]} if dose else {})}
    if event.kind in PROCEDURES:
        return {"resourceType": "Procedure", **said, "status": "completed", "code": words, "performedPeriod": period}
    if event.kind in CONDITIONS:
        onset = {"onsetDateTime": period["start"]} | ({"abatementDateTime": period["end"]} if event.end else {})
        return {"resourceType": "Condition", **said, "code": words, **onset}
    told = {"status": "final", "code": words, "effectivePeriod": period, "valueString": dose or words["text"]}
    return {"resourceType": "Observation", **said, **told}

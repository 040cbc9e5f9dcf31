"""HL7 v2 messages and FHIR bundles of some results, for tests: written here, not by what reads them."""

import json

HEAD = "MSH|^~\\&|LAB|H|K|W|20250314090000||ORU^R01|1|P|2.5.1"
PLATELETS, HEMOGLOBIN = "777-3^Platelets^LN", "718-7^Hemoglobin^LN"
LOINC = {
    "platelets": "777-3",
    "fibrinogen": "3255-7",
    "d_dimer": "48065-7",
    "hemoglobin": "718-7",
    "sirolimus": "29247-4",
}
UCUM = "http://unitsofmeasure.org"


def obx(value="14", item=PLATELETS, unit="10*9/L", kind="NM", status="F", time="20250314060500", number=1):
    return f"OBX|{number}|{kind}|{item}||{value}|{unit}|||||{status}|||{time}"


def oru(*segments, head=HEAD, patient="0098^^^H^MR", end="\r"):
    """A message of one patient and one order."""
    lines = [head, f"PID|1||{patient}", "OBR|1||F1|CBC|||20250314060500", *segments]
    return (end.join(lines) + end).encode()


def patient(record="0098"):
    numbers = [{"type": {"coding": [{"code": "MR"}]}, "value": record}]
    return {"resourceType": "Patient", "id": "p1", "identifier": numbers}


def observation(value=14, code="777-3", unit="10*9/L", **more):
    said = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2025-03-14T06:05:00Z",
        "valueQuantity": {"value": value, "system": UCUM, "code": unit},
        **more,
    }
    return {name: one for name, one in said.items() if one is not None}


def bundle(*resources):
    entries = [{"resource": one} for one in (patient(), *resources)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}, ensure_ascii=False).encode()

"""Results that come as messages and resources, HL7 v2 and FHIR R4, become rows that are judged like those of tables."""

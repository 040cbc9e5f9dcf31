"""Data out: canonical files that import again, FHIR, and tables that a spreadsheet does not execute."""

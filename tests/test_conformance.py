"""`khemon conformance` runs case files, so that another site can check itself."""

from __future__ import annotations

from pathlib import Path

from tests.shell import khemon

CASES = Path(__file__).parent.parent / "khemon" / "rulebook" / "cases"
WRONG = """
[[case]]
rule = "severe_thrombocytopenia"
name = "on the line it would fire, says this file wrongly"
kind = "limit"
labs = [["platelets", "0 d", "30"]]
expect = [{ status = "confirmed", severity = "warning", onset = "0 d" }]
"""


def test_our_own_cases_pass_by_command():
    said = khemon("conformance", *sorted(CASES.glob("k*.toml")), "--json")
    assert said.code == 0
    assert said.document["failed"] == 0
    assert said.document["passed"] > 50


def test_a_case_that_is_not_met_is_named_with_exit_code_one(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG)
    said = khemon("conformance", path, "--json")
    assert (said.code, said.document["failed"]) == (1, 1)
    assert "on the line it would fire" in said.err


def test_a_file_that_is_no_case_file_is_refused(tmp_path):
    path = tmp_path / "other.toml"
    path.write_text("answer = 42")
    said = khemon("conformance", path, "--json")
    assert (said.code, "other.toml" in said.err) == (2, True)

"""Small files, one pattern of a laboratory's export each, read as the page beside them says."""

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from khemon.importers import ReadOptions, load_mapping, read
from khemon.models import ImportProblem
from tests import workbooks

here = workbooks.here

PATTERNS = Path(__file__).parent / "samples" / "patterns"
EXPECTED = tomllib.loads((PATTERNS / "expected.toml").read_text(encoding="utf-8"))["file"]
NOW_MS = int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp() * 1000)


def read_pattern(case):
    stated = {"timezone": "UTC", "now_ms": NOW_MS, **case.get("options", {})}
    if "mapping" in stated:
        stated["mapping"] = load_mapping(stated["mapping"].encode())
    return read((PATTERNS / case["name"]).read_bytes(), case["name"], ReadOptions(**stated))


def told(observation):
    """What a row of the page may say of an observation: its fixed words, and those that may follow."""
    value = "-" if observation.canonical_value is None else observation.comparator + observation.canonical_value
    time = "-"
    if observation.collected_ms is not None:
        time = dt.datetime.fromtimestamp(observation.collected_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M")
    fixed = [str(observation.row), observation.analyte or "-", value, observation.decision]
    codes = {reason.partition(":")[0] for reason in observation.reasons}
    return fixed, codes | {f"={observation.patient_id}", f"@{time}"}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: case["name"])
def test_a_pattern_is_read_as_expected(case):
    if "error" in case:
        with pytest.raises(ImportProblem) as caught:
            read_pattern(case)
        where, found = case["error"]
        assert where in caught.value.where
        assert found in caught.value.found
        return
    observations = read_pattern(case).observations
    assert [told(one)[0] for one in observations] == [row.split()[:4] for row in case["rows"]]
    for one, row in zip(observations, case["rows"], strict=True):
        assert set(row.split()[4:]) <= told(one)[1], row


def test_every_file_of_the_corpus_is_expected_and_small():
    names = {path.name for path in PATTERNS.iterdir()} - {"expected.toml"}
    assert names == {case["name"] for case in EXPECTED}
    assert len(names) >= 80
    assert all((PATTERNS / name).stat().st_size < 20_000 for name in names)

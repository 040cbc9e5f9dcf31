"""What another protocol would do, told in children before it goes live; and the commands that ask for it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from khemon.actions.going_live import go_live
from khemon.actions.import_files import undo
from khemon.actions.protocol_diff import diff
from khemon.actions.protocol_told import Told
from khemon.models import Refused, RulebookProblem
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.reference.shorthand import at
from tests.shell import khemon, sqlite
from tests.test_alerts_store import NURSE, Ward
from tests.test_protocol_live import site_file
from tests.wards import TIMEZONE, small_ward
from tests.wards import bring as bring_ward

DAY = dt.timedelta(days=1)


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store)


def compared(ward: Ward, a: str, b: str, *, days: int = 90, now: str | None = None, replay: bool = True) -> dict:
    moment = ward.now if now is None else at(now)
    recorded = {"now_ms": to_ms(ward.now), "replay": replay}
    return diff(ward.store, NURSE, a, b, days=days, as_of_ms=to_ms(moment), **recorded)


def rows(part: dict, kind: str) -> list[tuple[str, str, str]]:
    return sorted((row["patient_id"], row["rule"], row["severity"]) for row in part[kind])


def test_the_alerts_that_a_higher_limit_adds_are_told_child_by_child(ward, tmp_path):
    for patient, value in (("P1", 65), ("P2", 75), ("P3", 55)):
        ward.told(f"hb 0d {value}", patient=patient)
    document = compared(ward, "live", site_file(tmp_path, rules__severe_anemia__limit=70), now="1d")
    for part in (document["episodes"], document["replay"]):
        assert rows(part, "added") == [("P1", "severe_anemia", "warning")]
        assert part["removed"] == part["changed"] == []
        assert part["by_rule"]["severe_anemia"] == {"before": 1, "after": 2, "added": 1, "removed": 0, "changed": 0}
        assert part["by_severity"]["warning"]["added"] == 1
    [number] = document["numbers"]
    assert (number["path"], number["before"]["value"], number["after"]["value"]) == (
        "rules.severe_anemia.limit",
        "60",
        "70",
    )
    assert document["a"]["live"] and not document["b"]["live"]
    [added] = document["episodes"]["added"]
    assert (added["text"], added["onset"], added["end"], added["before"]) == (
        "Hemoglobin 65 (<70)",
        "2026-01-01T09:00:00+01:00",
        None,
        None,
    )


def test_the_other_way_round_added_and_removed_change_places(ward, tmp_path):
    ward.told("hb 0d 65", "plt 0d 25")
    file = site_file(tmp_path, rules__severe_anemia__limit=70, rules__severe_thrombocytopenia__limit=20)
    there, back = compared(ward, "ward", file), compared(ward, file, "ward")
    for part in ("episodes", "replay"):
        assert rows(there[part], "added") == rows(back[part], "removed") == [("P1", "severe_anemia", "warning")]
        assert rows(there[part], "removed") == rows(back[part], "added")
        assert rows(there[part], "removed") == [("P1", "severe_thrombocytopenia", "warning")]


def test_a_protocol_differs_from_itself_in_nothing(ward):
    bring_all(ward)
    document = compared(ward, "ward", "live")
    assert document["numbers"] == document["other"] == []
    for part in (document["episodes"], document["replay"]):
        assert part["added"] == part["removed"] == part["changed"] == []
        rates = part["per_patient_and_week"]
        assert rates["before"] == rates["after"] > 0


def test_what_becomes_graver_or_begins_elsewhere_is_changed_and_says_how_it_was(ward, tmp_path):
    ward.told("hb 0d 65", "hb 1d 55", now="1d")
    file = site_file(tmp_path, rules__severe_anemia__limit=70)
    [row] = compared(ward, "ward", file)["episodes"]["changed"]
    assert row["differs"] == ["onset"]
    assert row["before"]["onset"] == "2026-01-02T09:00:00+01:00"
    assert row["onset"] == "2026-01-01T09:00:00+01:00"


def test_an_episode_that_was_only_a_note_is_added_and_says_so(ward, tmp_path):
    ward.told("plt 0d 55", "fib 0d 2.5", "dd 0d 0.3")
    file = site_file(tmp_path, rules__thrombocytopenia__raised__limit=60)
    [row] = compared(ward, "ward", file)["episodes"]["added"]
    assert (row["rule"], row["before"]) == ("thrombocytopenia", {"status": "confirmed", "severity": "note"})
    [row] = compared(ward, file, "ward")["episodes"]["removed"]
    assert (row["severity"], row["after"]["severity"]) == ("warning", "note")


def test_a_change_of_severity_is_a_change(ward, tmp_path):
    ward.told("plt 0d 60", "dd 0d 0.3", "plt 1d 120", "plt 5d 120", "plt 9d 55")
    file = site_file(tmp_path, rules__durable_platelet_response__breaks__low=58)
    changed = compared(ward, "ward", file)["episodes"]["changed"]
    [row] = [row for row in changed if row["rule"] == "durable_platelet_response"]
    assert (row["before"]["severity"], row["severity"]) == ("warning", "critical")
    assert "severity" in row["differs"]


def test_only_what_stood_in_the_period_counts_and_only_what_opened_in_it_is_a_rate(ward, tmp_path):
    ward.told("hb 0d 65", "hb 5d 100", "hb 40d 66", now="41d")
    file = site_file(tmp_path, rules__severe_anemia__limit=70)
    assert len(compared(ward, "ward", file, days=90, now="41d", replay=False)["episodes"]["added"]) == 2
    document = compared(ward, "ward", file, days=7, now="41d", replay=False)
    assert len(document["episodes"]["added"]) == 1
    assert document["episodes"]["by_rule"]["severe_anemia"]["added"] == 1
    opened = document["episodes"]["per_patient_and_week"]
    assert opened["after"] - opened["before"] == 1
    # On the last day it stands as before, and nothing opened.
    document = compared(ward, "ward", file, days=1, now="43d", replay=False)
    assert len(document["episodes"]["added"]) == 1
    opened = document["episodes"]["per_patient_and_week"]
    assert opened["after"] == opened["before"]


def test_the_past_is_looked_at_as_of_then(ward, tmp_path):
    ward.told("hb 0d 100", "hb 10d 65", now="20d")
    file = site_file(tmp_path, rules__severe_anemia__limit=70)
    assert compared(ward, "ward", file, now="9d", replay=False)["episodes"]["added"] == []
    assert len(compared(ward, "ward", file, now="10d", replay=False)["episodes"]["added"]) == 1


def test_a_replay_knows_only_what_was_recorded_by_then(ward, tmp_path):
    """An episode that was over when it became known alerts in no replay; the episodes tell it all the same."""
    ward.told("hb 0d 65", "hb 1d 100", now="10d")
    document = compared(ward, "ward", site_file(tmp_path, rules__severe_anemia__limit=70), now="12d")
    assert rows(document["episodes"], "added") == [("P1", "severe_anemia", "warning")]
    assert document["replay"]["added"] == []


def test_nothing_is_written_and_an_import_that_is_under_way_is_not_waited_for(ward, tmp_path):
    bring_all(ward)
    with ward.store.reading() as reader:
        before = reader.revision(), list(reader.audit_rows()), reader.alerts()
    with ward.store.writing() as writer:
        compared(ward, "ward", site_file(tmp_path, rules__severe_anemia__limit=70), days=3)
        assert writer.revision() == before[0]
    with ward.store.reading() as reader:
        assert (reader.revision(), list(reader.audit_rows()), reader.alerts()) == before


def test_what_the_diff_of_open_episodes_says_is_what_going_live_does(ward, tmp_path):
    """Open episodes that would be added or removed now are the alerts that the act raises or retracts."""
    for number, value in enumerate((45, 52, 58, 63, 68, 72)):
        ward.told(f"hb 0d {value}", f"plt 0d {value // 2}", "fib 0d 1.5", patient=f"P{number}")
    ward.clock("5h")
    file = site_file(tmp_path, rules__severe_anemia__limit=65, rules__severe_thrombocytopenia__limit=25)
    part = compared(ward, "live", file)["episodes"]
    moves = go_live(ward.store, NURSE, file, "meeting", to_ms(ward.now))["moves"]
    for kind, wanted in (("added", "raise"), ("removed", "retract")):
        told = {(row["patient_id"], row["rule"]) for row in part[kind] if row["end"] is None}
        assert told == {(move["patient_id"], move["rule"]) for move in moves if move["move"] == wanted}
        assert told
    assert compared(ward, "live", file)["episodes"]["added"] == []


def test_an_undone_import_and_an_empty_store_have_nothing_to_tell(ward, tmp_path):
    file = site_file(tmp_path, rules__severe_anemia__limit=70)
    with pytest.raises(Refused, match="time zone"):
        compared(ward, "ward", file, now="1d")
    batch = ward.told("hb 0d 65")
    undo(ward.store, NURSE, batch, to_ms(ward.now))
    document = compared(ward, "ward", file)
    assert document["patients"] == 0
    assert document["episodes"]["per_patient_and_week"] == {"before": None, "after": None}


def test_a_wrong_file_is_refused_before_anything_is_counted(ward, tmp_path):
    ward.told("hb 0d 65")
    with pytest.raises(RulebookProblem, match="usual results of hemoglobin"):
        compared(ward, "live", site_file(tmp_path, rules__severe_anemia__limit=7))


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ((0, 5), (5, 9), True),
        ((0, 5), (6, 9), False),
        ((0, None), (6, 9), True),
        ((7, None), (3, 6), False),
        ((0, None), (3, None), True),
    ],
)
def test_two_overlap_when_both_stood_at_some_time(one, other, overlap):
    def told(span: tuple) -> Told:
        return Told("P1", "kmp", "confirmed", "critical", *span, "")

    assert told(one).overlaps(told(other)) is told(other).overlaps(told(one)) is overlap


def bring_all(ward: Ward) -> None:
    """A ward with one child for each thing."""
    ward.now = dt.datetime.fromisoformat("2026-11-21T12:00:00+00:00")
    bring_ward(ward.store, small_ward(ward.now))


# ---- commands -------------------------------------------------------------------------------------------------


@pytest.fixture
def url(tmp_path: Path) -> str:
    store = Store(sqlite(tmp_path))
    bring_ward(store, small_ward(dt.datetime.now(dt.UTC)))
    store.close()
    return sqlite(tmp_path)


def test_list_names_what_comes_with_khemon_and_what_was_in_use(url, tmp_path):
    said = khemon("protocol", "list", "--db", url, "--json")
    assert [each["name"] for each in said.document["built_in"]] == ["ward", "trial"]
    assert (said.document["live"]["name"], said.document["live"]["actor"]) == ("ward", "khemon")
    file = site_file(tmp_path, rules__severe_anemia__limit=70)
    assert khemon("protocol", "live", file, "--reason", "meeting", "--db", url).code == 0
    said = khemon("protocol", "list", "--db", url)
    assert said.out.index("site") < said.out.rindex("ward")
    assert "meeting" in said.out


def test_list_and_show_work_without_a_store(tmp_path):
    nowhere = sqlite(tmp_path, "none.db")
    assert khemon("protocol", "list", "--db", nowhere, "--json").document["live"] is None
    said = khemon("protocol", "show", "--db", nowhere, "--json")
    assert said.document["name"] == "ward"
    assert not (tmp_path / "none.db").exists()
    assert khemon("protocol", "show", "live", "--db", nowhere).code == 2
    assert khemon("protocol", "diff", "ward", "trial", "--db", nowhere).code == 2


def test_show_prints_every_number_with_unit_and_source_and_the_base_where_it_differs(url, tmp_path):
    file = site_file(tmp_path, rules__kmp__limbs__platelets__limit=90)
    said = khemon("protocol", "show", file, "--db", url, "--json")
    numbers = {each["path"]: each for each in said.document["numbers"]}
    assert numbers["rules.kmp.limbs.platelets.limit"] == {
        "path": "rules.kmp.limbs.platelets.limit",
        "value": "90",
        "unit": "10*9/L",
        "source": "ward meeting",
        "base": {"value": "100", "unit": "10*9/L", "source": "Ji 2022, Methods"},
    }
    assert sum(each["base"] is not None for each in numbers.values()) == 1
    lines = khemon("protocol", "show", file, "--db", url).out.splitlines()
    line = next(line for line in lines if "rules.kmp.limbs.platelets" in line)
    assert line.split() == ["rules.kmp.limbs.platelets.limit", "90", "10*9/L", "100", "10*9/L", "ward", "meeting"]


def test_diff_prints_tables_for_people_and_one_document_for_programs(url, tmp_path):
    file = site_file(tmp_path, rules__severe_anemia__limit=78)
    said = khemon("protocol", "diff", "live", file, "--days", "30", "--db", url, "--json")
    assert said.code == 0
    assert set(said.document) == {
        *("a", "b", "period", "timezone", "patients", "numbers", "other", "episodes"),
    }
    assert said.document["timezone"] == TIMEZONE
    assert ("A-critical", "severe_anemia", "warning") in rows(said.document["episodes"], "added")
    told = khemon("protocol", "diff", "live", file, "--replay", "--days", "3", "--db", url)
    assert told.code == 0
    assert "A-critical" in told.out
    assert "one look a day" in told.err
    assert "episodes that are a warning or critical" in told.err


@pytest.mark.parametrize("days", ["0", "-1", "99999", "x"])
def test_a_period_that_is_none_is_refused(url, days):
    assert khemon("protocol", "diff", "ward", "trial", "--days", days, "--db", url).code == 2


def test_live_needs_a_reason_and_says_what_moved(url, tmp_path):
    file = site_file(tmp_path, rules__severe_anemia__limit=78)
    assert khemon("protocol", "live", file, "--db", url).code == 2
    said = khemon("protocol", "live", file, "--reason", "meeting", "--db", url, "--json")
    assert said.code == 0
    assert set(said.document) == {"protocol", "reason", "numbers", "other", "patients", "moves"}
    assert ("A-critical", "severe_anemia", "raise") in {
        (move["patient_id"], move["rule"], move["move"]) for move in said.document["moves"]
    }
    again = khemon("protocol", "live", file, "--reason", "meeting", "--db", url)
    assert (again.code, "in use already" in again.err) == (2, True)
    assert khemon("check", "--db", url).code == 0


def test_a_wrong_file_is_one_line_with_file_rule_field_and_remedy(url, tmp_path):
    file = site_file(tmp_path, rules__severe_anemia__limit=7)
    for command in (["diff", "live", file], ["live", file, "--reason", "x"], ["show", file]):
        said = khemon("protocol", *command, "--db", url)
        assert said.code == 2
        assert "protocol site-1.toml, rules.severe_anemia.limit.value: 7 is outside" in said.err
        assert "Remedy: check the unit" in said.err

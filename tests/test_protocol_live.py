"""Going live with another protocol: the store keeps the text, every move says why, and running clocks go on."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from khemon.actions import going_live, live
from khemon.actions.acknowledge import mark_seen
from khemon.actions.advance import advance
from khemon.actions.check import check
from khemon.actions.going_live import go_live
from khemon.actions.protocol_lists import listed
from khemon.actions.recompute import ward_of
from khemon.actions.status import status
from khemon.actions.watch import definitions
from khemon.alerts import LIVE, QUIET, Move
from khemon.alerts.changing import by_protocol
from khemon.alerts.sayings import why_gone
from khemon.models import SEVERITIES, Refused, RulebookProblem, StoreProblem
from khemon.rules import load_protocol
from khemon.rules.calendar import to_ms
from khemon.rules.numbers import numbers_of
from khemon.rules.protocols import protocol_text
from khemon.store import Store, store
from khemon.store.integrity import verify_chain
from khemon.store.tables import METADATA, protocol_live
from khemon.store.triggers import table_triggers
from tests.reference.shorthand import at
from tests.test_alerts_store import NURSE, Walk, Ward
from tests.test_store_protected import an_alert

WARD = load_protocol("ward")
MIGRATIONS = Path(store.__file__).parent / "migrations" / "versions"
CHANGE = "protocol changed from ward 1 to site 1"


def site_file(folder: Path, version: str = "1", name: str = "site", **numbers: object) -> str:
    """A site's file; `a__b` stands for the path a.b."""
    lines = [f'name = "{name}"', f'version = "{version}"', 'base = "ward"']
    known = numbers_of(WARD)
    for key, value in numbers.items():
        path = key.replace("__", ".")
        lines.append(f'{path} = {{ value = {value}, unit = "{known[path].unit}", source = "ward meeting" }}')
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}-{version}.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


class Deciding(Ward):
    """A ward that decides on its protocol; after each act the laws are checked."""

    folder: Path

    def goes_live(self, wanted: str, now: str | None = None) -> dict:
        self.now = self.now if now is None else at(now)
        document = go_live(self.store, NURSE, wanted, "ward meeting", to_ms(self.now))
        self.holds()
        assert check(self.store, NURSE, to_ms(self.now))["findings"] == []
        return document

    def changes(self, version: str = "1", **numbers: object) -> dict:
        """The ward goes live with these numbers."""
        return self.goes_live(site_file(self.folder, version, **numbers))

    def log(self, rule: str) -> list[str]:
        [alert] = self.of(rule)
        with self.store.reading() as reader:
            return [f"{move.move}: {move.reason}" for move in reader.alert_moves(alert.alert_id)]

    def audit(self) -> list:
        with self.store.reading() as reader:
            return list(reader.audit_rows())


@pytest.fixture
def ward(store: Store, tmp_path: Path) -> Deciding:
    deciding = Deciding(store)
    deciding.folder = tmp_path
    return deciding


def limits(store: Store) -> str:
    with store.reading() as reader:
        return ward_of(reader).protocol.rules["severe_anemia"].limit.words


# ---- what the store keeps -------------------------------------------------------------------------------------


def test_the_first_import_puts_the_built_in_protocol_on_record(ward):
    ward.told("hb 0d 55")
    with ward.store.reading() as reader:
        [row] = reader.protocol_history()
    assert (row.name, row.version, row.actor_kind, row.text) == ("ward", "1", "system", protocol_text(WARD))
    [entry] = [entry for entry in ward.audit() if entry.action == "protocol_live"]
    assert (entry.object, json.loads(entry.details)["before"]) == ("protocol ward 1", None)


def test_looking_at_a_store_puts_nothing_on_record(store):
    with store.writing() as writer:
        writer.set_setting("timezone", "UTC")
    assert status(store, NURSE, now_ms=0)["protocol"] == {"name": "ward", "version": "1"}
    assert check(store, NURSE, 0) == {"sound": True, "findings": []}
    with store.reading() as reader:
        assert reader.protocol_history() == []


def test_going_live_is_recorded_with_person_reason_and_the_old_and_new_numbers(ward):
    ward.told("hb 0d 55")
    document = ward.changes(rules__severe_anemia__limit=50)
    row = listed(ward.store, NURSE)["live"]
    assert (row["name"], row["version"], row["actor"], row["reason"]) == ("site", "1", "nurse", "ward meeting")
    [entry] = [entry for entry in ward.audit() if entry.object == "protocol site 1"]
    details = json.loads(entry.details)
    assert (entry.action, entry.actor, details["before"]["name"]) == ("protocol_live", "nurse", "ward")
    assert details["numbers"] == document["numbers"]
    [number] = document["numbers"]
    assert number["path"] == "rules.severe_anemia.limit"
    assert (number["before"]["value"], number["after"]) == (
        "60",
        {"value": "50", "unit": "g/L", "source": "ward meeting"},
    )


def test_the_store_is_judged_by_the_text_it_keeps_whatever_becomes_of_the_file(ward):
    ward.told("hb 0d 55")
    path = Path(site_file(ward.folder, rules__severe_anemia__limit=50))
    ward.goes_live(str(path))
    path.write_text("nonsense", encoding="utf-8")
    ward.told("hb 1h 54")
    path.unlink()
    ward.told("hb 2h 53")
    assert limits(ward.store) == "50"
    assert ward.states("severe_anemia") == ["retracted"]


def test_another_process_sees_the_stored_protocol(ward, store_url):
    ward.told("hb 0d 55")
    ward.changes(rules__severe_anemia__limit=50)
    other = Store(store_url)
    assert limits(other) == "50"
    other.close()


def test_every_view_names_the_protocol_in_use(ward):
    ward.told("hb 0d 55")
    ward.changes(rules__severe_anemia__limit=58)
    assert status(ward.store, NURSE, now_ms=to_ms(ward.now))["protocol"]["name"] == "site"
    book = definitions(ward.store, NURSE, ward.now)
    assert (book.protocol, book.base) == ("site, version 1", "Ward protocol, version 1")
    [sheet] = [sheet for sheet, _ in book.rules if sheet.rule == "severe_anemia"]
    assert [(line.number, line.instead_of) for line in sheet.numbers] == [("58 g/L", "60 g/L")]
    assert [sheet.rule for sheet, _ in book.rules if sheet.is_changed] == ["severe_anemia"]
    assert [line.called for line in book.history] == ["site 1", "ward 1"]
    assert book.history[0].changed == ("rules.severe_anemia.limit: 58 g/L instead of 60 g/L",)
    assert "(<58)" in ward.live("severe_anemia").text


def test_a_store_without_any_result_can_choose_its_protocol(store, tmp_path):
    document = go_live(store, NURSE, site_file(tmp_path, rules__severe_anemia__limit=58), "set up", 1)
    assert (document["patients"], document["moves"]) == (0, [])
    ward = Deciding(store)
    ward.told("hb 0d 59")
    assert ward.of("severe_anemia") == []
    assert [row["name"] for row in listed(store, NURSE)["history"]] == ["site"]


# ---- what is refused ------------------------------------------------------------------------------------------


def history(store: Store) -> list[tuple[str, str]]:
    with store.reading() as reader:
        return [(row.name, row.version) for row in reader.protocol_history()]


def test_an_act_that_is_not_allowed_changes_nothing(ward, tmp_path):
    ward.told("hb 0d 55")
    ward.changes(rules__severe_anemia__limit=58)
    before = ward.audit()
    whole = tmp_path / "whole.toml"
    text = (Path(live.__file__).parents[1] / "rulebook/protocols/ward.toml").read_text("utf-8")
    whole.write_text(text.replace('name = "ward"', 'name = "whole"', 1), encoding="utf-8")
    for wanted, reason, found in (
        (site_file(tmp_path, rules__severe_anemia__limit=58), "again", "in use already"),
        (site_file(tmp_path / "b", rules__severe_anemia__limit=57), "other numbers", "with other numbers"),
        (site_file(tmp_path, "2", rules__severe_anemia__limit=57), "  ", "no reason"),
        (str(whole), "whole", "no base"),
        ("live", "what?", "no store to ask"),
        ("moon", "what?", "cannot be read"),
        (site_file(tmp_path, "3", rules__severe_anemia__limit=3), "slip", "20 times"),
    ):
        with pytest.raises((Refused, RulebookProblem), match=found):
            go_live(ward.store, NURSE, wanted, reason, to_ms(ward.now))
    assert ward.audit() == before
    assert history(ward.store) == [("site", "1"), ("ward", "1")]


def test_an_act_that_fails_half_way_leaves_everything_as_it_was(ward, monkeypatch):
    ward.told("hb 0d 55")
    with ward.store.reading() as reader:
        before = reader.alerts(), list(reader.audit_rows()), [each.episode for each in reader.episodes()]

    def fails(*_, new_protocol: str | None = None) -> list:
        if new_protocol is None:
            return []
        raise RuntimeError("power cut")

    monkeypatch.setattr(going_live, "recompute", fails)
    with pytest.raises(RuntimeError):
        go_live(ward.store, NURSE, site_file(ward.folder, rules__severe_anemia__limit=50), "x", to_ms(ward.now))
    with ward.store.reading() as reader:
        after = reader.alerts(), list(reader.audit_rows()), [each.episode for each in reader.episodes()]
    assert after == before
    assert history(ward.store) == [("ward", "1")]


def test_a_name_and_version_keeps_its_meaning_also_after_others_were_in_use(ward, tmp_path):
    ward.told("hb 0d 55")
    ward.changes(rules__severe_anemia__limit=58)
    ward.goes_live("ward")
    with pytest.raises(Refused, match="was in use here with other numbers"):
        go_live(ward.store, NURSE, site_file(tmp_path, rules__severe_anemia__limit=57), "again", to_ms(ward.now))
    ward.changes(rules__severe_anemia__limit=58)
    assert history(ward.store) == [("site", "1"), ("ward", "1"), ("site", "1"), ("ward", "1")]


# ---- newer software -------------------------------------------------------------------------------------------


def newer_ward(monkeypatch, version: str, limit: str) -> None:
    """The khemon that is installed now brings a ward protocol of that version and limit for severe anemia."""
    rule = WARD.rules["severe_anemia"]
    number = rule.limit.model_copy(update={"value": type(rule.limit.value)(limit)})
    rules = WARD.rules | {"severe_anemia": rule.model_copy(update={"limit": number})}
    newer = WARD.model_copy(update={"version": version, "rules": rules})
    monkeypatch.setattr(live, "built_in", lambda name: newer if name == "ward" else load_protocol(name))


def test_a_newer_built_in_protocol_changes_nothing_by_itself_and_is_told(ward, monkeypatch):
    ward.told("hb 0d 55")
    newer_ward(monkeypatch, "2", "50")
    ward.told("hb 1h 54")
    assert limits(ward.store) == "60"
    assert ward.states("severe_anemia") == ["open"]
    found = check(ward.store, NURSE, to_ms(ward.now))
    assert found["sound"]
    assert "brings ward 2; the store keeps ward 1" in found["notes"][0]
    assert "rules.severe_anemia.limit" in found["notes"][0]
    assert status(ward.store, NURSE, now_ms=to_ms(ward.now))["protocol"]["note"] == found["notes"][0]
    assert listed(ward.store, NURSE)["note"] == found["notes"][0]
    ward.goes_live("ward")
    assert limits(ward.store) == "50"
    assert "notes" not in check(ward.store, NURSE, to_ms(ward.now))


def test_a_site_protocol_over_an_older_base_is_told_too(ward, monkeypatch):
    ward.told("hb 0d 55")
    ward.changes(rules__severe_thrombocytopenia__limit=25)
    assert "notes" not in check(ward.store, NURSE, to_ms(ward.now))
    newer_ward(monkeypatch, "2", "50")
    [note] = check(ward.store, NURSE, to_ms(ward.now))["notes"]
    assert "brings ward 2; the store keeps site 1 as it was; other numbers: rules.severe_anemia.limit" in note
    assert limits(ward.store) == "60"


def test_a_built_in_protocol_with_other_numbers_and_the_old_version_is_refused(ward, monkeypatch):
    ward.told("hb 0d 55")
    newer_ward(monkeypatch, "1", "50")
    assert check(ward.store, NURSE, to_ms(ward.now))["notes"]
    with pytest.raises(Refused, match="ward 1 was in use here with other numbers"):
        go_live(ward.store, NURSE, "ward", "update", to_ms(ward.now))


def test_a_text_that_this_khemon_cannot_read_is_refused_with_the_way_out(ward):
    ward.told("hb 0d 55")
    with ward.store.writing() as writer:
        writer.add_protocol('{"name":"future"}', "future", "1", actor=NURSE, reason="newer khemon", at_ms=1)
    with pytest.raises(RulebookProblem, match="khemon protocol live ward"):
        status(ward.store, NURSE, now_ms=to_ms(ward.now))
    found = check(ward.store, NURSE, to_ms(ward.now))
    assert [finding["what"] for finding in found["findings"]] == ["protocol"]
    moves = ward.goes_live("ward")["moves"]
    assert moves == []
    assert ward.states("severe_anemia") == ["open"]


def test_a_changed_text_is_found_and_nothing_is_judged_by_it(tmp_path):
    url = f"sqlite:///{tmp_path / 'khemon.db'}"
    store = Store(url)
    ward = Ward(store)
    ward.told("hb 0d 55")
    raw = sqlite3.connect(tmp_path / "khemon.db")
    raw.execute("DROP TRIGGER protocol_live_keep_update")
    raw.execute("""UPDATE protocol_live SET text = replace(text, '"60"', '"40"')""")
    raw.execute(table_triggers(protocol_live, "sqlite")["protocol_live_keep_update"])
    raw.commit()
    raw.close()
    with pytest.raises(StoreProblem, match="not what was written"):
        status(store, NURSE, now_ms=to_ms(ward.now))
    with pytest.raises(StoreProblem, match="not what was written"):
        advance(store, to_ms(ward.now))
    found = check(store, NURSE, to_ms(ward.now))
    assert ("digest", "protocol in use, number 1") in {(each["what"], each["where"]) for each in found["findings"]}
    store.close()


# ---- clocks and decisions -------------------------------------------------------------------------------------


def test_an_alert_without_ground_by_the_new_numbers_is_retracted_by_the_change_not_by_a_correction(ward):
    ward.told("hb 0d 55")
    ward.changes(rules__severe_anemia__limit=50)
    assert ward.states("severe_anemia") == ["retracted"]
    assert ward.log("severe_anemia")[-1] == f"retract: {CHANGE}"


@pytest.mark.parametrize(
    ("move", "reason", "told"),
    [
        ("raise", "collected 1 Jan 2026 08:00, received now", CHANGE),
        ("retract", why_gone(()), CHANGE),
        ("resolve", f"{why_gone(())}; onset moved", f"onset moved; {CHANGE}"),
        ("retract", "joined with alert 3: one episode", f"joined with alert 3: one episode; {CHANGE}"),
        ("follow", None, CHANGE),
        ("worsen", "severity rose", f"severity rose; {CHANGE}"),
    ],
)
def test_a_move_by_the_change_says_neither_late_nor_corrected(move, reason, told):
    alert = an_alert(alert_id=1, note="collected", reopened_because="earlier")
    found = by_protocol(Move(alert=alert, move=move, from_state=alert.state, reason=reason), CHANGE)
    assert found.reason == told
    assert found.alert.note == (f"by protocol change: {CHANGE}" if move == "raise" else "collected")
    assert found.alert.reopened_because == (told if move == "worsen" else "earlier")


def test_an_alert_by_the_new_numbers_says_so_and_is_no_late_result(ward):
    ward.told("hb 0d 65", now="3d")
    ward.changes(rules__severe_anemia__limit=70)
    alert = ward.live("severe_anemia")
    assert alert.note == f"by protocol change: {CHANGE}"
    assert ward.log("severe_anemia") == [f"raise: {CHANGE}"]
    assert ward.clock("4d") == []
    assert ward.live("severe_anemia").note == alert.note


def test_an_acknowledgement_keeps_its_end_its_person_and_its_reason(ward):
    ward.told("hb 0d 55")
    before = ward.acknowledge("severe_anemia", until="6d")
    ward.now = at("2d")
    ward.changes(rules__severe_anemia__limit=57, acknowledgement__lasts=2, acknowledgement__at_most=3)
    after = ward.live("severe_anemia")
    for name in ("alert_id", "state", "until", "actor", "reason", "acknowledged_at", "seen_at"):
        assert getattr(after, name) == getattr(before, name), name
    assert ward.clock("5d23h") == []
    assert [move["reason"] for move in ward.clock("6d")] == ["the acknowledgement expired"]


def test_what_was_retracted_by_a_change_is_the_same_alert_when_the_change_is_taken_back(ward):
    ward.told("hb 0d 55")
    number = ward.live("severe_anemia").alert_id
    ward.changes(rules__severe_anemia__limit=50)
    ward.now = at("1d")
    ward.goes_live("ward")
    alert = ward.live("severe_anemia")
    assert (alert.alert_id, alert.onset) == (number, at("0d"))
    assert ward.log("severe_anemia")[-1].startswith("meet: its ground is there again; protocol changed from site 1")
    assert alert.note.startswith("by protocol change")


def test_of_two_alerts_that_were_retracted_the_later_one_comes_back(ward):
    """The first was retracted long ago; by then a late result had moved the second one's onset into its time."""
    ward.told("hb 5d 55")
    ward.told("hb 5d 80", now="6d", status="corrected")
    ward.told("hb 7d 55")
    ward.told("hb 5d12h 55", now="7d1h")
    second = ward.live("severe_anemia").alert_id
    assert [str(alert.state) for alert in ward.of("severe_anemia")] == ["retracted", "open"]
    ward.changes(rules__severe_anemia__limit=50)
    ward.goes_live("ward")
    assert ward.live("severe_anemia").alert_id == second


def test_an_onset_that_moves_by_the_change_keeps_the_alert_and_its_acknowledgement(ward):
    ward.told("hb 0d 59", "hb 1d 55")
    before = ward.acknowledge("severe_anemia")
    ward.changes(rules__severe_anemia__limit=57)
    after = ward.live("severe_anemia")
    assert (after.alert_id, after.state, after.until) == (before.alert_id, "acknowledged", before.until)
    assert after.onset == at("1d")
    assert ward.log("severe_anemia")[-1] == f"follow: onset moved from 2026-01-01 09:00 to 2026-01-02 09:00; {CHANGE}"


def test_an_episode_that_becomes_graver_by_the_change_opens_again_with_the_reason(ward):
    ward.told("plt 0d 60", "fib 0d 0.7", "dd 0d 3")
    ward.acknowledge("kmp")
    ward.told("fib 2h 0.7", now="2h")
    assert ward.of("plasma_criterion") == []
    ward.changes(rules__plasma_criterion__limbs__fibrinogen__limit="0.8")
    assert ward.live("plasma_criterion").note.startswith("by protocol change")
    assert ward.live("kmp").state == "acknowledged"


def test_a_further_limb_by_the_change_opens_an_acknowledged_criterion_again(ward):
    ward.told("plt 0d 9", "fib 0d 0.7")
    ward.acknowledge("plasma_criterion")
    ward.changes(rules__plasma_criterion__limbs__fibrinogen__limit="0.8")
    alert = ward.live("plasma_criterion")
    assert alert.state == "open"
    assert alert.reopened_because == f"a further criterion is met: fibrinogen; {CHANGE}"


def test_the_wait_for_a_missing_companion_does_not_start_anew(ward):
    ward.told("plt 0d 60", "dd 0d 3")
    assert ward.of("kmp") == []
    ward.now = at("3h")
    ward.changes(rules__severe_anemia__limit=58)
    ward.clock("3h59m")
    assert ward.of("kmp") == []
    ward.clock("4h")
    assert ward.live("kmp").note is None


def test_a_shorter_wait_by_the_change_lets_what_waits_alert_at_once(ward):
    ward.told("plt 0d 60", "dd 0d 3")
    ward.now = at("3h")
    ward.changes(common__companion_alerts_after=2)
    assert ward.live("kmp").note.startswith("by protocol change")


def test_what_someone_has_seen_stays_seen_and_a_log_only_grows(ward):
    ward.told("hb 0d 55")
    mark_seen(ward.store, NURSE, "P1", now=ward.now)
    before = ward.log("severe_anemia")
    ward.now = at("1h")
    ward.changes(rules__severe_anemia__limit=57)
    assert ward.live("severe_anemia").seen_at == at("0d")
    assert ward.log("severe_anemia")[: len(before)] == before


def test_moved_bands_are_no_worsening_and_a_lower_one_still_is(ward):
    ward.told("hb 0d 55")
    ward.acknowledge("severe_anemia")
    ward.now = at("1h")
    # The lowest band moves from 50 to 56: what was known lies in it now, and still nothing happened to the child.
    ward.changes(common__bands__hemoglobin__3=56)
    assert ward.live("severe_anemia").state == "acknowledged"
    ward.told("hb 2h 55.5")
    assert ward.live("severe_anemia").state == "acknowledged"


def test_bands_that_move_down_do_not_hide_the_next_worsening(ward):
    ward.told("hb 0d 49")
    ward.acknowledge("severe_anemia")
    ward.now = at("1h")
    ward.changes(common__bands__hemoglobin__3=45)
    assert ward.live("severe_anemia").state == "acknowledged"
    ward.told("hb 2h 44")
    assert ward.live("severe_anemia").reopened_because == "hemoglobin reached a lower band"


def test_a_run_is_judged_anew_over_the_whole_history(ward):
    ward.told("plt 0d 60", "dd 0d 0.3", *(f"plt {day}d 110" for day in (1, 8, 15, 22, 29)), now="29d")
    ward.changes(rules__durable_platelet_response__lasts=35)
    episodes = status(ward.store, NURSE, now_ms=to_ms(ward.now))["patients"][0]["episodes"]
    [run] = [each for each in episodes if each["rule"] == "durable_platelet_response"]
    assert (run["status"], run["confirmed_at"]) == ("provisional", None)


def test_time_moves_alerts_before_the_change_does(ward):
    ward.told("hb 0d 55")
    ward.acknowledge("severe_anemia", until="2d")
    ward.now = at("3d")
    moves = ward.changes(rules__severe_anemia__limit=57)["moves"]
    assert "expire: the acknowledgement expired" in ward.log("severe_anemia")
    assert all(CHANGE in move["reason"] for move in moves)
    assert "expire" not in {move["move"] for move in moves}


def test_pages_learn_of_the_change_by_their_revision(ward):
    ward.told("plt 0d 200")
    with ward.store.reading() as reader:
        before = reader.revision(), reader.patient_revision("P1")
    ward.changes(rules__severe_anemia__limit=57)
    with ward.store.reading() as reader:
        assert reader.revision() > before[0]
        assert reader.patient_revision("P1") > before[1]


# ---- several at once ------------------------------------------------------------------------------------------


def together(*acts) -> list[object]:
    """Runs acts at the same time; what each returned, or the problem it met."""
    found: list[object] = [None] * len(acts)
    barrier = threading.Barrier(len(acts))

    def run(place: int) -> None:
        barrier.wait()
        try:
            found[place] = acts[place]()
        except Exception as problem:
            found[place] = problem

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_two_who_go_live_at_once_follow_one_another(ward, store_url, tmp_path):
    ward.told("hb 0d 55")
    other = Store(store_url)
    files = [site_file(tmp_path, version, rules__severe_anemia__limit=50 + int(version)) for version in ("1", "2")]
    now = to_ms(ward.now)
    acts = [(ward.store, files[0]), (other, files[1]), (other, files[1])]
    found = together(*(lambda act=act: go_live(act[0], NURSE, act[1], "meeting", now) for act in acts))
    other.close()
    assert sum(isinstance(each, Refused) for each in found) <= 1
    assert not [each for each in found if isinstance(each, Exception) and not isinstance(each, Refused)], found
    assert len(history(ward.store)) == 1 + sum(isinstance(each, dict) for each in found)
    assert verify_chain(ward.audit()) is None
    ward.holds()


def test_an_import_during_the_act_is_judged_by_the_protocol_that_is_in_use_then(ward, store_url, tmp_path):
    ward.told("hb 0d 70")
    other = Deciding(Store(store_url))
    other.now, other.files = ward.now, 100
    other.holds = lambda touched=None: None  # only when both are done
    file = site_file(tmp_path, rules__severe_anemia__limit=65)
    now = to_ms(at("1h"))
    found = together(
        lambda: go_live(ward.store, NURSE, file, "meeting", now), lambda: other.told("hb 1h 62", patient="P2")
    )
    other.store.close()
    assert not [each for each in found if isinstance(each, Exception)], found
    ward.now = at("1h")
    ward.holds()
    assert [alert.patient_id for alert in ward.of("severe_anemia")] == ["P2"]
    assert check(ward.store, NURSE, now)["findings"] == []


# ---- at random ------------------------------------------------------------------------------------------------

RANDOM_NUMBERS: dict[str, tuple[object, ...]] = {
    "rules__severe_anemia__limit": (50, 55, 65, 75),
    "rules__severe_thrombocytopenia__limit": (15, 25, 40),
    "rules__kmp__limbs__platelets__limit": (70, 90, 120),
    "rules__plasma_criterion__limbs__fibrinogen__limit": ("0.4", "0.7", "0.9"),
    "rules__durable_platelet_response__lasts": (14, 21, 35),
    "rules__kmp_rebound__confirmed_below": (30, 60),
    "common__companion_alerts_after": (0, 2, 12),
    "common__supported_for": (24, 96),
    "common__bands__platelets__2": (40, 70),
    "common__bands__hemoglobin__1": (70, 90),
    "rules__blood_count_overdue__every": (24, 72),
}


class ChangingWalk(Walk):
    """A walk on which the ward also decides on its protocol."""

    ward: Deciding
    versions = 0

    def step(self) -> None:
        self.rng.choice((super().step, super().step, self.change))()

    def change(self) -> None:
        before = self._alerts()
        names = self.rng.sample(sorted(RANDOM_NUMBERS), self.rng.choice((0, 1, 3)))
        self.versions += 1
        if names:
            numbers = {name: self.rng.choice(RANDOM_NUMBERS[name]) for name in names}
            document = self.ward.changes(str(self.versions), **numbers)
        elif history(self.ward.store)[0] != ("ward", "1"):
            document = self.ward.goes_live("ward")
        else:
            return
        self._clocks_went_on(before, document)

    def _alerts(self) -> dict:
        # What time alone moves comes first, also in the act itself.
        advance(self.ward.store, to_ms(self.ward.now))
        with self.ward.store.reading() as reader:
            return {alert.alert_id: (alert, reader.alert_moves(alert.alert_id)) for alert in reader.alerts()}

    def _clocks_went_on(self, before: dict, document: dict) -> None:
        after = self._alerts()
        for number, (old, log) in before.items():
            new, longer = after[number]
            assert (new.patient_id, new.rule) == (old.patient_id, old.rule)
            assert longer[: len(log)] == log
            if old.state not in QUIET or new.state not in LIVE:
                continue
            if new.state == "open":
                # Only what became graver, or a further criterion, breaks through.
                graver = SEVERITIES.index(new.severity) > SEVERITIES.index(old.severity)
                assert graver or new.status != old.status or set(new.limbs) - set(old.limbs), longer[-1]
                assert "protocol changed" in new.reopened_because
            else:
                kept = ("state", "until", "actor", "reason", "acknowledged_at", "seen_at")
                assert [getattr(new, name) for name in kept] == [getattr(old, name) for name in kept]
        for move in document["moves"]:
            assert "protocol changed" in move["reason"]
            assert "correction" not in move["reason"]
            assert move["move"] != "expire"
        for number in set(after) - set(before):
            assert after[number][0].note.startswith("by protocol change")


def test_running_clocks_survive_random_changes_of_the_protocol(ward, seed, nightly):
    walk = ChangingWalk(ward, seed)
    for _ in range(200 if nightly else 20):
        walk.step()


def test_a_change_and_its_taking_back_leave_the_same_alerts_live(ward, seed):
    walk = ChangingWalk(ward, seed)
    for _ in range(6):
        walk.arrive()

    def live_now() -> dict:
        return {
            (alert.patient_id, alert.rule, alert.onset, alert.severity, alert.status, alert.text): alert
            for alert, _ in walk._alerts().values()
            if alert.state in LIVE
        }

    before = live_now()
    walk.ward.changes("7", rules__severe_anemia__limit=50, rules__severe_thrombocytopenia__limit=15)
    walk.ward.goes_live("ward")
    after = live_now()
    assert after.keys() == before.keys()
    # One that had met several episodes may have stayed with another of them when its own ended.
    for key, alert in before.items():
        assert alert.times_met > 1 or after[key].alert_id == alert.alert_id


# ---- old databases --------------------------------------------------------------------------------------------


def test_a_database_of_the_first_schema_is_brought_up_to_this_one_with_its_rows(store_url):
    """Its rows were written by the first khemon; here: everything this one writes besides the new tables."""
    ward = Ward(Store(store_url))
    ward.told("hb 0d 55")
    ward.acknowledge("severe_anemia")
    with ward.store.reading() as reader:
        before = reader.alerts(), list(reader.audit_rows()), [each.episode for each in reader.episodes()]
    ward.store.close()
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        first = (MIGRATIONS / "0001_sqlite.sql").read_text(encoding="utf-8")
        for table in reversed(METADATA.sorted_tables):
            if f"CREATE TABLE {table.name} (" not in first:
                connection.exec_driver_sql(f"DROP TABLE {table.name}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    engine.dispose()
    ward.store = Store(store_url)
    with ward.store.reading() as reader:
        after = reader.alerts(), list(reader.audit_rows()), [each.episode for each in reader.episodes()]
        assert reader.protocol_history() == []
    assert after == before
    ward.told("hb 1h 54")
    assert history(ward.store) == [("ward", "1")]
    ward.store.close()

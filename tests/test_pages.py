"""The pages over a small ward, driven without a browser."""

import datetime as dt
import html
import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from khemon.gate import running
from khemon.models import Actor
from khemon.settings import Settings
from khemon.store import Store
from khemon.ui.parts import alert_parts, elements
from tests.wards import HOSTILE, TIMEZONE, Files, bring, rebound, small_ward, text_of

ROOT = Path(__file__).resolve().parents[1]
LAB_HEAD = ("patient_id", "collected_at", "analyte", "value", "unit")


@pytest.fixture(scope="module")
def ward_url(tmp_path_factory):
    """A database with the small ward as of now, read only by the tests of this file."""
    url = f"sqlite:///{tmp_path_factory.mktemp('pages') / 'khemon.db'}"
    store = Store(url)
    bring(store, small_ward(dt.datetime.now(dt.UTC)))
    store.close()
    return url


TESTER = Actor(name="Tester", kind="demo")


class Visitor:
    """A signed-in person without a browser."""

    def __init__(self, store: Store, place, actor: Actor = TESTER) -> None:
        self.store = store
        self.actor = actor
        self.place = place

    def open(self, page: str, **query: object) -> AppTest:
        """A page in a new session, as a deep link opens it."""
        test = AppTest.from_file(str(ROOT / "khemon" / "ui" / "main.py"), default_timeout=60)
        test.user = {"session": self.place.sessions.open(self.actor)[1].reference}
        test.run()
        test.switch_page(f"../../pages/{page}.py")
        for name, value in query.items():
            test.query_params[name] = str(value)
        test.run()
        assert not test.exception, test.exception
        return test

    def key(self, patient_id: str) -> int:
        with self.store.reading() as reader:
            return reader.patient_numbers()[patient_id]

    def alert(self, patient_id: str, rule: str):
        with self.store.reading() as reader:
            return next(alert for alert in reader.alerts(patient_ids=[patient_id]) if alert.rule == rule)


def opened(url):
    store = Store(url)
    with running.over(store, Settings(mode="demo", database_url=url)) as place:
        yield Visitor(store, place)
    store.close()


@pytest.fixture
def ward(ward_url):
    yield from opened(ward_url)


@pytest.fixture
def own_ward(tmp_path):
    """Over a ward of its own, to change."""
    url = f"sqlite:///{tmp_path / 'own.db'}"
    store = Store(url)
    bring(store, small_ward(dt.datetime.now(dt.UTC)))
    store.close()
    yield from opened(url)


@pytest.fixture
def empty_ward(tmp_path):
    """Over an empty store that knows its zone."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    store = Store(url)
    with store.writing() as writer:
        writer.set_setting("timezone", TIMEZONE)
    store.close()
    yield from opened(url)


def body(test: AppTest) -> str:
    """All HTML of a page."""
    return "\n".join(element.proto.body for element in test.get("html") if not element.proto.body.startswith("<style>"))


def words(test: AppTest) -> str:
    """The text of a page's HTML, tags taken out."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body(test))))


def row_of(test: AppTest, name: str) -> str:
    """The words of one row of the ward list."""
    rows = re.findall(r"<tr.*?</tr>", body(test), flags=re.S)
    [row] = [row for row in rows if html.escape(name) in row]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", row)))


def rows_of(test: AppTest, class_: str) -> list[str]:
    """The words of each row in the tables of a class."""
    tables = re.findall(rf'<table class="[^"]*{class_}.*?</table>', body(test), flags=re.S)
    rows = [row for table in tables for row in re.findall(r"<tr.*?</tr>", table, flags=re.S)[1:]]
    return [re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", row))).strip() for row in rows]


def labels(test: AppTest) -> str:
    return "\n".join(expander.label for expander in test.expander)


# ---- every page -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ward", "patient", "alerts", "rebounds", "review", "upload", "definitions"])
def test_every_page_says_that_data_are_synthetic_and_what_khemon_is_for(ward, name):
    told = words(ward.open(name, patient=ward.key("B-rebound")))
    assert "SYNTHETIC" in told
    assert "Not cleared or certified as a medical device." in told
    assert f"ward time ({TIMEZONE})" in told


@pytest.mark.parametrize(
    "name", ["ward", "patient", "alerts", "rebounds", "review", "upload", "cohort", "definitions", "audit"]
)
def test_a_page_run_by_itself_shows_nothing(ward, name):
    alone = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60).run()
    assert not alone.exception
    assert len(alone.main) == 0


@pytest.mark.parametrize("name", ["ward", "alerts", "rebounds", "review", "upload", "cohort", "definitions", "audit"])
def test_a_page_shows_nothing_of_a_ward_when_the_session_has_ended(ward, name):
    test = ward.open(name)
    ward.place.sessions.end_all()
    test.run()
    assert not test.exception
    assert "Rebound" not in words(test)
    assert len(test.warning) == 1


@pytest.mark.parametrize("name", ["ward", "alerts", "review", "upload", "patient"])
def test_text_from_outside_is_shown_as_text_on_every_page(ward, name):
    test = ward.open(name, patient=ward.key("F-clean"))
    assert "<img src=x" not in body(test)
    for expander in test.expander:
        assert "[link](http" not in expander.label
        assert "**bold**" not in expander.label


def test_a_store_that_is_not_synthetic_carries_no_banner(empty_ward):
    assert "SYNTHETIC" not in words(empty_ward.open("ward"))


# ---- ward -----------------------------------------------------------------------------------------------------


def test_the_ward_stands_in_the_order_of_urgency(ward):
    told = body(ward.open("ward"))
    names = ["Ada Critical", "Bea Rebound", "Cem Stale", "Eva Running"]
    assert sorted(names, key=told.index) == names


def test_a_censored_value_keeps_its_comparator_and_says_what_it_meets(ward):
    row = row_of(ward.open("ward"), "Ada Critical")
    assert "<5" in row
    assert "< 10 plasma criterion" in row
    assert "before: 9" in row
    assert "plasma criterion met platelets <5 (<10); fibrinogen <0.5 (<0.5)" in row


def test_a_row_leads_to_the_patient_by_a_key_that_is_not_the_hospital_number(ward):
    told = body(ward.open("ward"))
    assert f'href="patient?patient={ward.key("B-rebound")}"' in told
    assert "patient=B-rebound" not in told


def test_an_old_value_says_its_age_and_that_it_was_not_rechecked(ward):
    row = row_of(ward.open("ward"), "Cem Stale")
    assert "4 d ago" in row
    assert "not rechecked" in row


def test_a_missing_companion_is_possible_and_named_never_no(ward):
    row = row_of(ward.open("ward"), "Dan Missing")
    assert "possible" in row
    assert "D-dimer not measured within 24 h" in row
    assert "never measured" in row


def test_a_response_under_way_shows_its_day(ward):
    assert "day 12 of 28" in row_of(ward.open("ward"), "Eva Running")


def test_children_in_follow_up_stand_in_a_list_of_their_own(ward):
    test = ward.open("ward")
    assert "In follow-up: 1" in [header.value for header in test.subheader]
    assert "Gil Followed" in words(test)


def test_the_search_keeps_those_who_match(ward):
    test = ward.open("ward")
    test.text_input(key="search").input("rebound").run()
    assert "Bea Rebound" in words(test)
    assert "Ada Critical" not in words(test)


def test_an_address_that_asks_for_news_shows_those_who_have_some_and_names_the_others(ward):
    test = ward.open("ward", news="up_to")
    told = words(test)
    assert test.get("button_group")[0].value == "up_to"
    assert re.search(r"Nothing new for \d of 6 children, not shown here", told), "flags of the day may count as news"
    assert "Ada Critical" in told and "Eva Running" not in told
    assert "upload a laboratory file" not in told


def test_an_empty_ward_says_what_to_do_next(empty_ward):
    assert "upload a laboratory file to begin" in words(empty_ward.open("ward"))


def test_a_held_result_is_called_held_and_not_judged(own_ward):
    files = Files(dt.datetime.now(dt.UTC))
    files.lab("E-running", 0.2 * 24, "platelets", "9000")
    bring(own_ward.store, files)
    row = row_of(own_ward.open("ward"), "Eva Running")
    assert "held, not judged: platelets 9000 ×10⁹/L" in row


# ---- patient --------------------------------------------------------------------------------------------------


def test_the_patient_page_says_the_state_in_one_sentence_with_its_reasons(ward):
    told = words(ward.open("patient", patient=ward.key("B-rebound")))
    assert "critical KMP rebound; KMP; consumptive coagulopathy; falling platelets." in told
    assert (
        "not met by what is known Platelets 44 (5 h ago); Fibrinogen 1.3 (5 h ago); active bleeding not recorded"
        in told
    )


def test_the_timeline_draws_every_panel_with_the_lines_of_the_protocol(ward):
    test = ward.open("patient", patient=ward.key("B-rebound"))
    [chart] = test.get("plotly_chart")
    drawn = {note["text"] for note in json.loads(chart.proto.spec)["layout"]["annotations"]}
    assert {"10 · plasma criterion", "30 · severe", "100 · KMP, response", "60 · red-cell criterion"} <= drawn


def test_the_window_in_the_address_is_the_window_that_is_drawn(ward):
    def first_day(window):
        test = ward.open("patient", patient=ward.key("B-rebound"), window=window)
        [chart] = test.get("plotly_chart")
        return re.search(r'"range":\s*\["(\d{4}-\d\d-\d\d)', chart.proto.spec)[1]

    days = {window: dt.date.fromisoformat(first_day(window)) for window in ("14 d", "90 d")}
    assert (days["14 d"] - days["90 d"]).days == 76


def test_every_open_flag_is_explained_with_rule_numbers_and_evidence(ward):
    test = ward.open("patient", patient=ward.key("B-rebound"))
    assert "Rebound of KMP" in labels(test)
    told = words(test)
    assert "Platelets below 100 after a durable response" in told
    assert "Ji 2022, Study outcomes" in told
    assert "khemon's own choice, without a published source" in told
    assert "opened it Platelets 81 10*9/L" in told


def test_a_flag_says_what_else_it_rests_on(ward):
    assert "It also rests on" in words(ward.open("patient", patient=ward.key("B-rebound")))


def test_the_table_shows_the_text_as_received(ward):
    test = ward.open("patient", patient=ward.key("A-critical"))
    results = test.dataframe[0].value
    assert "<5 10*9/L" in set(results["As received"])
    assert "<0.5 g/L" in set(results["As received"])


def test_an_excluded_result_is_shown_with_its_reason(ward):
    results = ward.open("patient", patient=ward.key("F-clean")).dataframe[0].value
    [remark] = results.loc[results["As received"] == "12 10*9/L", "Remarks"]
    assert "set aside: clumped" in remark


@pytest.mark.parametrize("key", ["999999", "abc", "", "B-rebound", "1 OR 1=1"])
def test_a_key_nobody_has_is_refused_in_words(ward, key):
    test = ward.open("patient", patient=key)
    assert "no patient has this key" in words(test)
    assert "Rebound" not in words(test)


def test_what_came_since_the_last_visit_is_marked_as_new_at_the_next(own_ward):
    key = own_ward.key("E-running")
    assert "new since" not in words(own_ward.open("patient", patient=key))
    files = Files(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1))
    files.lab("E-running", 0.5, "platelets", "155")
    bring(own_ward.store, files)
    assert "1 result new since you last opened this page" in words(own_ward.open("patient", patient=key))


def test_a_critical_that_ended_before_anyone_looked_stands_on_the_page_that_is_opened_and_no_longer_on_the_next(
    own_ward,
):
    key = own_ward.key("E-running")
    for hours, value in ((2, "8"), (1, "150")):
        files = Files(dt.datetime.now(dt.UTC))
        files.lab("E-running", hours, "platelets", value)
        bring(own_ward.store, files)
    test = own_ward.open("patient", patient=key)
    assert "resolved, not seen: plasma criterion" in words(test)
    own_ward.store.settle()
    assert "resolved, not seen: plasma criterion" in words(test.run()), "this visit goes on"
    assert "resolved, not seen" not in words(own_ward.open("patient", patient=key))


# ---- alerts ---------------------------------------------------------------------------------------------------


def test_the_queue_is_ordered_and_names_child_rule_and_time(ward):
    test = ward.open("alerts")
    shown = labels(test).replace("\\", "")
    assert shown.index("Ada Critical · plasma criterion") < shown.index("Bea Rebound · KMP rebound")
    assert "critical" in shown
    assert "To review: 7" in [header.value for header in test.subheader]


def test_alerts_beyond_the_first_boxes_are_lines_with_the_same_words_that_open_above(ward, monkeypatch):
    boxes = [box.label for box in ward.open("alerts").expander if " · since " in box.label]
    monkeypatch.setattr(alert_parts, "BOXES", 2)
    test = ward.open("alerts")
    assert [box.label for box in test.expander if " · since " in box.label] == boxes[:2]
    assert f"{len(boxes) - 2} more, in the same order" in words(test)
    lines = re.findall(r'<a href="alerts\?alert=(\d+)">([^<]* · since [^<]*)</a>', body(test))
    assert [elements.plain(html.unescape(line)) for _, line in lines] == [box.partition("] · ")[2] for box in boxes[2:]]
    assert len(ward.open("alerts", alert=lines[0][0]).get("plotly_chart")) == 1


def test_an_alert_in_the_address_is_open_with_evidence_and_the_weeks_before(ward):
    alert = ward.alert("B-rebound", "kmp_rebound")
    test = ward.open("alerts", alert=alert.alert_id)
    assert len(test.get("plotly_chart")) == 1
    assert "after a durable response" in words(test)


def test_an_acknowledgement_takes_a_reason_and_moves_the_alert(own_ward):
    alert = own_ward.alert("B-rebound", "kmp_rebound")
    test = own_ward.open("alerts", alert=alert.alert_id)
    test.text_area(key=f"reason_{alert.alert_id}").input("Seen on the round; sirolimus level asked for")
    test.button(key=f"acknowledge_{alert.alert_id}").click().run()
    assert not test.exception
    after = own_ward.alert("B-rebound", "kmp_rebound")
    assert (after.state, after.actor) == ("acknowledged", "Tester")
    assert after.reason == "Seen on the round; sirolimus level asked for"
    again = own_ward.open("alerts", alert=alert.alert_id)
    assert "acknowledged by Tester on" in words(again)


def test_a_reason_of_the_list_needs_no_words_and_is_counted_on_the_definitions_page(own_ward):
    alert = own_ward.alert("B-rebound", "kmp_rebound")
    test = own_ward.open("alerts", alert=alert.alert_id)
    test.selectbox(key=f"code_{alert.alert_id}").select("duplicate")
    test.button(key=f"acknowledge_{alert.alert_id}").click().run()
    after = own_ward.alert("B-rebound", "kmp_rebound")
    assert (after.state, after.reason_code, after.reason) == (
        "acknowledged",
        "duplicate",
        "says what another alert says",
    )
    told = words(own_ward.open("definitions"))
    assert "Scorecard: alerts in the last 90 days: 1" in told
    assert "reason: says what another alert says (dismissed)" in told


def test_an_acknowledgement_without_a_reason_is_refused_with_the_remedy(own_ward):
    alert = own_ward.alert("B-rebound", "kmp_rebound")
    test = own_ward.open("alerts", alert=alert.alert_id)
    test.button(key=f"acknowledge_{alert.alert_id}").click().run()
    assert "no reason was given" in words(test)
    assert own_ward.alert("B-rebound", "kmp_rebound").state == "open"


def test_quiet_unless_worse_is_a_state_of_its_own(own_ward):
    alert = own_ward.alert("C-stale", "kmp")
    test = own_ward.open("alerts", alert=alert.alert_id)
    test.text_area(key=f"reason_{alert.alert_id}").input("Known, next count tomorrow")
    test.button(key=f"snooze_{alert.alert_id}").click().run()
    assert own_ward.alert("C-stale", "kmp").state == "snoozed"


def test_what_is_quiet_is_listed_with_how_by_whom_since_when_and_until_when(own_ward):
    alert = own_ward.alert("B-rebound", "kmp_rebound")
    test = own_ward.open("alerts", alert=alert.alert_id)
    test.text_area(key=f"reason_{alert.alert_id}").input("Seen")
    test.button(key=f"acknowledge_{alert.alert_id}").click().run()
    test = own_ward.open("alerts")
    [quiet] = [header.value for header in test.subheader if header.value.startswith("Quiet now: ")]
    rows = rows_of(test, "k-quiet-list")
    assert quiet == f"Quiet now: {len(rows)}"
    [decided] = [row for row in rows if row.startswith("Bea Rebound ◆ critical KMP rebound")]
    assert re.search(r" acknowledged Tester \d+ \w+ 20\d\d .* Seen open$", decided)
    muted = [row for row in rows if "consumptive coagulopathy" in row]
    assert any("muted by KMP the rulebook" in row for row in muted)


def test_an_alert_handed_over_stays_open_and_says_whose_it_is(own_ward):
    alert = own_ward.alert("B-rebound", "kmp_rebound")
    test = own_ward.open("alerts", alert=alert.alert_id)
    test.text_input(key=f"hand_to_{alert.alert_id}").input(" Dr. Lee ")
    test.text_input(key=f"hand_note_{alert.alert_id}").input("level asked for")
    test.button(key=f"hand_over_button_{alert.alert_id}").click().run()
    assert not test.exception
    after = own_ward.alert("B-rebound", "kmp_rebound")
    assert (after.state, after.handed.to, after.handed.by) == ("open", "Dr. Lee", "Tester")
    again = own_ward.open("alerts", alert=alert.alert_id)
    assert "handed over to Dr. Lee by Tester on" in words(again) and "to Dr. Lee: level asked for" in words(again)
    again.button(key=f"hand_over_button_{alert.alert_id}").click().run()
    assert "nobody is named" in words(again)


def test_the_rebound_page_names_each_open_rebound_and_leads_to_its_alert(ward):
    told = words(ward.open("rebounds"))
    assert "Open: 1 (1 confirmed, 0 suspected, 0 isolated)" in told
    assert "Bea Rebound ◆ critical: confirmed" in told
    assert "prednisolone stopped, prednisolone tapered, a drug held, infection" in told


def test_an_empty_ward_has_no_rebound_and_says_what_one_would_take(empty_ward):
    assert "0 children have a confirmed durable response, without which there is none to rebound from" in words(
        empty_ward.open("rebounds")
    )


def test_the_alerts_of_one_child_can_be_asked_for(ward):
    shown = labels(ward.open("alerts", patient=ward.key("B-rebound")))
    assert "Bea Rebound" in shown
    assert "Ada Critical" not in shown


@pytest.mark.parametrize("asked", ["999999", "x", "-1", ""])
def test_an_alert_nobody_has_opens_nothing(ward, asked):
    assert not ward.open("alerts", alert=asked).get("plotly_chart")


# ---- upload ---------------------------------------------------------------------------------------------------


def lab_file(*rows: tuple) -> bytes:
    return text_of(LAB_HEAD, list(rows))


NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
GOOD = ("N-new", (NOW - dt.timedelta(hours=5)).isoformat(), "platelets", "8", "10*9/L")
BAD = ("N-new", (NOW - dt.timedelta(hours=4)).isoformat(), "platelets", "8", "bananas")


def uploading(ward, *files: tuple[str, bytes]) -> AppTest:
    test = ward.open("upload")
    for name, content in files:
        test.file_uploader(key="files_0").upload(name, content)
    return settled(ward, test.run())


def fates_of(test: AppTest) -> list[str]:
    """The words of each row of the table of fates."""
    [table] = re.findall(r'<table class="k-table k-fates">.*?</table>', body(test), flags=re.S)
    rows = re.findall(r"<tr>.*?</tr>", table, flags=re.S)[1:]
    return [re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", row))) for row in rows]


def settled(ward, test: AppTest) -> AppTest:
    """The page once nothing on the desk is under way."""
    assert ward.place.desk.settle(TESTER, 60)
    return test.run()


def committed(ward, test: AppTest) -> AppTest:
    """The page once the button to commit did its work."""
    return settled(ward, test.button(key="commit").click().run())


def test_a_preview_shows_the_fate_of_every_row_and_counts_that_add_up_and_keeps_nothing(own_ward):
    test = uploading(own_ward, ("labs.csv", lab_file(GOOD, BAD)))
    assert not test.exception
    assert "2 read = 1 accepted + 1 rejected" in words(test)
    [rejected, accepted] = fates_of(test)
    assert "rejected" in rejected and "bananas" in rejected and ",".join(BAD) in rejected
    assert "accepted" in accepted and "“8 10*9/L” → 8 ×10⁹/L" in accepted and ",".join(GOOD) in accepted
    with own_ward.store.reading() as reader:
        assert "N-new" not in reader.patient_ids()


def test_a_commit_says_what_became_of_it_and_leads_to_the_alert_it_raised(own_ward):
    test = uploading(own_ward, ("labs.csv", lab_file(GOOD)))
    committed(own_ward, test)
    assert not test.exception
    told = words(test)
    assert "imported as batch" in told
    assert "alerts raised" in told
    assert "critical N-new: plasma criterion confirmed." in told
    assert "muted by plasma criterion" in told
    alert = own_ward.alert("N-new", "plasma_criterion")
    assert f'href="alerts?alert={alert.alert_id}"' in body(test)
    assert "N-new" in words(own_ward.open("ward"))


def test_the_same_file_twice_adds_nothing_and_says_so(own_ward):
    for _ in range(2):
        test = uploading(own_ward, ("labs.csv", lab_file(GOOD)))
        committed(own_ward, test)
    assert "was imported before; nothing was added" in words(test)


def test_an_import_can_be_taken_back_after_a_second_thought(own_ward):
    test = uploading(own_ward, ("labs.csv", lab_file(GOOD)))
    committed(own_ward, test)
    box = test.selectbox(key="undo_batch")
    box.select(next(option for option in box.options if "labs.csv" in option)).run()
    test.button(key="undo_button").click().run()
    assert "Choose an import, say why, and tick the box" in words(test)
    box = test.selectbox(key="undo_batch")
    box.select(next(option for option in box.options if "labs.csv" in option))
    test.text_input(key="undo_reason").input("the file of another ward")
    test.checkbox(key="undo_sure").check()
    test.button(key="undo_button").click().run()
    assert not test.exception
    with own_ward.store.reading() as reader:
        assert "N-new" not in reader.patient_ids()
        [reason] = [json.loads(row.details)["reason"] for row in reader.audit_rows() if row.action == "undo"]
    assert reason == "the file of another ward"
    assert "taken back" in words(own_ward.open("upload"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("header.csv", b"patient_id,collected_at,analyte,value,unit\n"),
        ("binary.csv", bytes(range(256)) * 4),
        ("letter.csv", b"Dear colleague,\nthe child is well.\n"),
        ("message.hl7", b"MSH|^~\\&|LAB|X|Y|Z|20260101||ORU^R01|1|P|2.5\r"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_place_finding_and_remedy_and_cannot_be_committed(
    own_ward, name, content
):
    test = uploading(own_ward, (name, content))
    assert not test.exception
    assert "What to do:" in words(test)
    assert not [button for button in test.button if button.key == "commit"]


def test_one_bad_file_does_not_hold_back_the_good_ones(own_ward):
    test = uploading(own_ward, ("bad.csv", b"\x00\x01"), ("labs.csv", lab_file(GOOD)))
    assert [button.label for button in test.button if button.key == "commit"] == ["Commit 1 file"]
    committed(own_ward, test)
    with own_ward.store.reading() as reader:
        assert "N-new" in reader.patient_ids()


def test_children_are_imported_before_events_and_events_before_results_whatever_their_order(empty_ward):
    files = Files(dt.datetime.now(dt.UTC))
    files.child("R-rebound", "Rea Rebound")
    rebound(files, "R-rebound")
    files.event("R-rebound", "sirolimus", 2000)
    test = uploading(empty_ward, *reversed(files.brought()))
    committed(empty_ward, test)
    assert not test.exception
    with empty_ward.store.reading() as reader:
        assert [batch.kind for batch in reader.batches()] == ["patients", "events", "labs"]


def test_a_store_without_a_zone_asks_for_it_before_anything_is_read(tmp_path):
    url = f"sqlite:///{tmp_path / 'zoneless.db'}"
    Store(url).close()
    for ward in opened(url):
        test = uploading(ward, ("labs.csv", lab_file(GOOD)))
        assert "no time zone" in words(test)
        test.selectbox(key="zone").select(TIMEZONE).run()
        committed(ward, test)
        assert not test.exception
        with ward.store.reading() as reader:
            assert reader.setting("timezone") == TIMEZONE


# ---- definitions ----------------------------------------------------------------------------------------------


def test_every_number_of_the_rulebook_stands_with_its_source_or_as_khemons_own(ward):
    told = words(ward.open("definitions"))
    for expected in ("Platelets < 100 ×10⁹/L Ji 2022, Methods", "50 ×10⁹/L°", "28 d Ji 2022", "72 h°"):
        assert expected in told
    assert (
        "Kasabach-Merritt phenomenon while confirmed mutes: Consumptive coagulopathy, Severe thrombocytopenia" in told
    )


def test_the_name_of_a_child_is_never_read_as_markup_in_a_label(own_ward):
    files = Files(dt.datetime.now(dt.UTC))
    files.child("H-hostile", HOSTILE)
    files.panel("H-hostile", 3, "8", "0.4", "9", "80")
    bring(own_ward.store, files)
    shown = labels(own_ward.open("alerts"))
    assert r"\[link\]\(http" in shown


# ---- looking back ---------------------------------------------------------------------------------------------


def with_a_correction(path: Path) -> str:
    """The address of a new database in which a count of 8, recorded two days ago, was corrected to 80 a day ago."""
    store, now = Store(f"sqlite:///{path}"), dt.datetime.now(dt.UTC)
    first, second = Files(now - dt.timedelta(hours=48)), Files(now - dt.timedelta(hours=24))
    first.child("P", "Pia Past")
    first.panel("P", 1, "8", "1.1", "9", "88")
    second.lab("P", 25, "platelets", "80", "corrected")
    for files in (first, second):
        bring(store, files)
    store.close()
    return store.url


@pytest.fixture(scope="module")
def corrected_url(tmp_path_factory):
    return with_a_correction(tmp_path_factory.mktemp("corrected") / "khemon.db")


@pytest.fixture
def corrected(corrected_url):
    yield from opened(corrected_url)


def then(hours: float) -> str:
    return f"{dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours):%Y-%m-%dT%H:%M}Z"


def test_a_page_that_looks_back_shows_what_was_known_then_and_says_so(corrected):
    key = corrected.key("P")
    for name in ("ward", "patient"):
        test = corrected.open(name, patient=key, as_of=then(36))
        told = words(test)
        assert "LOOKING BACK: " in told and "Nothing here is current" in told
        assert "platelets 8 (<10)" in told
        assert "1 changed or withdrawn, 0 arrived later" in labels(test)
        assert "8 ×10⁹/L ▲ warning: 80 ×10⁹/L" in told
        present = words(corrected.open(name, patient=key))
        assert "LOOKING BACK" not in present and "platelets 8 (<10)" not in present


def test_by_what_is_known_now_is_a_look_back_of_its_own(corrected):
    told = words(corrected.open("patient", patient=corrected.key("P"), as_of=then(36), known="now"))
    assert "by what is known now: not what the board said then" in told
    assert "platelets 8 (<10)" not in told


def test_links_keep_the_moment_and_the_present_has_none(corrected):
    moment = then(36)
    told = body(corrected.open("ward", as_of=moment))
    assert f'href="patient?patient={corrected.key("P")}&amp;as_of={moment}"' in told
    assert "as_of" not in body(corrected.open("ward"))


@pytest.fixture
def untouched(tmp_path):
    """Over one that nobody has looked at."""
    yield from opened(with_a_correction(tmp_path / "untouched.db"))


def test_nothing_is_offered_to_be_done_while_looking_back(untouched):
    corrected = untouched
    key, alert = corrected.key("P"), corrected.alert("P", "plasma_criterion")
    assert corrected.open("alerts", alert=alert.alert_id, as_of=then(36)).button(key="look_back_button")
    for name in ("ward", "patient", "alerts", "rebounds"):
        test = corrected.open(name, patient=key, alert=alert.alert_id, as_of=then(36))
        assert {button.key for button in test.button} == {"look_back_button"}
        assert "Enter or correct" not in words(test) and "move it" not in words(test)
    corrected.store.settle()
    with corrected.store.reading() as reader:
        assert [row.action for row in reader.audit_rows()].count("view_patient") == 1
        assert reader.alert(alert.alert_id).seen_at is None


@pytest.mark.parametrize("asked", ["rubbish", "", "2199-01-01T08:00", "2026-02-30T08:00"])
def test_a_moment_that_cannot_be_shown_shows_nothing_rather_than_the_present(corrected, asked):
    test = corrected.open("ward", as_of=asked)
    assert "As of: this" in words(test) and "Back to now" in words(test)
    assert "Pia" not in body(test)


def test_a_page_of_the_present_drops_the_moment_from_its_address(corrected):
    test = corrected.open("definitions", as_of=then(36))
    assert "as_of" not in test.query_params and "LOOKING BACK" not in words(test)


def test_the_control_puts_the_moment_into_the_address(corrected):
    test = corrected.open("ward")
    test.button(key="look_back_button").click().run()
    assert not test.exception
    assert "LOOKING BACK" in words(test) and list(test.query_params) == ["as_of"]

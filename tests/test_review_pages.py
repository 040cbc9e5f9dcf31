"""The page of held results, driven without a browser."""

import datetime as dt
import time

import pytest

from khemon.actions import watch
from khemon.actions.acknowledge import mark_seen
from khemon.actions.import_files import Options, commit
from khemon.actions.review import move_results
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.test_pages import LAB_HEAD, body, labels, opened, words
from tests.wards import HOSTILE, TIMEZONE, Files, bring, text_of

DOCTOR = Actor(name="doctor", kind="local")
TESTER = Actor(name="Tester", kind="demo")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def queue(tmp_path):
    """Over a store with a few rows that wait, one of them with hostile texts."""
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    store = Store(url)
    files = Files(now())
    files.child("A-1", "Ann One")
    files.child("B-2", HOSTILE)
    files.panel("A-1", 30, "240", "2.4", "0.4", "115")
    files.panel("B-2", 30, "200", "2.4", "0.4", "115")
    bring(store, files)
    at = files.at(3)
    held = [("A-1", at, "platelets", "8*", "10*9/L"), ("A-1", files.at(4), "platelets", "9*", "10*9/L")]
    held += [("A-1", at[:10], "hemoglobin", "70", "g/L"), ("B-2", at, "fibrinogen", f"4 {HOSTILE}", "g/L")]
    held += [
        ("A-1", files.at(30), "hemoglobin", "71", "g/L"),
        ("B-2", at, "platelets", "x" * 1_000, "10*9/L"),
        ("B-2", files.at(5), "platelets", f"7 {'*' * 900}", "10*9/L"),
    ]
    held += [("Q\"'<i>`", at, "hemoglobin", "7000", "g/L")]
    options = Options(now_ms=to_ms(now()), timezone=TIMEZONE)
    commit(store, TESTER, text_of(LAB_HEAD, held), "<b>held</b>.csv", options)
    store.close()
    yield from opened(url)


def opened_group(queue, wanted, **query):
    """The page with the one question open that is wanted, and that question."""
    [group] = [group for group in watch.held_queue(queue.store, TESTER, now()).groups if wanted(group)]
    test = queue.open("review", **query)
    test.session_state[f"group_{group.name}"] = True
    test.run()
    assert not test.exception
    return test, group


def texts_held(queue):
    found = watch.held_queue(queue.store, TESTER, now())
    return {line.text.split()[0] for group in found.groups for line in group.lines}


def test_questions_stand_with_text_beside_reading_and_what_follows(queue):
    test, _ = opened_group(queue, lambda group: group.decision == "conflict")
    told = words(test)
    assert "rows wait and no rule reads them; 1 could not be used" in told
    assert "71 g/L" in told
    assert "hemoglobin 71 g/L takes the place of hemoglobin 115 g/L, as corrected" in told


def test_rows_with_one_question_are_confirmed_with_one_answer(queue):
    test, group = opened_group(queue, lambda group: len(group.lines) == 3)
    assert "8* 10*9/L" in words(test)
    assert "Confirmed, platelets 8 ×10⁹/L stands and every rule reads it." in words(test)
    test.button(f"confirm_{group.name}").click().run()
    assert "is missing" in words(test), "a decision needs a reason"
    test.text_input(f"why_decide_{group.name}").set_value("their own mark")
    test.button(f"ask_{group.name}").click().run()
    assert "If you decide so" in words(test)
    assert "plasma criterion is raised" in words(test).casefold()
    test.text_input(f"why_decide_{group.name}").set_value("their own mark")
    test.button(f"confirm_{group.name}").click().run()
    assert not test.exception
    after = watch.held_queue(queue.store, TESTER, now())
    assert group.name not in {one.name for one in after.groups}
    assert "their own mark" in words(test)


def test_a_row_that_leaves_something_open_is_corrected_on_the_page(queue):
    test, group = opened_group(queue, lambda group: group.needs == ("collected_at",))
    assert test.button(f"confirm_{group.name}").disabled
    local = (now() - dt.timedelta(hours=5)).isoformat(timespec="minutes")
    test.text_input(f"collected_at_{group.name}").set_value(local)
    test.text_input(f"why_correct_{group.name}").set_value("the sample list")
    test.button(f"amend_{group.name}").click().run()
    assert not test.exception
    assert "70" not in texts_held(queue)


def test_texts_from_outside_are_shown_as_text_and_long_ones_are_cut(queue):
    found = watch.held_queue(queue.store, TESTER, now())
    test = queue.open("review")
    for group in found.groups:
        test.session_state[f"group_{group.name}"] = True
    test.run()
    assert not test.exception
    told = body(test)
    assert "<img src=x" not in told
    assert "<b>held</b>" not in told
    assert "<i>" not in told
    assert "Q\"'<i>`" in words(test)
    assert "x" * 300 not in told
    assert "(1007 characters)" in told
    for expander in test.expander:
        assert "[link](http" not in expander.label
        assert "**bold**" not in expander.label


def test_the_ward_and_the_patient_page_lead_to_what_is_held(queue):
    key = queue.key("A-1")
    assert f'href="review?patient={key}"' in body(queue.open("ward"))
    assert f'href="review?patient={key}"' in body(queue.open("patient", patient=key))
    test = queue.open("review", patient=key)
    assert "Fibrinogen" not in labels(test)


def test_a_long_text_is_cut_on_the_ward_list(queue):
    told = body(queue.open("ward"))
    assert "*" * 60 in told
    assert "*" * 200 not in told


def test_an_empty_queue_says_so(queue):
    test = queue.open("review", patient=999_999)
    assert "Nothing waits" in words(test)


def test_a_result_is_moved_from_the_page_after_a_preview(queue):
    test = queue.open("review", patient=queue.key("A-1"))
    [platelets] = [one for one in test.multiselect("move_rows").options if one.startswith("platelets")]
    test.multiselect("move_rows").select(platelets)
    test.selectbox("move_to").select_index(0)
    test.text_input("move_why").set_value("swapped labels")
    test.button("move_ask").click().run()
    assert "If you decide so" in words(test)
    test.button("move_button").click().run()
    assert not test.exception
    assert "swapped labels" in words(test)


def test_who_had_looked_is_told_until_they_open_it(queue):
    mark_seen(queue.store, TESTER, "A-1", now=now())
    with queue.store.reading() as reader:
        wanted = [row.result_id for row in reader.results_of("A-1") if row.analyte == "platelets"]
    document = move_results(queue.store, DOCTOR, wanted, "A-1", "B-2", "swapped", now=now())
    [batch] = document["batches"]
    assert watch.move_notices(queue.store, DOCTOR) == ()
    told = words(queue.open("ward"))
    assert "1 result you may have read at Ann One belong to" in told
    test = queue.open("review", move=batch)
    assert "You had looked at Ann One" in words(test)
    assert "you may have read" not in words(queue.open("ward"))
    assert watch.move_notices(queue.store, TESTER) == ()


def test_two_thousand_held_rows_stay_usable(tmp_path):
    url = f"sqlite:///{tmp_path / 'many.db'}"
    store = Store(url)
    files = Files(now())
    for number in range(50):
        files.child(f"C-{number}", f"Child {number}")
    bring(store, files)
    rows = [
        (f"C-{number % 50}", files.at(1 + number / 60), "platelets", f"{number % 90}*", "10*9/L")
        for number in range(2_000)
    ]
    options = Options(now_ms=to_ms(now()), timezone=TIMEZONE)
    commit(store, TESTER, text_of(LAB_HEAD, rows), "many.csv", options)
    began = time.process_time()
    found = watch.held_queue(store, TESTER, now())
    asked = time.process_time() - began
    assert found.waiting == 2_000
    assert asked < 1
    store.close()
    for ward in opened(url):
        test = ward.open("review")
        began = time.process_time()
        test.run()
        took = time.process_time() - began
        print(f"queue {asked:.2f} s, page {took:.2f} s, {len(body(test))} characters")
        assert took < 5
        assert len(body(test)) < 200_000

"""The acknowledgement of a critical alert is signed: by whom, stating what, about what was shown, with the password."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import pytest
from streamlit.testing.v1 import AppTest

from khemon.actions.accounts import WrongPassword, change_password, confirm_password
from khemon.actions.acknowledge import acknowledge
from khemon.actions.import_files import Options, commit, undo
from khemon.actions.signatures import FRESH_MS, digest_of
from khemon.actions.watch.signed import signatures, to_sign
from khemon.gate import running, scripts
from khemon.models import Refused
from khemon.rules.calendar import to_ms
from khemon.settings import Settings
from khemon.store import Store
from tests.quick_accounts import quick_hashing as quick_hashing
from tests.quick_accounts import store as store
from tests.store_rows import NURSE
from tests.test_accounts import OTHER, PASSWORD, with_account
from tests.test_pages import ROOT, words

NOW = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
HEAD = "patient_id,collected_at,analyte,value,unit,status\n"
FIRST = "P1,2026-03-02T06:00:00Z,platelets,8,10*9/L,final\nP1,2026-03-02T06:00:00Z,fibrinogen,1.2,g/L,final\n"


def brought(store: Store, rows: str, name: str = "labs.csv", later: int = 0) -> str:
    options = Options(now_ms=to_ms(NOW) + later, timezone="UTC")
    done = commit(store, NURSE, (HEAD + rows).encode(), name, options)
    assert done.document["committed"]
    return done.document["batch"]


@pytest.fixture
def ward(store: Store) -> Store:
    brought(store, FIRST)
    return store


def critical(store: Store, rule: str = "plasma_criterion"):
    with store.reading() as reader:
        [alert] = [each for each in reader.alerts() if each.rule == rule]
    assert alert.severity == "critical"
    return alert


def signed(store: Store, actor, **more):
    """Ann acknowledges with her password what she was shown."""
    alert = critical(store)
    confirmed = confirm_password(store, actor, PASSWORD, to_ms(NOW))
    return acknowledge(store, actor, alert.alert_id, "plasma ordered", now=NOW, confirmed=confirmed, **more)


def details_of(store: Store) -> tuple[dict, dict]:
    """What the alert's log and the audit keep of the last act."""
    with store.reading() as reader:
        move = reader.alert_moves(critical(store).alert_id)[-1]
        *_, entry = (row for row in reader.audit_rows() if row.action == "acknowledge")
    return move.details, json.loads(entry.details)


def test_log_and_audit_keep_who_when_what_was_stated_and_the_digest_of_what_was_shown(ward):
    actor = with_account(ward)
    shown = to_sign(ward, actor, critical(ward).alert_id, NOW)
    assert shown.asks_password
    signed(ward, actor, seen=shown.digest)
    kept, audited = details_of(ward)
    assert kept["signed"]["digest"] == shown.digest == digest_of(kept["signed"]["shown"])
    assert {name: audited["signed"][name] for name in ("meaning", "digest", "with")} == {
        "meaning": "I have seen this alert and the results it rests on, and answer for the decision.",
        "digest": shown.digest,
        "with": "password",
    }
    assert kept["signed"]["shown"]["evidence"][0][3:5] == ["8", "10*9/L"]
    [line] = signatures(ward, actor, critical(ward).alert_id, NOW)
    assert (line.who, line.at, line.how, line.changed) == ("Ann", "2 Mar 2026 08:00", "password", ())


@pytest.mark.parametrize("snooze", [False, True])
def test_with_an_account_nothing_is_signed_without_the_password_typed_just_now(ward, snooze):
    ann, bob = with_account(ward), with_account(ward, "Bob")
    number, late = critical(ward).alert_id, NOW + dt.timedelta(milliseconds=FRESH_MS + 1)
    own = confirm_password(ward, ann, PASSWORD, to_ms(NOW))
    others = confirm_password(ward, bob, PASSWORD, to_ms(NOW))
    for now, confirmed in ((NOW, None), (NOW, others), (late, own)):
        with pytest.raises(Refused, match="password"):
            acknowledge(ward, ann, number, "seen", now=now, confirmed=confirmed, snooze=snooze)
    assert critical(ward).state == "open"
    assert acknowledge(ward, ann, number, "seen", now=NOW, confirmed=own, snooze=snooze).actor == "Ann"


def test_a_wrong_password_is_on_record_and_another_password_voids_what_was_confirmed(ward):
    ann = with_account(ward)
    with pytest.raises(WrongPassword):
        confirm_password(ward, ann, OTHER, to_ms(NOW))
    with ward.reading() as reader:
        *_, last = reader.audit_rows()
    assert (last.actor, last.action) == ("Ann", "signature_failed") and OTHER not in last.details
    before = confirm_password(ward, ann, PASSWORD, to_ms(NOW))
    again = change_password(ward, ann, PASSWORD, OTHER, to_ms(NOW))
    with pytest.raises(Refused, match="password"):
        acknowledge(ward, again, critical(ward).alert_id, "seen", now=NOW, confirmed=before)


def test_what_came_in_between_reading_and_signing_is_not_signed_unseen(ward):
    actor = with_account(ward)
    seen = to_sign(ward, actor, critical(ward).alert_id, NOW).digest
    brought(ward, "P1,2026-03-02T06:00:00Z,platelets,4,10*9/L,corrected\n", "more.csv", 1)
    with pytest.raises(Refused, match="no longer what you were shown"):
        signed(ward, actor, seen=seen)
    assert critical(ward).state == "open"
    signed(ward, actor, seen=to_sign(ward, actor, critical(ward).alert_id, NOW).digest)


def test_a_later_correction_marks_the_signature_and_taking_it_back_unmarks_it(ward):
    actor = with_account(ward)
    number = critical(ward).alert_id
    signed(ward, actor)
    batch = brought(ward, "P1,2026-03-02T06:00:00Z,platelets,9,10*9/L,corrected\n", "more.csv", 1)
    [line] = signatures(ward, actor, number, NOW)
    assert line.changed == ("Platelets of 2 Mar 2026 06:00: 8 10*9/L then, 9 10*9/L now",)
    undo(ward, NURSE, batch, to_ms(NOW) + 2)
    assert signatures(ward, actor, number, NOW)[0].changed == ()
    brought(ward, "P1,2026-03-02T06:00:00Z,platelets,8,10*9/L,entered_in_error\n", "void.csv", 3)
    [line] = signatures(ward, actor, number, NOW)
    assert line.changed == ("Platelets of 2 Mar 2026 06:00: 8 10*9/L then, set aside since",)


def test_an_import_taken_back_marks_the_signature_even_when_the_child_is_gone(store):
    batch = brought(store, FIRST)
    actor = with_account(store)
    number = critical(store).alert_id
    signed(store, actor)
    undo(store, NURSE, batch, to_ms(NOW) + 1)
    [line] = signatures(store, actor, number, NOW)
    assert line.changed and all("taken back since" in words for words in line.changed)


def test_a_result_that_has_nothing_to_do_with_it_marks_nothing(ward):
    actor = with_account(ward)
    signed(ward, actor)
    brought(ward, "P1,2026-03-02T07:00:00Z,platelets,9,10*9/L,final\nP1,2026-02-01T08:00:00Z,hemoglobin,90,g/L,final\n",
            "more.csv", 1)  # fmt: skip
    [line] = signatures(ward, actor, critical(ward).alert_id, NOW)
    assert line.changed == ()


def test_where_there_are_no_passwords_the_sign_in_stands_for_it_and_what_is_no_critical_is_not_signed(ward):
    acknowledge(ward, NURSE, critical(ward).alert_id, "seen", now=NOW)
    assert details_of(ward)[0]["signed"]["with"] == "sign-in"
    rows = ("d_dimer,9,mg/L{FEU},final", "fibrinogen,0.9,g/L,final")
    brought(ward, "".join(f"P2,2026-03-02T06:00:00Z,{row}\n" for row in rows), "other.csv", 1)
    with ward.reading() as reader:
        warning = next(each for each in reader.alerts(patient_ids=["P2"]) if each.severity == "warning")
    ann = with_account(ward)
    assert to_sign(ward, ann, warning.alert_id, NOW) is None
    acknowledge(ward, ann, warning.alert_id, "seen", now=NOW)
    assert signatures(ward, ann, warning.alert_id, NOW) == ()


# ---- on the page ------------------------------------------------------------------------------------------------


def test_the_form_asks_for_the_password_says_what_is_signed_and_shows_the_signature(store, monkeypatch):
    now = dt.datetime.now(dt.UTC)
    at = (now - dt.timedelta(hours=2)).isoformat()
    options = Options(now_ms=to_ms(now), timezone="UTC")
    commit(store, NURSE, f"{HEAD}P1,{at},platelets,8,10*9/L,final\n".encode(), "labs.csv", options)
    number, ann = critical(store).alert_id, with_account(store)
    clock = itertools.count(step=60)
    with running.over(store, Settings(mode="serve", database_url=store.url)) as place:
        monkeypatch.setattr(place.guesses, "_clock", lambda: float(next(clock)))
        test = AppTest.from_file(str(ROOT / "khemon" / "ui" / "main.py"), default_timeout=60)
        test.user = {"session": place.sessions.open(ann)[1].reference}
        test.run()
        test.switch_page("../../pages/alerts.py")
        test.query_params["alert"] = str(number)
        test.run()
        assert "You sign as Ann" in words(test)

        def sent(password: str) -> str:
            test.text_area(key=f"reason_{number}").input("plasma ordered")
            [field] = [each for each in test.text_input if each.label == "Your password, to sign"]
            field.input(password)
            test.button(key=f"acknowledge_{number}").click().run()
            assert not test.exception, test.exception
            return words(test)

        assert "is missing" in sent("")
        assert "is not right" in sent(OTHER) and PASSWORD not in repr(test.main)
        assert critical(store).state == "open"
        assert "Signatures" in sent(PASSWORD)
        assert not [each.value for each in test.text_input if each.label == "Your password, to sign" and each.value]
    assert critical(store).actor == "Ann" and details_of(store)[0]["signed"]["with"] == "password"


def test_guessing_the_password_in_an_open_window_is_slowed_there_and_nowhere_else(store, monkeypatch):
    ann = with_account(store)
    with running.over(store, Settings(mode="serve", database_url=store.url)) as place:
        window, elsewhere = (place.sessions.open(ann)[1].reference for _ in range(2))
        shown_in = [window]
        monkeypatch.setattr(running, "_reference", lambda: shown_in[0])
        monkeypatch.setattr(place.guesses, "_clock", lambda: 0.0)
        with pytest.raises(WrongPassword):
            scripts.confirmed_password(OTHER)
        with pytest.raises(Refused, match="tried too often"):
            scripts.confirmed_password(PASSWORD)
        shown_in[0] = elsewhere
        assert scripts.confirmed_password(PASSWORD).name == "Ann"
        place.sessions.end(place.sessions.of_reference(elsewhere))
        with pytest.raises(Refused, match="has ended"):
            scripts.confirmed_password(PASSWORD)

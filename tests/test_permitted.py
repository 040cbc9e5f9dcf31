"""Every action asks whether its actor may do it, and who is bound to wards sees no patient of another one."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import pkgutil
import time

import pytest

import khemon.actions
from khemon import roles
from khemon.actions import accounts, watch
from khemon.actions.acknowledge import acknowledge
from khemon.actions.break_glass import open_other_ward
from khemon.actions.by_hand.changing import void_result
from khemon.actions.by_hand.entering import enter_result
from khemon.actions.by_hand.forms import ResultForm
from khemon.actions.import_files import Options, batches, commit, undo
from khemon.actions.permitted import BREAK_GLASS_HOURS, permitted
from khemon.actions.status import status
from khemon.models import Actor, Refused
from khemon.store import Store
from khemon.store.repository.bound import BoundReader
from khemon.store.repository.reader import Reader
from tests.quick_accounts import quick_hashing as quick_hashing
from tests.store_rows import HOUR, NURSE
from tests.test_accounts import PASSWORD, with_account

NOW = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
NOW_MS = int(NOW.timestamp() * 1000)

#: Public functions with a store that ask nobody: they serve before anybody is known, or the program itself.
ASK_NOBODY = {
    "khemon.actions.accounts.accept_invitation": "the code is the permission",
    "khemon.actions.accounts.sign_in": "answers who it is",
    "khemon.actions.advance.advance": "the clock's own moves, made by the server",
    "khemon.actions.devices.with_mark": "marks a browser; the mark opens nothing",
    "khemon.actions.devices.number_of": "reads a mark before anybody is known",
    "khemon.actions.checking.not_made": "the server's own check",
    "khemon.actions.checking.take": "the server's own check",
    "khemon.actions.watch.damaged.despite_damage": "part of what the pages read, which ask",
    "khemon.actions.auditing.whole_record": "part of what reads the record, which asks",
    "khemon.actions.begun.left_open": "tells a person what became of their own commits",
    "khemon.actions.begun.told": "notes that a person was told of their own commit",
    "khemon.actions.demo.load_demo": "fills a synthetic store before anybody is in",
    "khemon.actions.exporting.put_on_record": "part of what exports, which asks",
    "khemon.actions.import_files.record": "part of commit, which asks",
    "khemon.actions.import_files.read_as": "part of commit, which asks",
    "khemon.actions.import_files.zone_for": "part of commit, which asks",
    "khemon.actions.remembered.with_remembered": "part of commit, which asks",
    "khemon.actions.permitted.account_of": "is how the others ask",
    "khemon.actions.protocol_replay.replayed": "part of diff, which asks",
    "khemon.actions.signing.failed": "writes that nobody came in",
    "khemon.actions.signing.signed_in": "writes who came in",
    "khemon.actions.signing.signed_out": "writes who left",
    "khemon.actions.whoami.person": "tells a person about themselves",
}
#: What a reader says that is the same for everyone: nothing of it speaks of a patient.
SAME_FOR_ALL = {
    "account", "account_history", "accounts", "accounts_head", "audit_head", "decisions", "has_protocol",
    "leave_out", "live_protocol", "mappings", "protocol_history", "revision", "revisions", "setting", "standing_batch",
    "text_at_hand", "told",
}  # fmt: skip
#: Ask for one patient by way of `_number`, which a bound reader answers for those it shows only.
BY_NUMBER = {
    "event_entries", "gaps_of", "held_of", "last_result", "patient_revision", "recorded_of", "results_of", "text_of",
    "texts_of", "results_since", "results_without_rules", "versions_of",
}  # fmt: skip
#: Answer about an object whose name one must know already, with who opened it and when.
BY_NAME = {"seen_at", "seen_by"}


def actions() -> dict[str, object]:
    """Every public function of the actions that takes a store."""
    found = {}
    for module in pkgutil.walk_packages(khemon.actions.__path__, "khemon.actions."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(value) and not name.startswith("_") and value.__module__ == module.name:
                first = next(iter(inspect.signature(value).parameters), None)
                if first == "store":
                    found[f"{module.name}.{name}"] = value
    return found


def test_every_action_asks_or_says_why_not():
    found = actions()
    silent = {name for name, action in found.items() if not hasattr(action, "__khemon_act__")}
    assert silent == set(ASK_NOBODY)
    assert {action.__khemon_act__ for name, action in found.items() if name not in silent} <= set(roles.ACTS)


def test_an_act_that_no_table_knows_cannot_be_asked_for():
    with pytest.raises(KeyError):
        permitted("fly")


def test_the_table_of_roles_holds_together():
    assert set(roles.WORDS) == set(roles.ACTS)
    assert {role for held in roles.ACTS.values() for role in held} == set(roles.ROLES)
    assert set(roles.PAGES.values()) <= set(roles.ACTS)
    assert not roles.may(["clinician"], "fly")
    assert not roles.may([], "look")
    assert not roles.may(["nurse"], "look")
    assert roles.who_may("fly") == "nobody"


#: The whole table as this test reads it: what each role may, and nothing else.
MAY = {
    "viewer": {"read_rules", "own_account", "look", "break_glass"},
    "clinician": {"read_rules", "own_account", "look", "break_glass", "acknowledge", "import", "take_back", "review",
                  "record", "set_round", "export"},
    "data_manager": {"read_rules", "own_account", "look", "break_glass", "import", "take_back", "review", "record",
                     "set_round", "export", "map"},
    "administrator": {"read_rules", "own_account", "go_live", "administer", "audit", "keep"},
}  # fmt: skip


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(role, store: Store):
    actor = with_account(store, roles=[role])
    for act in roles.ACTS:

        @permitted(act)
        def done(store: Store, actor: Actor) -> bool:
            return True

        if act in MAY[role]:
            assert done(store, actor)
        else:
            with pytest.raises(Refused, match="your account may not"):
                done(store, actor)
    with store.reading() as reader:
        refused = [row.object for row in reader.audit_rows() if row.action == "refused"]
    assert refused == [act for act in roles.ACTS if act not in MAY[role]]


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_page_exists_for_whom_its_act_is_allowed(role):
    assert set(roles.pages_for([role])) == {page for page, act in roles.PAGES.items() if act in MAY[role]}


# ---- wards ------------------------------------------------------------------------------------------------------

PATIENTS = "patient_id,name,ward\nA1,Ada,3A\nB1,Bea,3B\nC1,Cy,\n"
LABS = "patient_id,collected_at,analyte,value,unit\n" + "".join(
    f"{child},2026-03-01T08:00:00Z,platelets,{value},10*9/L\n" for child, value in (("A1", 8), ("B1", 7), ("C1", 6))
)


@pytest.fixture
def two_wards(store: Store) -> Store:
    for name, text in (("patients.csv", PATIENTS), ("labs.csv", LABS)):
        commit(store, NURSE, text.encode(), name, Options(now_ms=NOW_MS, timezone="UTC"))
    return store


def seen_by(store: Store, actor: Actor) -> set[str]:
    return {each["patient_id"] for each in status(store, actor, now_ms=NOW_MS)["patients"]}


def test_who_is_bound_to_a_ward_sees_its_children_and_those_without_a_ward(two_wards: Store):
    bound = with_account(two_wards, "Ann", wards=["3A"])
    free = with_account(two_wards, "Bob")
    assert seen_by(two_wards, free) == {"A1", "B1", "C1"}
    assert seen_by(two_wards, bound) == {"A1", "C1"}
    both = with_account(two_wards, "Cleo", wards=["3A", "3B"])
    assert seen_by(two_wards, both) == {"A1", "B1", "C1"}


def test_a_child_that_moves_to_another_ward_is_seen_there(two_wards: Store):
    bound = with_account(two_wards, "Ann", wards=["3A"])
    moved = b"patient_id,ward\nB1,3A\nA1,3B\n"
    commit(two_wards, NURSE, moved, "patients.csv", Options(now_ms=NOW_MS + 1))
    assert seen_by(two_wards, bound) == {"B1", "C1"}


def test_another_wards_alert_and_patient_are_not_there_for_any_act(two_wards: Store):
    bound = with_account(two_wards, "Ann", wards=["3A"])
    with two_wards.reading() as reader:
        alerts = {each.patient_id: each.alert_id for each in reader.alerts() if each.rule == "plasma_criterion"}
        keys = reader.patient_numbers()
    for act in (
        lambda: acknowledge(two_wards, bound, alerts["B1"], "seen", now=NOW),
        lambda: watch.alert_view(two_wards, bound, alerts["B1"], NOW),
        lambda: watch.patient_view(two_wards, bound, keys["B1"], NOW),
        lambda: status(two_wards, bound, now_ms=NOW_MS, patient_id="B1"),
    ):
        with pytest.raises(Refused):
            act()
    signed = accounts.confirm_password(two_wards, bound, PASSWORD, NOW_MS)
    assert acknowledge(two_wards, bound, alerts["A1"], "seen", now=NOW, confirmed=signed).actor == "Ann"
    board = watch.ward_board(two_wards, bound, NOW)
    assert "B1" not in repr(board) and "Bea" not in repr(board)
    queue = watch.review_queue(two_wards, bound, NOW)
    assert "B1" not in repr(queue) and "Bea" not in repr(queue)


def test_nothing_is_entered_by_hand_for_another_wards_child(two_wards: Store):
    bound = with_account(two_wards, "Ann", wards=["3A"])
    with two_wards.reading() as reader:
        theirs = reader.results_of("B1")[0].result_id
    forms = {each: ResultForm(each, "platelets", "50", "10*9/L", "2026-03-02T07:00") for each in ("A1", "B1")}
    for refused in (
        lambda: enter_result(two_wards, bound, forms["B1"], now=NOW),
        lambda: void_result(two_wards, bound, theirs, "not hers", now=NOW),
    ):
        with pytest.raises(Refused, match="there is none"):
            refused()
    assert enter_result(two_wards, bound, forms["A1"], now=NOW).rows[0]["patient_id"] == "A1"


def test_an_import_that_speaks_of_another_wards_child_is_not_taken_back_by_one_ward(two_wards: Store):
    bound = with_account(two_wards, "Ann", wards=["3A"])
    own = b"patient_id,collected_at,analyte,value,unit\nA1,2026-03-02T07:00:00Z,platelets,9,10*9/L\n"
    mine = commit(two_wards, bound, own, "own.csv", Options(now_ms=NOW_MS + 1)).document["batch"]
    listed = [each["batch"] for each in batches(two_wards, bound)["batches"]]
    whole = [each["batch"] for each in batches(two_wards, NURSE)["batches"]]
    assert listed == [mine] and len(whole) == 3
    with pytest.raises(Refused, match="there is none"):
        undo(two_wards, bound, whole[1], NOW_MS + 2)
    assert undo(two_wards, bound, mine, NOW_MS + 2)["patients"] == 1


def test_a_bound_reader_answers_for_every_question_a_reader_does():
    """A question added to the reader fails here until somebody says whom it may show."""
    asked = {name for name, _ in inspect.getmembers(Reader, inspect.isfunction) if not name.startswith("_")}
    own = {name for name, value in vars(BoundReader).items() if inspect.isfunction(value) and not name.startswith("_")}
    assert asked == own | SAME_FOR_ALL | BY_NUMBER | BY_NAME
    assert not own & (SAME_FOR_ALL | BY_NUMBER | BY_NAME)


def test_nothing_of_another_wards_child_comes_out_of_any_question(two_wards: Store):
    undone = commit(two_wards, NURSE, LABS.replace(",7,", ",77,").encode(), "more.csv", Options(now_ms=NOW_MS + 1))
    bound = two_wards.bound_to(["3A"], "Ann", NOW_MS)
    with two_wards.reading() as whole, bound.reading() as reader:
        everything = {
            "results": whole.results_for().result_id.tolist(),
            "alerts": [each.alert_id for each in whole.alerts()],
            "batches": [each.batch for each in whole.batches()],
        }
        said = repr([
            reader.patient_ids(), reader.patients(), reader.patient("B1"), reader.patient_numbers(),
            reader.results_for(["A1", "B1"]).patient_ids, reader.results_of("B1"), reader.texts_of("B1", 0),
            reader.result_details(everything["results"]), reader.events_for().patient_ids, reader.gaps_of("B1"),
            reader.held(), reader.held_of("B1"), reader.episodes(), reader.episodes(["B1"]),
            reader.alerts(), reader.alerts(None, ["B1"]), [reader.alert(each) for each in everything["alerts"]],
            [reader.fates_of(each) for each in everything["batches"]], reader.batches(), reader.recorded_of("B1"),
            list(reader.audit_rows()), reader.last_result("B1"), reader.patient_revision("B1"),
            reader.batch(undone.document["batch"]), reader.versions_of("B1"),
            reader.results_since("B1", 0, whole.versions_of("B1")),
            reader.results_without_rules("B1", whole.versions_of("B1")),
        ])  # fmt: skip
        theirs = {each.alert_id for each in whole.alerts() if each.patient_id == "B1"}
        moves = [reader.alert_moves(each) for each in theirs]
        log = {move.alert_id for _, move in reader.alert_log(NOW_MS * 2)}
    assert theirs and moves == [[] for _ in theirs] and not log & theirs
    assert "B1" not in said and "Bea" not in said
    assert "A1" in said and "C1" in said


def test_rights_are_those_the_store_knows_now(two_wards: Store):
    actor = with_account(two_wards, "Ann", ["clinician"])
    assert seen_by(two_wards, actor)
    accounts.change_account(two_wards, NURSE, "Ann", "moved", HOUR, roles=["administrator"])
    with pytest.raises(Refused, match="has ended"):
        seen_by(two_wards, actor)
    forged = actor.model_copy(update={"credential_version": 99})
    with pytest.raises(Refused, match="has ended"):
        seen_by(two_wards, forged)
    with pytest.raises(Refused, match="has ended"):
        seen_by(two_wards, Actor(name="Nobody", kind="account", credential_version=1))


def test_a_patient_of_another_ward_opens_with_a_reason_for_hours_and_on_record(two_wards: Store, monkeypatch):
    bound = with_account(two_wards, "Ann", wards=["3A"])
    free = with_account(two_wards, "Bob")
    now_ms = time.time_ns() // 1_000_000
    with pytest.raises(Refused, match="reason"):
        open_other_ward(two_wards, bound, "B1", " ", now_ms)
    with pytest.raises(Refused, match="there is none"):
        open_other_ward(two_wards, bound, "Z9", "resuscitation", now_ms)
    with pytest.raises(Refused, match="bound to no ward"):
        open_other_ward(two_wards, free, "B1", "resuscitation", now_ms)
    open_other_ward(two_wards, bound, "B1", "resuscitation", now_ms)
    assert seen_by(two_wards, bound) == {"A1", "B1", "C1"}
    with two_wards.reading() as reader:
        *_, last = reader.audit_rows()
    assert (last.actor, last.action, last.object) == ("Ann", "break_glass", "patient B1")
    assert "resuscitation" in last.details
    later = now_ms + (BREAK_GLASS_HOURS * 3600 + 1) * 1000
    monkeypatch.setattr(time, "time_ns", lambda: later * 1_000_000)
    assert seen_by(two_wards, bound) == {"A1", "C1"}

"""Roles, actions and wards as one whole: every action for every role, and every name of another ward's child in it.

What each role may stands in `test_permitted.MAY`; here stands which action is which act. A new action, or a new
parameter of one, fails until somebody writes down what it is.
"""

from __future__ import annotations

import inspect
import io

import pytest
from pypdf import PdfReader

from khemon import roles
from khemon.actions import watch
from khemon.actions.by_hand.forms import ResultForm
from khemon.actions.cohort.selecting import Selection
from khemon.actions.cohort_report import CohortReport
from khemon.actions.handover.leaving import Handover
from khemon.actions.import_files import Options, commit
from khemon.actions.permitted import _NAMED
from khemon.actions.watch.cohort import CohortQuestion
from khemon.models import Refused
from khemon.store import Store
from tests.quick_accounts import quick_hashing as quick_hashing
from tests.quick_accounts import store as store
from tests.store_rows import NURSE
from tests.test_accounts import with_account
from tests.test_permitted import LABS, MAY, NOW, NOW_MS, PATIENTS, actions

ACTS = {
    "acknowledge": {"acknowledge.acknowledge", "acknowledge.hand_over", "acknowledge.snooze", "watch.signed.to_sign"},
    "administer": {"accounts.accounts", "accounts.add_account", "accounts.change_account", "accounts.invite"},
    "audit": {"auditing.audit", "auditing.seen_by", "exporting.export_audit", "leaving.prepare_record",
              "leaving.record_fetched", "watch.record.record_names", "watch.record.record_view"},
    "break_glass": {"break_glass.open_other_ward"},
    "export": {"cohort_export.cohort_csv", "cohort_report.cohort_report",
               "exporting.export_patient", "file_rows.not_accepted_csv",
               "handover.leaving.handover_of_patient", "handover.leaving.handover_of_ward",
               "handover.leaving.wards_to_print", "leaving.chart_fetched", "leaving.prepare_chart"},
    "go_live": {"going_live.go_live"},
    "import": {"begun.batch_of", "begun.note", "import_files.commit", "import_files.preview", "mappings.mapping_of",
               "mappings.mappings", "mappings.sources", "proposals.proposal", "proposals.shape_for",
               "uploads.committed", "uploads.previewed"},
    "keep": {"check.check", "safekeeping.backup"},
    "look": {"acknowledge.mark_seen", "by_hand.listing.events_stored", "by_hand.listing.results_stored",
             "by_hand.previewing.children", "cohort.asking.cohort_of_store", "import_files.batches",
             "protocol_diff.diff", "review.telling.move_opened", "scorecard.scorecard", "status.alerts",
             "status.status", "viewing.looked_at", "watch.alerts.alert_view", "watch.alerts.patient_of_alert",
             "watch.alerts.review_queue", "watch.changes.ward_changes", "watch.cohort.view.cohort_choices",
             "watch.cohort.view.cohort_view", "watch.comparing.alerts_compared",
             "watch.corrections.corrections_since", "watch.heldqueue.held_queue", "watch.imports.imports",
             "watch.moved.decided_lines", "watch.moved.movable_results", "watch.moved.move_notice",
             "watch.moved.move_notices", "watch.news.last_visits", "watch.patient.ended_flags",
             "watch.patient.identity_of", "watch.patient.patient_of", "watch.patient.patient_view",
             "watch.rebounds.rebound_review", "watch.signed.signatures", "watch.then.first_recorded",
             "watch.then.store_at", "watch.ward.ward_board"},
    "map": {"mappings.remember"},
    "own_account": {"accounts.change_password", "accounts.confirm_password"},
    "read_rules": {"protocol_lists.listed", "protocol_lists.shown", "watch.comparing.other_protocol",
                   "watch.comparing.protocols_to_compare", "watch.damaged.read_only_because",
                   "watch.damaged.unchecked_because", "watch.imports.own_zone", "watch.imports.revision",
                   "watch.imports.setting", "watch.rulebook.definitions"},
    "record": {"by_hand.changing.edit_result", "by_hand.changing.void_result", "by_hand.changing_events.edit_event",
               "by_hand.changing_events.void_event", "by_hand.changing_patients.edit_patient",
               "by_hand.entering.enter_events", "by_hand.entering.enter_result", "by_hand.previewing.preview_events",
               "by_hand.previewing.preview_result"},
    "review": {"review.acts.confirm", "review.acts.correct", "review.acts.reject", "review.moving.move_results"},
    "set_round": {"rounds.set_round"},
    "take_back": {"import_files.undo"},
}  # fmt: skip
#: Parameters that name no child, alert, result, row or import; what is read or written by them is checked elsewhere.
NAMES_NOTHING = {
    "a", "anyone_ms", "as_of", "asked", "scale", "whole",
    "as_of_ms", "at", "b", "beyond_limits", "code", "confirmed", "content", "days", "desk", "enabled",
    "file", "find", "first", "fonts", "group", "hide_few", "how", "keep", "known_at_ms", "known_head", "known_then",
    "last", "layout", "made", "most", "name", "new", "new_patient", "note", "now", "now_ms", "old", "on_step", "opened",
    "options", "page", "password", "path", "place", "protocol", "question", "reason", "replay", "roles", "seen",
    "selection", "shape", "shown", "since_ms", "snooze", "source", "stated", "states", "sure", "to", "toml", "until",
    "verify", "version", "wanted", "ward", "wards", "what", "where", "whole_texts", "window", "with_ids",
}  # fmt: skip
#: Name a child in another way: by its key in addresses, which a bound reader gives out for those it shows; by an event
#: of the child that is named beside it; with the reason that opens another ward's child.
NAMES_OTHERWISE = {"key", "number", "other"}
#: Look at what is shown to a person only together with a child, an alert or an import; these read for themselves.
READ_BY_THEMSELVES = ACTS["look"] | ACTS["export"] | {"watch.signed.to_sign"}
#: Not run below, because they need a file of a protocol or of an export.
NOT_RUN = {"protocol_diff.diff", "watch.comparing.alerts_compared", "exporting.export_patient", "leaving.chart_fetched"}


def named() -> dict[str, object]:
    return {name.removeprefix("khemon.actions."): each for name, each in actions().items()}


def parameters(action) -> list[str]:
    return list(inspect.signature(action).parameters)[2:]


def test_every_action_is_the_act_that_is_written_down_here():
    found = {name: each.__khemon_act__ for name, each in named().items() if hasattr(each, "__khemon_act__")}
    assert found == {name: act for act, names in ACTS.items() for name in names}
    assert set(ACTS) == set(roles.ACTS)


def test_every_parameter_of_an_action_is_checked_or_names_nothing():
    found = {each for action in named().values() if hasattr(action, "__khemon_act__") for each in parameters(action)}
    assert found == {*_NAMED, *NAMES_NOTHING, *NAMES_OTHERWISE}
    assert not NAMES_NOTHING & (_NAMED.keys() | NAMES_OTHERWISE)


def is_refused(act) -> bool:
    """Whether the role is refused; whatever else goes wrong went wrong behind that."""
    try:
        act()
    except Refused as refused:
        return "your account may not" in refused.found
    except Exception:
        return False
    return False


@pytest.mark.parametrize("role", roles.ROLES)
def test_every_action_for_every_role_in_and_out_of_a_ward_whole(role, store: Store):
    people = [with_account(store, "Ann", [role]), with_account(store, "Bo", [role], ["3A"])]
    for act, names in ACTS.items():
        for name in names:
            answers = [is_refused(lambda who=who, name=name: named_actions[name](store, who)) for who in people]
            assert answers == [act not in MAY[role]] * 2, (role, name)


named_actions = named()

# ---- wards ------------------------------------------------------------------------------------------------------

HELD = "patient_id,collected_at,analyte,value,unit\n" + "".join(
    f"{child},2026-03-01T09:00:00Z,platelets,99999,10*9/L\n" for child in ("A1", "B1")
)


@pytest.fixture
def wards(store: Store) -> Store:
    """A child of ward 3A and one of 3B, each with a result, an alert, an import of its own and a row that waits."""
    both = LABS.replace("08:00", "08:30")  # one file that speaks of both wards, as a laboratory sends its days
    files = {"patients.csv": PATIENTS, "held.csv": HELD, "Bea and B1.csv": both}
    files |= {f"{child}.csv": "\n".join([LABS.splitlines()[0], line]) + "\n"
              for child, line in zip(("A1", "B1"), LABS.splitlines()[1:], strict=False)}  # fmt: skip
    for name, text in files.items():
        commit(store, NURSE, text.encode(), name, Options(now_ms=NOW_MS, timezone="UTC"))
    return store


def names_of(store: Store, child: str) -> dict[str, object]:
    """A value for every parameter that names something, all of one child."""
    with store.reading() as reader:
        result = next(each for each in reader.results_of(child) if reader.batch(each.batch).file == f"{child}.csv")
        alert = reader.alerts(patient_ids=[child])[0].alert_id
        row = next(each.fate_id for each in reader.undecided() if each.patient_id == child)
        key = reader.patient_numbers()[child]
    form = ResultForm(child, "platelets", "50", "10*9/L", "2026-03-02T07:00")
    patient = dict.fromkeys(("patient_id", "from_patient", "to_patient", "other"), child)
    return {**patient, "form": form, "forms": [form], "alert_id": alert, "batch": result.batch, "key": key,
            "result_id": result.result_id, "result_ids": [result.result_id], "changes": {"patient_id": child},
            "row_ids": [row]}  # fmt: skip


def words_of(answer: object) -> str:
    """What an answer says; of a print, the text on its pages."""
    if isinstance(answer, Handover | CohortReport):
        told = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
        return f"{told} {answer.cohort!r}" if isinstance(answer, CohortReport) else told
    return repr(answer)


def asked(store: Store, actor, name: str, given: dict[str, object]) -> str:
    """What an action says: its answer, or why not."""
    action = named_actions[name]
    values = {"now": NOW, "now_ms": NOW_MS, "most": 9, "first": NOW.replace(day=1), "last": NOW, "opened": False,
              "where": "here", "selection": Selection(), "protocol": None, "as_of_ms": NOW_MS, "known_at_ms": None,
              "states": None, "wanted": None, "layout": "csv", "as_of": NOW,
              "window": watch.DEFAULT_WINDOW, "ward": "3A", "at": NOW,
              "question": CohortQuestion(Selection())} | given  # fmt: skip
    known = inspect.signature(action).parameters
    if "shown" in known:
        values["shown"] = watch.ward_board(store, actor, NOW)
    needed = [each for each in parameters(action) if each in values or known[each].default is inspect.Parameter.empty]
    arguments = {each: values.get(each) for each in needed}
    try:
        return words_of(action(store, actor, **arguments))
    except Refused as refused:
        return f"refused: {refused}"
    except Exception as problem:
        return f"{type(problem).__name__}"


def test_an_action_that_is_given_a_name_of_another_ward_says_there_is_none(wards: Store):
    """Each of the names by itself, the others being the person's own; and with one's own only, that is not said."""
    people = {role: with_account(wards, role, [role], ["3A"]) for role in roles.ROLES}
    own, theirs = names_of(wards, "A1"), names_of(wards, "B1")
    tried = 0
    for name, action in named_actions.items():
        checked = [each for each in parameters(action) if each in _NAMED] if hasattr(action, "__khemon_act__") else []
        for each in checked:
            actor = next(people[role] for role in roles.ROLES if action.__khemon_act__ in MAY[role])
            said = asked(wards, actor, name, own | {each: theirs[each]})
            if name == "auditing.seen_by":
                assert "refused" in said  # the record is for those who are bound to no ward
            else:
                assert "there is none of that name here" in said, (name, each, said)
            tried += 1
    assert tried > 40


def test_nothing_that_looks_shows_a_child_of_another_ward_and_each_shows_ones_own(wards: Store):
    people = [with_account(wards, role, [role], ["3A"]) for role in ("clinician", "data_manager")]
    own, theirs = names_of(wards, "A1"), names_of(wards, "B1")
    saw = set()
    for name in sorted(READ_BY_THEMSELVES - NOT_RUN):
        actor = people[name in ACTS["map"]]
        said = asked(wards, actor, name, own)
        assert "B1" not in said and "Bea" not in said, name
        assert "Error" not in said or name in ("review.telling.move_opened",), (name, said)
        saw |= {name} if "A1" in said or "Ada" in said else set()
        if "key" in parameters(named_actions[name]):
            by_key = asked(wards, actor, name, own | {"key": theirs["key"]})
            assert "B1" not in by_key and "Bea" not in by_key, name
    assert {"watch.ward.ward_board", "watch.patient.patient_view", "status.status", "leaving.prepare_chart"} <= saw
    assert watch.ward_board(wards, with_account(wards, "Free"), NOW).on_ward

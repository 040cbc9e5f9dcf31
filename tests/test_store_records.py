"""Settings, revisions, episodes, alerts, what was opened, and the audit chain."""

from __future__ import annotations

import dataclasses
import random

import pytest

from khemon.models import AlertState, Episode, EvidenceItem
from khemon.store import AuditRow
from khemon.store.column_types import time_of
from khemon.store.integrity import verify_chain
from tests.store_rows import HOUR, NURSE, bring, lab
from tests.test_store_protected import an_alert


def an_episode(patient="P1", rule="kmp", onset=HOUR, **changes) -> Episode:
    item = EvidenceItem(
        result_id=7, analyte="platelets", collected_at=time_of(onset), value="<5", unit="10*9/L", role="onset"
    )
    values = {
        "patient_id": patient,
        "rule": rule,
        "status": "confirmed",
        "severity": "critical",
        "onset": time_of(onset),
        "confirmed_at": time_of(onset),
        "end": None,
        "end_reason": None,
        "text": "platelets <5 (<100)",
        "evidence": (item,),
        "missing": ("d_dimer",),
        "source": "trial",
        "last_input_at": time_of(onset),
        "limbs": ("platelets", "bleeding"),
        "fresh_limbs": ("platelets",),
    }
    return Episode(**values | changes)


def save(store, patient_ids, episodes):
    with store.writing() as writer:
        return [each.episode_id for each in writer.save_episodes(patient_ids, episodes)]


def test_a_setting_is_kept_and_changed(store):
    for value in ("Asia/Shanghai", "Europe/Berlin"):
        with store.writing() as writer:
            writer.set_setting("timezone", value)
        with store.reading() as reader:
            assert (reader.setting("timezone"), reader.setting("protocol")) == (value, None)


def test_revisions_count_up_for_the_ward_and_for_the_patients_named(store):
    bring(store, [lab(1), lab(2, patient="P2")])
    for patients in ([], ["P1"], ["P1", "P2"], ["nobody"]):
        with store.writing() as writer:
            writer.bump_revisions(patients)
    with store.reading() as reader:
        assert reader.revision() == 4
        assert [reader.patient_revision(name) for name in ("P1", "P2", "nobody")] == [2, 1, 0]


def test_episodes_come_back_as_they_were(store):
    bring(store, [lab(1)])
    episodes = [an_episode(), an_episode(rule="thrombocytopenia", end=time_of(9 * HOUR), end_reason="resolved")]
    save(store, ["P1"], episodes)
    with store.reading() as reader:
        assert [each.episode for each in reader.episodes()] == episodes
        assert [each.episode.rule for each in reader.episodes(["P1"], open_only=True)] == ["kmp"]
        assert reader.episodes(["nobody"]) == []


def test_unchanged_and_changed_episodes_keep_their_numbers_and_others_go(store):
    bring(store, [lab(1), lab(2, patient="P2")])
    first = save(store, ["P1", "P2"], [an_episode(), an_episode(rule="gone"), an_episode("P2")])
    changed = an_episode(end=time_of(5 * HOUR), end_reason="resolved")
    second = save(store, ["P1"], [an_episode(rule="new"), changed])
    with store.reading() as reader:
        stored = {each.episode_id: each.episode for each in reader.episodes()}
    assert second[1] == first[0] and second[0] not in first
    assert stored == {first[0]: changed, second[0]: an_episode(rule="new"), first[2]: an_episode("P2")}


def test_saving_no_episodes_for_a_patient_takes_away_hers_only(store):
    bring(store, [lab(1), lab(2, patient="P2")])
    save(store, ["P1", "P2"], [an_episode(), an_episode("P2")])
    save(store, ["P1"], [])
    with store.reading() as reader:
        assert [each.episode.patient_id for each in reader.episodes()] == ["P2"]


def test_alerts_are_numbered_kept_and_changed(store):
    bring(store, [lab(1), lab(2, patient="P2")])
    with store.writing() as writer:
        first = writer.save_alert(an_alert())
        second = writer.save_alert(an_alert(patient_id="P2", rule="kmp"))
        writer.save_alert(first.model_copy(update={"state": AlertState.ACKNOWLEDGED, "reason": "seen"}))
    with store.reading() as reader:
        assert [each.alert_id for each in reader.alerts()] == [first.alert_id, second.alert_id] == [1, 2]
        assert reader.alert(1).reason == "seen"
        assert [each.alert_id for each in reader.alerts(["open"])] == [2]
        assert [each.alert_id for each in reader.alerts(patient_ids=["P1"])] == [1]
        assert reader.alerts([AlertState.RESOLVED]) == []
        assert reader.alert(9) is None


def test_moves_of_an_alert_are_appended_in_order(store):
    bring(store, [lab(1)])
    with store.writing() as writer:
        number = writer.save_alert(an_alert()).alert_id
        writer.add_alert_move(number, at_ms=1, actor=NURSE, move="open", from_state=None, to_state="open")
        writer.add_alert_move(
            number,
            at_ms=2,
            actor=NURSE,
            move="acknowledge",
            from_state="open",
            to_state="acknowledged",
            reason="plasma running",
            details={"value": "8"},
        )
    with store.reading() as reader:
        moves = reader.alert_moves(number)
    assert [(each.move_no, each.move, each.to_state) for each in moves] == [
        (1, "open", "open"),
        (2, "acknowledge", "acknowledged"),
    ]
    assert (moves[1].actor, moves[1].reason, moves[1].details) == ("nurse", "plasma running", {"value": "8"})


@pytest.mark.parametrize("count", [1, 20])
def test_what_is_saved_together_is_what_is_saved_one_by_one(store, count):
    bring(store, [lab(1)])

    def save(writer, times):
        for number in range(times):
            alert = writer.save_alert(an_alert())
            writer.add_alert_move(alert.alert_id, at_ms=1, actor=NURSE, move="open", from_state=None, to_state="open")
            writer.audit(NURSE, "raise", f"alert {alert.alert_id}", {"number": number}, 1)
            if number % 2 == 0:
                writer.save_alert(alert.model_copy(update={"muted_by": "kmp"}))

    with store.writing() as writer, writer.together():
        save(writer, count)
    with store.writing() as writer:
        save(writer, count)
    with store.reading() as reader:
        alerts, trail = reader.alerts(), list(reader.audit_rows())
        moves = [reader.alert_moves(alert.alert_id) for alert in alerts]
    assert [alert.alert_id for alert in alerts] == list(range(1, 2 * count + 1))
    plain = [
        (alert.muted_by, [(move.move_no, move.move) for move in own]) for alert, own in zip(alerts, moves, strict=True)
    ]
    assert plain[:count] == plain[count:]
    assert [move.alert_id for own in moves for move in own] == [alert.alert_id for alert in alerts]
    assert [row.details for row in trail[:count]] == [row.details for row in trail[count:]]
    assert verify_chain(trail) is None


def test_what_was_to_be_saved_together_goes_with_an_exception(store):
    bring(store, [lab(1)])
    with pytest.raises(ZeroDivisionError), store.writing() as writer, writer.together():
        writer.save_alert(an_alert())
        raise ZeroDivisionError
    with store.reading() as reader:
        assert reader.alerts() == []


def test_what_was_opened_by_whom_is_kept_first_and_last(store):
    with store.writing() as writer:
        for name, at in (("ann", 5), ("bob", 6), ("ann", 9)):
            writer.mark_seen("alert", 3, name, at)
    with store.reading() as reader:
        assert [(each.actor, each.first_ms, each.last_ms) for each in reader.seen_by("alert", 3)] == [
            ("ann", 5, 9),
            ("bob", 6, 6),
        ]
        assert (reader.seen_at("alert", 3), reader.seen_at("alert", 3, "bob")) == (9, 6)
        assert reader.seen_at("alert", 4) is reader.seen_at("patient", 3) is None


@pytest.fixture
def chain(store) -> list[AuditRow]:
    with store.writing() as writer:
        for number in range(8):
            writer.audit(NURSE, "import", f"batch {number}", {"rows": number, "né": None}, number)
    with store.reading() as reader:
        assert reader.audit_head()[0] == 8
        return list(reader.audit_rows())


def test_an_untouched_chain_is_sound_and_can_be_read_from_anywhere(store, chain):
    assert verify_chain(chain) is None
    assert verify_chain([]) is None
    assert [row.sequence for row in chain] == list(range(1, 9))
    with store.reading() as reader:
        assert list(reader.audit_rows(after=5)) == chain[5:]


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(AuditRow)])
def test_every_edit_is_found_at_its_entry(chain, name):
    for place, row in enumerate(chain):
        value = getattr(row, name)
        changed = value + 1 if isinstance(value, int) else value + "x"
        edited = [*chain[:place], dataclasses.replace(row, **{name: changed}), *chain[place + 1 :]]
        assert verify_chain(edited).where == f"audit entry {row.sequence}", (name, place)


def test_every_deletion_insertion_and_swap_is_found_at_the_first_wrong_entry(chain, seed):
    draw = random.Random(seed)
    for place in range(len(chain) - 1):
        without = chain[:place] + chain[place + 1 :]
        assert verify_chain(without).where == f"audit entry {place + 1}"
        swapped = [*chain[:place], chain[place + 1], chain[place], *chain[place + 2 :]]
        assert verify_chain(swapped).where == f"audit entry {place + 1}"
        twice = [*chain[: place + 1], draw.choice(chain[: place + 1]), *chain[place + 1 :]]
        assert verify_chain(twice).where == f"audit entry {place + 2}"


def test_a_truncated_chain_no_longer_has_the_head_that_was_noted(store, chain):
    with store.reading() as reader:
        head = reader.audit_head()
    assert verify_chain(chain[:-1]) is None
    assert (chain[-2].sequence, chain[-2].hash) != head

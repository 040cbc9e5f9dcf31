"""Alerts in the store, on both databases: they equal a recomputation from scratch, and every move is on record."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import random
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from khemon.actions import watch
from khemon.actions.acknowledge import acknowledge, mark_seen, snooze
from khemon.actions.advance import advance
from khemon.actions.import_files import Options, commit, preview, undo
from khemon.actions.recompute import episodes_at, setting_of, ward_of
from khemon.actions.viewing import looked_at
from khemon.alerts import LIVE, reconcile
from khemon.figures.words import date_words
from khemon.models import Actor, Alert, Refused
from khemon.rules.calendar import to_ms
from khemon.store import Store
from khemon.store.integrity import check, verify_chain
from tests.histories import History, make_history
from tests.histories.files import LAB_HEADER, lab_line
from tests.histories.pools import POOLS
from tests.reference import Child, Event, Lab
from tests.reference.shorthand import at, event, lab

NURSE = Actor(name="nurse", kind="local")
ZONE = "Europe/Berlin"
HOUR = dt.timedelta(hours=1)
STEPS = tuple(dt.timedelta(hours=hours) for hours in (1, 4, 24, 72, 24 * 8))


class Ward:
    """A store with the acts of a ward; after each the laws are checked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = at("0d")
        self.files = 0

    # ---- what happens -----------------------------------------------------------------------------------------

    def told(self, *results: str, now: str | None = None, patient: str = "P1", **more: str) -> str:
        """Results arrive in one file; its batch."""
        history = _history(patient)
        return self.import_labs([(history, lab(each, **more)) for each in results], None if now is None else at(now))

    def import_labs(self, rows: Sequence[tuple[History, Lab]], now: dt.datetime | None = None) -> str:
        """A file of laboratory results arrives."""
        self.now = now or max(self.now, *(each.collected_at.astimezone(dt.UTC) for _, each in rows))
        return self._import(LAB_HEADER, [lab_line(history, each) for history, each in rows])

    def import_event(self, told: Event, patient: str = "P1", now: dt.datetime | None = None) -> str:
        """A file with one event arrives."""
        self.now = now or max(self.now, told.start, told.end or told.start)
        row = (patient, told.kind, told.start.isoformat(), "" if told.end is None else told.end.isoformat())
        return self._import(("patient_id", "kind", "start", "end"), [row])

    def _import(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        self.files += 1
        content = _file(header, rows)
        options = Options(now_ms=to_ms(self.now), timezone=ZONE, source=f"file {self.files}")
        batch = commit(self.store, NURSE, content, "labs.csv", options).document["batch"]
        self.holds({row[0] for row in rows})
        return batch

    def undo(self, batch: str, now: str | None = None) -> None:
        """An import is taken back."""
        self.now = self.now if now is None else at(now)
        with self.store.reading() as reader:
            touched = {fate.patient_id for fate in reader.fates_of(batch)}
        undo(self.store, NURSE, batch, to_ms(self.now))
        self.holds(touched)

    def clock(self, now: str | None = None) -> list[dict]:
        """The server looks at the clock."""
        self.now = self.now if now is None else at(now)
        moves = advance(self.store, to_ms(self.now))["moves"]
        self.holds()
        return moves

    def acknowledge(self, rule: str, until: str | None = None, *, quiet=acknowledge) -> Alert:
        """Someone acknowledges, or snoozes, the live alert of a rule."""
        end = None if until is None else at(until)
        alert = quiet(self.store, NURSE, self.live(rule).alert_id, "seen by the team", end, now=self.now)
        self.holds()
        return alert

    # ---- what is known ----------------------------------------------------------------------------------------

    def of(self, rule: str) -> list[Alert]:
        with self.store.reading() as reader:
            return [alert for alert in reader.alerts() if alert.rule == rule]

    def live(self, rule: str) -> Alert:
        [alert] = [alert for alert in self.of(rule) if alert.state in LIVE]
        return alert

    def states(self, rule: str) -> list[str]:
        return [str(alert.state) for alert in self.of(rule)]

    # ---- what always holds ------------------------------------------------------------------------------------

    def holds(self, touched: set[str] | None = None) -> None:
        """The laws of the store after every act: for those it touched at once, for all when time is looked at."""
        self.live_alerts_are_those_from_scratch(touched)
        if touched is not None:
            for number in range(2):  # as the server does it, in parts; `clock` does it at once
                advance(self.store, to_ms(self.now), part=(number, 2))
            self.live_alerts_are_those_from_scratch(None)
        self.every_move_is_on_record()
        assert check(self.store) == []

    def live_alerts_are_those_from_scratch(self, touched: set[str] | None) -> None:
        with self.store.reading() as reader:
            ward = ward_of(reader)
            alerts = reader.alerts()
            by_patient, givens = episodes_at(reader, None, ward, to_ms(self.now))
        setting = setting_of(ward, givens, to_ms(self.now))
        looked = set(by_patient) | {alert.patient_id for alert in alerts} if touched is None else touched
        found = [move.alert for name in looked for move in reconcile(by_patient.get(name, []), [], setting)]
        for name in looked:  # with every episode in words, not only those an alert was thought to speak of
            assert not reconcile(
                by_patient.get(name, []), [each for each in alerts if each.patient_id == name], setting
            )
        stored, scratch = _plain(alerts, looked), _plain(found, looked)
        assert scratch <= stored
        # What alerted once stays, although its companion may be on its way now.
        waiting = {(each.patient_id, each.rule) for own in by_patient.values() for each in own if each.missing}
        assert {(patient, rule) for patient, rule, *_ in stored - scratch} <= waiting

    def every_move_is_on_record(self) -> None:
        with self.store.reading() as reader:
            alerts = reader.alerts()
            rows = list(reader.audit_rows())
            moves = {alert.alert_id: reader.alert_moves(alert.alert_id) for alert in alerts}
        assert verify_chain(rows) is None
        for alert in alerts:
            log = moves[alert.alert_id]
            states = [None, *(move.to_state for move in log)]
            assert [move.from_state for move in log] == states[:-1]
            assert states[-1] == str(alert.state)
            audited = [row.action for row in rows if row.object == f"alert {alert.alert_id}"]
            told = [move.move for move in log if move.move != "follow" or move.reason]
            assert [action.removeprefix("alert_") for action in audited] == told


def _history(patient: str) -> History:
    return History(0, Child(patient), (), (), ZONE, "ward", at("0d"))


def _file(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *rows])
    return text.getvalue().encode()


def _plain(alerts: Sequence[Alert], patients: set[str]) -> set[tuple[object, ...]]:
    return {
        (alert.patient_id, alert.rule, to_ms(alert.onset), alert.severity, alert.status)
        for alert in alerts
        if alert.state in LIVE and alert.patient_id in patients
    }


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store)


# ---- one act at a time --------------------------------------------------------------------------------------------


def test_an_import_raises_alerts_and_logs_them(ward):
    ward.told("hb 0d 55")
    alert = ward.live("severe_anemia")
    assert (alert.state, alert.muted_by) == ("open", "red_cell_criterion")


def test_a_preview_leaves_no_alert(ward):
    content = _file(LAB_HEADER, [lab_line(_history("P1"), lab("hb 0d 55"))])
    ward.told("plt -1d 120")
    preview(ward.store, NURSE, content, "labs.csv", Options(now_ms=to_ms(ward.now)))
    assert ward.of("severe_anemia") == []


def test_an_acknowledgement_names_the_person_and_expires_with_the_clock(ward):
    ward.told("hb 0d 55")
    alert = ward.acknowledge("red_cell_criterion")
    assert (alert.actor, alert.until) == ("nurse", at("1d"))
    assert ward.clock("23h59m") == []
    assert [move["reason"] for move in ward.clock("1d")] == ["the acknowledgement expired"]
    assert ward.clock("1d") == []


def test_a_worse_value_in_a_later_file_breaks_through_a_snooze(ward):
    ward.told("hb 0d 55")
    ward.acknowledge("severe_anemia", quiet=snooze)
    ward.told("hb 2h 54")
    assert ward.live("severe_anemia").state == "snoozed"
    ward.told("hb 3h 49")
    assert ward.live("severe_anemia").reopened_because == "hemoglobin reached a lower band"


def test_the_undo_of_the_only_import_of_a_child_retracts_its_alerts(ward):
    batch = ward.told("hb 0d 55")
    ward.told("hb 0d 100", patient="P2")
    ward.undo(batch)
    assert ward.states("severe_anemia") == ["retracted"]
    assert ward.states("red_cell_criterion") == ["retracted"]
    ward.told("hb 0d 55")
    assert ward.states("severe_anemia") == ["open"]


def test_an_undone_correction_lets_the_lower_value_stand_and_breaks_through(ward):
    ward.told("plt 0d 25", "fib 0d 1.2", "dd 0d 3")
    batch = ward.told("plt 0d 60", now="1h", status="corrected")
    ward.acknowledge("kmp")
    ward.undo(batch)
    assert ward.live("kmp").state == "open"


def test_an_undo_that_moves_an_onset_keeps_the_acknowledgement(ward):
    batch = ward.told("hb 0d 55")
    ward.told("hb 1d 55")
    ward.acknowledge("severe_anemia")
    ward.undo(batch)
    assert ward.live("severe_anemia").state == "acknowledged"


def test_an_alert_that_opened_in_the_hour_that_clocks_repeat_can_be_acknowledged(ward):
    ward.told("hb 296d16h30m 55")
    assert ward.clock("296d17h") == []
    assert ward.acknowledge("severe_anemia").state == "acknowledged"


def test_an_alert_that_is_over_cannot_be_acknowledged(ward):
    ward.told("hb 0d 55")
    number = ward.live("severe_anemia").alert_id
    ward.told("hb 1h 70")
    with pytest.raises(Refused, match="cannot acknowledge an alert that is resolved"):
        acknowledge(ward.store, NURSE, number, "late", now=ward.now)
    with pytest.raises(Refused, match="no such alert"):
        acknowledge(ward.store, NURSE, 99, "nothing", now=ward.now)


def test_a_transfer_ends_every_alert_also_of_a_run_that_broke(ward):
    ward.told("plt 0d 60", "dd 0d 0.3", "plt 1d 120", "plt 5d 120")
    ward.told("plt 8d 49")
    assert ward.live("durable_platelet_response").severity == "critical"
    ward.import_event(event("transfer_out 9d"))
    assert ward.states("durable_platelet_response") == ["resolved"]


def test_a_run_that_broke_is_over_when_a_later_run_has_come_and_gone(ward):
    ward.told("plt 0d 60", "plt 1d 120", "plt 5d 120", "plt 8d 90", "plt 9d 120", "plt 10d 80", now="40d")
    assert ward.of("durable_platelet_response") == []


def test_what_someone_opened_was_seen(ward):
    ward.told("hb 0d 55")
    mark_seen(ward.store, NURSE, "P1", now=ward.now)
    assert ward.live("red_cell_criterion").seen_at == ward.now
    ward.told("hb 1h 70")
    assert [alert.seen_at for alert in ward.of("red_cell_criterion")] == [at("0d")]


# ---- at random ----------------------------------------------------------------------------------------------------


class Walk:
    """Three children whose files arrive, are corrected and taken back, while people acknowledge and clocks move."""

    def __init__(self, ward: Ward, seed: int) -> None:
        self.ward = ward
        self.rng = random.Random(seed)
        self.histories = [make_history(seed % 20_000 + n, ZONE, "ward") for n in range(3)]
        self.waiting = [(history, each) for history in self.histories for each in history.labs]
        self.waiting.sort(key=lambda row: row[1].collected_at.astimezone(dt.UTC))
        self.events = [(history, each) for history in self.histories for each in history.events]
        self.stored: list[tuple[History, Lab]] = []
        self.batches: list[str] = []
        ward.now = self.waiting[0][1].collected_at.astimezone(dt.UTC)
        self.arrive()

    def step(self) -> None:
        acts = [self.arrive] * 6 + [self.correct, self.event, self.take_back] + [self.pass_time] * 2
        self.rng.choice([*acts, self.acknowledge, self.acknowledge])()

    def arrive(self) -> None:
        start = self.rng.choice((0, 0, 0, self.rng.randrange(len(self.waiting) + 1)))
        stop = start + self.rng.choice((1, 3, 10))
        new, self.waiting[start:stop] = self.waiting[start:stop], []
        if new:
            self.batches.append(self.ward.import_labs(new))
            self.stored += new

    def correct(self) -> None:
        if self.stored:
            history, old = self.rng.choice(self.stored)
            value = self.rng.choice(POOLS[old.analyte]["any"])
            status = self.rng.choice(("corrected", "corrected", "entered_in_error"))
            self.batches.append(
                self.ward.import_labs([(history, dataclasses.replace(old, value=value, comparator="", status=status))])
            )

    def event(self) -> None:
        if self.events:
            history, new = self.events.pop(self.rng.randrange(len(self.events)))
            self.batches.append(self.ward.import_event(new, history.child.patient_id))

    def take_back(self) -> None:
        if self.batches:
            self.ward.undo(self.batches.pop(self.rng.randrange(len(self.batches))))

    def pass_time(self) -> None:
        self.ward.now += self.rng.choice(STEPS)
        self.ward.clock()

    def acknowledge(self) -> None:
        with self.ward.store.reading() as reader:
            live = [alert for alert in reader.alerts() if alert.state in LIVE]
        if live:
            alert, quiet = self.rng.choice(live), self.rng.choice((acknowledge, snooze))
            quiet(self.ward.store, NURSE, alert.alert_id, "seen", now=self.ward.now)
            self.ward.holds()


def test_alerts_follow_random_imports_corrections_undo_and_clocks(store, seed, nightly):
    walk = Walk(Ward(store), seed)
    for _ in range(400 if nightly else 25):
        walk.step()


def test_results_one_by_one_leave_the_same_alerts_as_all_at_once(store, seed):
    history = make_history(seed % 20_000, ZONE, "ward")
    labs = sorted(history.labs, key=lambda each: each.collected_at.astimezone(dt.UTC))[:20]
    ward = Ward(store)
    ward.now = labs[0].collected_at.astimezone(dt.UTC)
    for each in labs:
        ward.import_labs([(history, each)])
    other = dataclasses.replace(history, child=Child("other"))
    ward.import_labs([(other, each) for each in labs])
    ward.now += 8 * HOUR
    ward.clock()
    with store.reading() as reader:
        found = _plain(reader.alerts(), {history.child.patient_id, "other"})
    one_by_one = {tuple(rest) for patient, *rest in found if patient != "other"}
    assert one_by_one == {tuple(rest) for patient, *rest in found if patient == "other"}


def test_the_alerts_of_a_child_whose_only_import_was_taken_back_stay_readable_with_the_reason(ward):
    batch = ward.told("hb 0d 55")
    ward.undo(batch)
    queue = watch.review_queue(ward.store, NURSE, ward.now)
    assert {(line.rule, line.state, line.key) for line in queue.closed} >= {("severe_anemia", "retracted", 0)}
    number = next(line.alert_id for line in queue.closed if line.rule == "severe_anemia")
    view = watch.alert_view(ward.store, NURSE, number, ward.now)
    assert view.moves[-1].why == "a correction, a withdrawal or a later-recorded result removed the ground"
    mark_seen(ward.store, NURSE, "P1", now=ward.now)


def test_who_opens_one_alert_has_not_seen_the_others_of_the_child(ward):
    ward.told("hb 0d 55", "plt 0d 8")
    ward.told("hb 1h 90", "plt 1h 150")
    first, second = watch.review_queue(ward.store, NURSE, ward.now).unseen
    opened = {"opened": True, "alert_id": first.alert_id}
    looked_at(ward.store, NURSE, "P1", "alerts page", ward.now, **opened)
    ward.store.settle()
    assert [line.alert_id for line in watch.review_queue(ward.store, NURSE, ward.now).unseen] == [second.alert_id]
    assert watch.last_visits(ward.store, NURSE, "P1").unseen == (second.alert_id,)


def test_the_pages_show_an_expiry_of_their_own_as_of(ward):
    ward.told("hb 0d 55")
    alert = ward.acknowledge("severe_anemia", until="1d")
    before, after = (watch.review_queue(ward.store, NURSE, at(time)) for time in ("23h59m", "1d"))
    assert alert.alert_id in {line.alert_id for line in before.quiet}
    assert alert.alert_id not in {line.alert_id for line in after.quiet}
    boards = [watch.ward_board(ward.store, NURSE, at(time)) for time in ("23h59m", "1d")]
    assert [sum(line.alerts.decided for line in (*board.on_ward, *board.follow_up)) for board in boards] == [1, 0]


def test_the_pages_show_of_their_own_as_of_what_mutes_no_longer_and_what_was_not_rechecked(ward):
    """Before the server, or anybody, has looked at the clock."""
    ward.told("plt 0d 22", "fib 0d 1.2", "dd 0d 5")
    at_24_h, later = (watch.review_queue(ward.store, NURSE, at(time)) for time in ("1d", "1d1m"))
    muted = {"severe_thrombocytopenia", "consumptive_coagulopathy"}
    assert ({line.rule for line in at_24_h.muted}, {line.rule for line in later.muted}) == (muted, set())
    assert {line.recheck for line in at_24_h.to_review} == {""}
    assert {line.recheck.partition(" since ")[0] for line in later.to_review} == {"not rechecked"}
    boards = [watch.ward_board(ward.store, NURSE, at(time)) for time in ("1d", "1d1m")]
    assert [sum(line.alerts.open for line in (*board.on_ward, *board.follow_up)) for board in boards] == [1, 3]


def test_what_was_received_late_says_an_hour_later_when_that_was(ward):
    ward.told("hb 0d 55", now="3d")
    told = [watch.review_queue(ward.store, NURSE, at(time)).to_review for time in ("3d1h", "3d2h")]
    [now, later] = [{line.note.partition(", received ")[2] for line in lines} for lines in told]
    assert now == {"now"}
    assert later == {f"{date_words(at('3d'), ZoneInfo(ZONE))}"}

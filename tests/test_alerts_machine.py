"""Alerts in real stores over any sequence of acts: after each the invariants of section 4 hold.

`KHEMON_MACHINES=2000` plays more stories; Hypothesis prints the acts that break an invariant.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from khemon.actions import watch
from khemon.alerts import LIVE, QUIET
from khemon.models import SEVERITIES, Alert
from khemon.store import Store
from khemon.store.integrity import verify_chain
from tests.acting_store import NURSE, ActingStore
from tests.histories.pools import DAY, HOUR, POOLS
from tests.reference import Event, Lab
from tests.reference import alerts as slowly
from tests.test_alerts_moves import ALLOWED
from tests.watched_ward import plain_alert, plain_slowly

MACHINES = int(os.environ.get("KHEMON_MACHINES", "16"))
STEPS = 22
FIRST = dt.datetime(2026, 3, 27, 6, tzinfo=dt.UTC)
WORSE = {("possible", "confirmed"), ("suspected", "confirmed"), ("isolated", "suspected"), ("isolated", "confirmed")}
CHILDREN = st.sampled_from(("P1", "P1", "P1", "P2"))
AGES = st.sampled_from([hours * HOUR for hours in (0, 0, 1, 3, 12, 25, 72, 200)])
PHASES = st.sampled_from(("low", "low", "slightly_low", "good", "any"))
ANALYTES = st.sampled_from(
    (("platelets",), ("platelets", "fibrinogen", "d_dimer"), ("hemoglobin",), ("platelets", "fibrinogen"), ("d_dimer",))
)
CHANCE = st.integers(0, 2**16)
#: The longest an acknowledgement may last, written from the page.
LONGEST = {"plasma_criterion": 72 * HOUR, "red_cell_criterion": 72 * HOUR, "kmp_rebound": 72 * HOUR}
USUAL = {"plasma_criterion": 24 * HOUR, "red_cell_criterion": 24 * HOUR, "kmp_rebound": 72 * HOUR}


class AlertMachine(RuleBasedStateMachine):
    """One store with two children, and after every act all that section 4 promises."""

    empty_store: Path | str

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="khemon-machine-"))
        url = self.empty_store
        if isinstance(url, Path):
            shutil.copy(url, self.folder / "ward.db")
            url = f"sqlite:///{self.folder / 'ward.db'}"
        self.ward = ActingStore(Store(str(url)), "Europe/Berlin", FIRST)
        self.before: dict[int, Alert] = {}
        self.lasting: set[int] = set()
        self.audited = 0
        self.decided: set[int] = set()

    def teardown(self) -> None:
        with self.ward.store.reading() as reader:
            assert verify_chain(list(reader.audit_rows())) is None
        self.ward.store.close()
        shutil.rmtree(self.folder)

    # ---- acts -------------------------------------------------------------------------------------------------

    @rule(who=CHILDREN, age=AGES, phase=PHASES, analytes=ANALYTES, pick=CHANCE)
    def a_sample_arrives(self, who, age, phase, analytes, pick):
        labs = [
            self._lab(analyte, phase, self.ward.now - age, pick + number) for number, analyte in enumerate(analytes)
        ]
        self.ward.import_labs(who, labs)

    @rule(who=CHILDREN, ages=st.lists(AGES, min_size=2, max_size=4, unique=True), pick=CHANCE)
    def a_history_arrives(self, who, ages, pick):
        phases = ("low", "good", "low", "good")
        self.ward.import_labs(
            who, [self._lab("platelets", phases[n % 4], self.ward.now - age, pick + n) for n, age in enumerate(ages)]
        )

    @rule(who=CHILDREN, weeks=st.integers(1, 5), pick=CHANCE)
    def a_course_of_good_counts_arrives(self, who, weeks, pick):
        days = [7 * week for week in range(weeks, 0, -1)]
        labs = [self._lab("platelets", "good", self.ward.now - day * DAY, pick + day) for day in days]
        self.ward.import_labs(who, [self._lab("platelets", "low", self.ward.now - 40 * DAY, pick), *labs])

    @precondition(lambda self: any(cot.labs for cot in self.ward.cots.values()))
    @rule(pick=CHANCE, phase=PHASES, status=st.sampled_from(("corrected", "corrected", "entered_in_error")))
    def a_result_is_corrected_or_withdrawn(self, pick, phase, status):
        known = [(cot.patient_id, lab) for cot in self.ward.cots.values() for lab in cot.labs.values()]
        who, old = known[-1 - pick % min(len(known), 6)]
        if any(lab.specimen == old.specimen and lab.status != "final" for _, lab in known):
            return
        new = self._lab(old.analyte, phase, old.collected_at, pick)
        value = new.value + Decimal("0.01") if new.value == old.value else new.value
        fields = {"specimen": old.specimen, "status": status, "value": value, "basis": old.basis}
        self.ward.import_labs(who, [Lab(0, old.analyte, old.collected_at, "", **fields)])

    @precondition(lambda self: self.ward.batches)
    @rule(pick=st.integers(0, 5))
    def an_import_is_undone(self, pick):
        self.ward.undo(-1 - pick % len(self.ward.batches))

    @rule(
        who=CHILDREN,
        age=AGES,
        kind=st.sampled_from(("active_bleeding", "symptomatic_anemia", "plasma", "platelet_transfusion", "death")),
        lasts=st.sampled_from((None, 0 * HOUR, 2 * HOUR, 2 * DAY)),
        sure=st.integers(0, 4),
    )
    def something_happens(self, who, age, kind, lasts, sure):
        if kind == "death" and sure:
            kind = "response_documented"
        start = self.ward.now - age
        end = None if lasts is None or kind in ("death", "response_documented") else start + lasts
        self.ward.import_event(who, Event(kind, start, end))

    @rule(hours=st.sampled_from((1, 4, 4, 23, 24, 25, 72, 168, 193)))
    def time_passes(self, hours):
        self.ward.pass_time(hours * HOUR)

    @rule(who=CHILDREN)
    def somebody_opens_a_page(self, who):
        if self.ward.batches:
            self.ward.open_page(who)

    @precondition(lambda self: any(alert.state in LIVE for alert in self.before.values()))
    @rule(pick=CHANCE, hours=st.sampled_from((None, None, None, 1, 72, 73, 720, 721)), snooze=st.booleans())
    def somebody_decides(self, pick, hours, snooze):
        live = [alert for alert in self.before.values() if alert.state in LIVE]
        alert = live[pick % len(live)]
        until = None if hours is None else hours * HOUR
        done = self.ward.decide(alert, until, snooze=snooze)
        assert not (done and until is not None and until > LONGEST.get(alert.rule, 30 * DAY))
        if done:
            self._judge_decision(alert.alert_id, until)

    @precondition(lambda self: self.ward.batches)
    @rule()
    def the_protocol_changes(self):
        self.ward.change_protocol()

    def _lab(self, analyte: str, phase: str, time: dt.datetime, pick: int) -> Lab:
        pool = POOLS[analyte][phase]
        comparator = ("<", ">=")[pick % 2] if pick % 17 == 0 else ""
        return Lab(0, analyte, time, comparator, pool[pick % len(pool)], "FEU" if analyte == "d_dimer" else "")

    # ---- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def section_4_holds(self):
        now = {alert.alert_id: alert for alert in self.ward.alerts()}
        self.one_live_alert_per_episode(now)
        self.nothing_is_deleted_and_only_known_moves_are_made(now)
        self.what_was_quiet_stays_quiet_or_says_why_not(now)
        self.it_is_as_the_slow_reading_says(now)
        self.every_alert_stands_in_one_list(now)
        self.before = now

    def one_live_alert_per_episode(self, now):
        """Of one child and rule one alert is live, and no episode is carried by two that count."""
        live = [(alert.patient_id, alert.rule) for alert in now.values() if alert.state in LIVE]
        assert len(live) == len(set(live)), live
        carried = [
            (alert.patient_id, alert.rule, onset, end)
            for alert in now.values()
            if alert.state != "retracted"
            for onset, end in alert.carried
        ]
        assert len(carried) == len(set(carried)), carried

    def nothing_is_deleted_and_only_known_moves_are_made(self, now):
        """Every alert stays; known moves lead from nothing to its state; each was audited as it stood."""
        assert set(self.before) <= set(now), "an alert is gone"
        with self.ward.store.reading() as reader:
            rows = list(reader.audit_rows(self.audited))
            logs = {
                number: reader.alert_moves(number) for number, alert in now.items() if alert != self.before.get(number)
            }
        self.audited = max((row.sequence for row in rows), default=self.audited)
        audited = [(row.object, row.action.removeprefix("alert_"), json.loads(row.details)) for row in rows]
        for number, log in logs.items():
            state = None
            for move in log:
                sources, target = ALLOWED[move.move]
                assert (move.from_state or "none") in sources.split() and move.from_state == state, move
                assert move.to_state == (target or move.from_state), move
                state = move.to_state
            assert state == now[number].state, (state, now[number])
            states = (self.before[number].state if number in self.before else None, now[number].state)
            if states[0] != states[1]:
                told = [d for name, action, d in audited if name == f"alert {number}" and action == log[-1].move]
                assert told, f"alert {number}: {states} is not in the audit log"
                assert told[-1]["severity"] == now[number].severity or log[-1].move == "retract"
                assert told[-1]["text"] == now[number].text

    def what_was_quiet_stays_quiet_or_says_why_not(self, now):
        """An acknowledgement ends by its time, by worsening or with its episode, never silently."""
        for number, old in self.before.items():
            new = now[number]
            if old.state not in QUIET or number in self.decided:
                continue
            if new.state in QUIET:
                assert (new.until, new.actor, new.reason) == (old.until, old.actor, old.reason)
                assert new.until > self.ward.now
                assert SEVERITIES.index(new.severity) <= SEVERITIES.index(old.severity)
                assert (old.status, new.status) not in WORSE
                assert set(new.limbs) <= set(old.limbs)
            elif new.state == "open":
                assert new.reopened_because, "open again without a reason"
        self.decided = set()

    def it_is_as_the_slow_reading_says(self, now):
        """Identity, state, what it tells of, why it is open again, muting: as section 4 read slowly."""
        for cot in self.ward.cots.values():
            own = [alert for alert in now.values() if alert.patient_id == cot.patient_id]
            slow = sorted(cot.ledger.alerts, key=lambda alert: alert.rule)
            assert [plain_alert(alert) for alert in own] == [plain_slowly(alert) for alert in slow]
            for alert, other in zip(own, slow, strict=True):
                muters = slowly.muters(other, cot.episodes, cot.record.chart)
                if alert.state in LIVE:
                    assert (alert.muted_by is None) == (not muters), (alert.rule, alert.muted_by, muters)
                    assert alert.muted_by in {None, *muters}

    def every_alert_stands_in_one_list(self, now):
        """Nothing is muted or quiet out of sight: the review queue lists each alert once, with what mutes it."""
        if not self.ward.batches and not now:
            return
        queue = watch.review_queue(self.ward.store, NURSE, self.ward.now)
        listed = [
            line.alert_id
            for name in ("to_review", "quiet", "muted", "unseen", "closed")
            for line in getattr(queue, name)
        ]
        assert len(listed) == len(set(listed))
        assert set(now) <= set(listed)
        assert all(line.muted_by for line in queue.muted)
        unseen = {line.alert_id for line in queue.unseen}
        for cot in self.ward.cots.values():
            own = [alert for alert in now.values() if alert.patient_id == cot.patient_id]
            slow = sorted(cot.ledger.alerts, key=lambda alert: alert.rule)
            assert [alert.alert_id in unseen for alert in own] == [alert.not_seen for alert in slow]

    def _judge_decision(self, number, until):
        """How long a decision lasts when nobody said otherwise."""
        [alert] = [alert for alert in self.ward.alerts() if alert.alert_id == number]
        first = alert.rule == "kmp_rebound" and alert.status == "confirmed" and number not in self.lasting
        usual = 24 * HOUR if first else USUAL.get(alert.rule, 7 * DAY)
        lasts = alert.until - self.ward.now
        assert lasts == until if until is not None else lasts in (usual, USUAL.get(alert.rule, 7 * DAY))
        assert (alert.actor, alert.reason, alert.acknowledged_at) == ("nurse", "seen by the team", self.ward.now)
        self.decided.add(number)
        if alert.status == "confirmed":
            self.lasting.add(number)


def played(empty: Path | str, stories: int) -> None:
    """That many stories on stores that begin as `empty`."""
    machine = type("Played", (AlertMachine,), {"empty_store": empty})
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=stories, stateful_step_count=STEPS, deadline=None, suppress_health_check=slow, print_blob=True
        ),
    )


@pytest.mark.parametrize("part", range(2))
def test_any_sequence_of_acts_keeps_what_section_4_promises(tmp_path, part):
    empty = tmp_path / "empty.db"
    Store(f"sqlite:///{empty}").close()
    played(empty, max(1, MACHINES // 2))


@pytest.mark.postgres
@pytest.mark.parametrize("story", range(max(2, MACHINES // 50)))
def test_and_on_postgresql(new_postgres, seed, story):
    rng = random.Random(seed + story)
    machine = type("Played", (AlertMachine,), {"empty_store": new_postgres})()
    for _ in range(2 * STEPS):
        wander(machine, rng)
        machine.section_4_holds()
    machine.teardown()


def wander(machine: AlertMachine, rng: random.Random) -> None:
    """One act, drawn without Hypothesis: a server's database is not made anew for each of its tries."""
    who, pick, hour = rng.choice(("P1", "P1", "P2")), rng.randrange(2**16), rng.choice((0, 0, 1, 3, 25, 72)) * HOUR
    phase = rng.choice(("low", "low", "slightly_low", "good", "any"))
    quiet = rng.choice((None, None, 1, 72, 73))
    acts = {
        lambda: machine.a_sample_arrives(who, hour, phase, ("platelets", "fibrinogen", "d_dimer"), pick): 6,
        lambda: machine.a_sample_arrives(who, hour, phase, ("hemoglobin",), pick): 2,
        lambda: machine.a_history_arrives(who, [hour, hour + DAY, hour + 9 * DAY], pick): 1,
        lambda: machine.a_course_of_good_counts_arrives(who, 4, pick): 1,
        lambda: machine.something_happens(who, hour, "active_bleeding", rng.choice((None, HOUR, 2 * DAY)), 1): 1,
        lambda: machine.time_passes(rng.choice((1, 4, 24, 25, 193))): 3,
        lambda: machine.ward.batches and machine.somebody_opens_a_page(who): 1,
        lambda: (
            any(c.labs for c in machine.ward.cots.values())
            and machine.a_result_is_corrected_or_withdrawn(pick, phase, rng.choice(("corrected", "entered_in_error")))
        ): 2,
        lambda: machine.ward.batches and machine.an_import_is_undone(pick % 6): 2,
        lambda: (
            any(a.state in LIVE for a in machine.before.values())
            and machine.somebody_decides(pick, quiet, pick % 3 == 0)
        ): 5,
        lambda: machine.ward.batches and machine.the_protocol_changes(): 1,
    }
    rng.choices(list(acts), list(acts.values()))[0]()

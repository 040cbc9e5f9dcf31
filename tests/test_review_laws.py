"""Laws of decisions: whatever people do, nothing is lost; confirming everything is as if it had come clean."""

import datetime as dt
import random
from collections import Counter

import pytest

from khemon.actions.import_files import undo
from khemon.actions.review import confirm, correct, move_results, reject
from khemon.actions.review.standing import counting
from khemon.models import Refused
from khemon.rules.calendar import to_ms
from khemon.store import Store
from khemon.store.integrity import check
from khemon.store.repository.held import settled
from khemon.store.tables import BATCH_SPAN
from tests.held_rows import DOCTOR, HEAD, MINUTE, NOW, NURSE, brought, labs

TEXTS = ("12", "8*", "9*", "45", "30000", "8", "8*", "above range", "150", "nonsense", "clotted")
STATED = (
    {"value": "7"},
    {"unit": "10*9/L", "value": "33"},
    {"collected_at": "2026-03-09T05:00", "value": "61", "patient_id": "A"},
    {"patient_id": "B", "value": "20", "unit": "10*9/L", "collected_at": "2026-03-08T05:00", "analyte": "platelets"},
    {"quality": "clumped", "value": "5"},
)
HELD = ("review", "conflict", "rejected")


class Ward:
    """A store with the acts of several people, and every row that ever came in a file that stands."""

    def __init__(self, store: Store, draw: random.Random) -> None:
        self.store, self.draw, self.now = store, draw, NOW
        self.files: dict[str, list[dict]] = {}
        self.acts: list[str] = []
        self.done: Counter[str] = Counter()
        self.bring()

    def step(self) -> None:
        self.now += MINUTE
        doing = self.draw.choices(
            (self.bring, self.confirm, self.correct, self.reject, self.move, self.take_back), (6, 4, 4, 3, 4, 3)
        )[0]
        try:
            doing()
            self.done[doing.__name__] += 1
        except Refused:
            self.done["refused"] += 1

    def bring(self) -> None:
        rows = []
        for _ in range(self.draw.randint(1, 6)):
            patient = self.draw.choice(("A", "B", ""))
            day = self.draw.choice(("2026-03-08T06:00:00Z", "2026-03-09T06:00:00Z", "2026-03-09"))
            unit = self.draw.choice(("10*9/L", "10*9/L", "10*9/L", "bananas"))
            status = self.draw.choice(("final", "final", "corrected", "preliminary"))
            rows.append(f"{patient},{day},platelets,{self.draw.choice(TEXTS)},{unit},{status}")
        content = labs(
            *rows, f"A,2026-03-01T06:00:00Z,hemoglobin,{80 + len(self.files)},g/L,corrected", head=HEAD + ",status"
        )
        source = self.draw.choice((None, "south"))
        document = brought(self.store, content, source=source, now=self.now)
        if not document.get("repeated"):
            self.files[document["batch"]] = document["rows"]

    def _some(self) -> list[int]:
        with self.store.reading() as reader:
            waiting = [row.fate_id for row in reader.undecided()]
        return self.draw.sample(waiting, min(len(waiting), self.draw.choice((1, 1, 1, 2))))

    def _did(self, document) -> None:
        self.acts += document["batches"]

    def confirm(self) -> None:
        with self.store.reading() as reader:
            rows = [row.fate_id for row in reader.undecided(("review", "conflict")) if row.patient_id]
        self.draw.shuffle(rows)
        self._did(confirm(self.store, NURSE, rows[:1], "as read", now=self.now))

    def reject(self) -> None:
        self._did(reject(self.store, DOCTOR, self._some(), "not usable", now=self.now))

    def correct(self) -> None:
        changes = self.draw.choice(STATED)
        self._did(correct(self.store, NURSE, self._some()[:1], changes, "typed", now=self.now, new_patient=True))

    def move(self) -> None:
        source, to = self.draw.choice((("A", "B"), ("B", "A")))
        with self.store.reading() as reader:
            found = sorted(counting(reader, [source])) if source in reader.patient_ids() else []
        wanted = self.draw.sample(found, min(len(found), self.draw.randint(1, 2)))
        document = move_results(self.store, DOCTOR, wanted, source, to, "swapped", now=self.now, new_patient=True)
        if not document["repeated"]:
            self._did(document)

    def take_back(self) -> None:
        if not self.files:
            return
        batch = self.draw.choice([*self.files, *self.acts])
        gone = [batch, *undo(self.store, NURSE, batch, to_ms(self.now)).get("acts", [])]
        self.files = {name: rows for name, rows in self.files.items() if name not in gone}
        self.acts = [name for name in self.acts if name not in gone]


def lost(ward: Ward) -> list[str]:
    """Rows of standing batches that are nowhere: they neither stand nor wait, nor were they replaced or set aside."""
    found = []
    with ward.store.reading() as reader:
        batches = {row.batch: row for row in reader.batches()}
        decisions = reader.decisions()
        waiting = {row.fate_id for row in reader.undecided()}
        once = reader.undecided_once()
        counts = counting(reader, reader.patient_ids())
        anew = settled(reader._connection, reader._ledger)
        says = {(row.patient_id, row.collected_ms, row.text, row.unit, row.status) for row in once}
        says |= {said(row) for row in reader.kept_whole(decisions).values()}
        for name in [*ward.files, *ward.acts]:
            batch = batches[name]
            fates = reader.fates_of(name)
            assert not batch.undone
            assert len(fates) == batch.counts["read"] == sum(n for key, n in batch.counts.items() if key != "read")
            ids = [batch.batch_no * BATCH_SPAN + place for place in range(len(fates))]
            results, kept = reader.result_details(ids), reader.kept_whole(ids)
            assert len(results.keys() | kept.keys()) == len(ids), "every row is kept"
            for number, fate in zip(ids, fates, strict=True):
                decided = decisions.get(number)
                if number in results:
                    fine = number in counts or has_successor(reader, results[number], decisions)
                    assert number not in waiting, "what waits is not read"
                elif (now := anew[number].decision if number in anew else fate.decision) not in HELD:
                    fine = now in ("duplicate", "no_value", "ignored")
                else:
                    fine = number in waiting or said(kept[number]) in says
                if decided is not None:
                    became = decided.became
                    named = (
                        became is None
                        or became in reader.result_details([became])
                        or became in reader.kept_whole([became])
                    )
                    fine = bool(decided.reason) and named and (became is not None or decided.verdict == "rejected")
                if not fine:
                    found.append(f"{name} {fate}")
    return found


def said(row) -> tuple:
    return tuple(row.said.get(name) for name in ("patient_id", "collected_ms", "text", "unit", "status"))


def has_successor(reader, row, decisions) -> bool:
    """Whether a result that does not count was moved, or another version of it stands."""
    beside = reader.results_beside([row.patient_id], [row.collected_ms])
    return (
        row.result_id in decisions
        or any(one.result_id != row.result_id and one.analyte == row.analyte for one in beside)
        or row.status in ("cancelled", "entered_in_error")
    )


@pytest.mark.parametrize("turn", range(2))
def test_after_any_acts_every_row_stands_has_a_named_successor_waits_or_was_set_aside(store, seed, turn):
    ward = Ward(store, random.Random(seed * 10 + turn))
    for _ in range(25):
        ward.step()
        assert lost(ward) == [], ward.done
    assert check(store) == []
    print(ward.done)


@pytest.mark.parametrize("turn", range(2))
def test_taking_everything_back_leaves_nothing_of_it(store, seed, turn):
    ward = Ward(store, random.Random(seed * 10 + turn))
    for _ in range(15):
        ward.step()
    while ward.acts or ward.files:
        ward.now += MINUTE
        for batch in [*reversed(ward.acts), *ward.files]:
            try:
                gone = undo(store, NURSE, batch, to_ms(ward.now)).get("acts", [])
            except Refused:
                continue
            ward.files.pop(batch, None)
            ward.acts = [name for name in ward.acts if name not in (batch, *gone)]
            break
    with store.reading() as reader:
        assert (reader.patient_ids(), reader.undecided(), reader.decisions(), len(reader.results_for())) == (
            [],
            [],
            {},
            0,
        )
        assert reader.episodes() == []
    assert check(store) == []


def judged(store: Store) -> list[tuple]:
    with store.reading() as reader:
        told = [each.episode for each in reader.episodes()]
        live = reader.alerts(["open", "acknowledged", "snoozed"])
        # One that was raised stays with an episode that became possible; for a possible one most rules raise none.
        alerts = [(one.patient_id, one.rule, one.severity, one.onset) for one in live if one.status != "possible"]
    return [
        sorted(
            (one.patient_id, one.rule, one.status, one.severity, one.onset, str(one.end), one.end_reason or "")
            for one in told
        ),
        sorted(alerts),
    ]


@pytest.mark.parametrize("turn", range(3))
def test_confirming_everything_gives_what_a_clean_file_would_have_given(tmp_path, seed, turn):
    draw = random.Random(seed * 10 + turn)
    values = {
        "platelets": ("10*9/L", "6", "45", "90", "120", "180"),
        "fibrinogen": ("g/L", "0.4", "1.2", "1.7"),
        "d_dimer": ("mg/L{FEU}", "0.4", "1.2", "6"),
        "hemoglobin": ("g/L", "45", "90", "120"),
    }
    rows = []
    for hours in sorted(draw.sample(range(1, 2_000), 60)):
        at = (NOW - dt.timedelta(hours=hours)).isoformat()
        analyte = draw.choice(list(values))
        unit, *some = values[analyte]
        rows.append((f"{draw.choice('AB')},{at},{analyte},{draw.choice(some)}", unit, draw.random() < 0.5))
    found = []
    for name, mark in (("clean", ""), ("held", "*")):
        store = Store(f"sqlite:///{tmp_path / name}.db")
        brought(store, labs(*(f"{row}{mark if held else ''},{unit}" for row, unit, held in rows)))
        if mark:
            with store.reading() as reader:
                waiting = [row.fate_id for row in reader.undecided()]
            assert len(waiting) == sum(held for *_, held in rows)
            draw.shuffle(waiting)
            confirm(store, NURSE, waiting, "the star is theirs", now=NOW)
        found.append(judged(store))
        store.close()
    assert found[0] == found[1]

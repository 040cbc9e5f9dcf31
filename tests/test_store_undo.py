"""Undoing an import leaves the state of never having imported it, and can be read back in every step."""

from __future__ import annotations

import itertools
import random

import pytest

from khemon.models import Refused
from khemon.store import Store
from khemon.store.integrity import check
from tests.store_rows import HOUR, NURSE, bring, child, event, fates, lab, standing, undo


def seen_by(store: Store) -> str:
    with store.reading() as reader:
        return standing(reader)


def test_an_undone_batch_leaves_nothing_standing_and_stays_readable(store):
    outcome = bring(store, [lab(10), lab(7, decision="review"), lab(8, decision="no_value", at=2 * HOUR)])
    undone = undo(store, outcome.batch)
    with store.reading() as reader:
        assert (reader.patient_ids(), reader.held(), len(reader.results_for())) == ([], [], 0)
        (batch,) = reader.batches()
        assert (batch.undone, batch.undone_ms, batch.undone_by) == (True, 2 * HOUR, "nurse")
        assert [row.decision for row in reader.fates_of(outcome.batch)] == ["accepted", "review", "no_value"]
        assert [row.undone for row in reader.results_of("P1", undone=True)] == [True]
    assert undone.patient_ids == ("P1",)


def test_what_an_undone_batch_superseded_stands_again(store):
    bring(store, [lab(10)])
    before = seen_by(store)
    undo(store, bring(store, [lab(12, status="corrected"), lab(30, patient="P2")]).batch)
    assert seen_by(store) == before


def test_a_result_that_a_later_file_repeats_stays(store):
    first = bring(store, [lab(10)])
    second = [lab(10)]
    bring(store, second)
    outcome = undo(store, first.batch)
    with store.reading() as reader:
        assert [row.text for row in reader.results_of("P1")] == ["10"]
    assert (fates(second), outcome.restored) == (["duplicate"], 1)


def test_a_conflict_with_an_undone_result_stands(store):
    first = bring(store, [lab(10)])
    bring(store, [lab(12)])
    undo(store, first.batch)
    with store.reading() as reader:
        assert ([row.text for row in reader.results_of("P1")], reader.held()) == (["12"], [])


def test_repeats_of_repeats_are_let_in_one_after_the_other(store):
    batches = [bring(store, [lab(10, comment=str(number))]).batch for number in range(4)]
    for batch in batches[:3]:
        assert undo(store, batch).restored == 1
        with store.reading() as reader:
            assert [row.text for row in reader.results_of("P1")] == ["10"]
    assert undo(store, batches[3]).restored == 0
    with store.reading() as reader:
        assert reader.results_of("P1") == []


def test_events_and_patients_are_undone_alike(store):
    first = bring(store, [event("active_bleeding")])
    second = bring(store, [event("active_bleeding", end_ms=9 * HOUR)])
    third = bring(store, [child(name="Ana", ward="3")])
    bring(store, [child(ward="3")])
    undo(store, first.batch)
    undo(store, third.batch)
    with store.reading() as reader:
        assert reader.events_for().end.tolist() == [9 * HOUR]
        assert (reader.patient("P1").name, reader.patient("P1").ward) == (None, "3")
    undo(store, second.batch)
    with store.reading() as reader:
        assert len(reader.events_for()) == 0


def test_an_earlier_patient_row_does_not_speak_over_a_later_one_after_an_undo(store):
    first = bring(store, [child(ward="3")])
    bring(store, [child(ward="3")])
    bring(store, [child(ward="4")])
    undo(store, first.batch)
    with store.reading() as reader:
        assert reader.patient("P1").ward == "4"


@pytest.mark.parametrize("twice", [False, True])
def test_an_unknown_or_undone_batch_is_refused(store, twice):
    batch = bring(store, [lab(10)]).batch
    if twice:
        undo(store, batch)
    with pytest.raises(Refused, match="undone" if twice else "not known"):
        undo(store, batch if twice else "nothing")


def test_what_was_known_at_a_time_does_not_change_by_undoing_later(store):
    first = bring(store, [lab(10)], recorded_ms=10)
    bring(store, [lab(10), lab(20, at=2 * HOUR)], recorded_ms=20)
    with store.reading() as reader:
        before = [len(reader.results_for(known_at_ms=at)) for at in (9, 10, 19, 20)]
    undo(store, first.batch, at_ms=30)
    with store.reading() as reader:
        after = [len(reader.results_for(known_at_ms=at)) for at in (9, 10, 19, 20)]
        assert [reader.results_for(known_at_ms=at).result_id.tolist() for at in (29, 30)] == [
            [100_000_000, 200_000_001],
            [200_000_000, 200_000_001],
        ]
    assert before == after == [0, 1, 1, 2]


KINDS = {
    "labs": lambda draw: lab(
        draw.choice((5, 6, 7)),
        at=draw.choice((1, 2)) * HOUR,
        patient=draw.choice(("P1", "P2")),
        analyte=draw.choice(("platelets", "fibrinogen")),
        status=draw.choice(("preliminary", "final", "final", "final", "corrected", "cancelled")),
        specimen_id=draw.choice((None, None, "S")),
        decision=draw.choice(("accepted",) * 8 + ("review", "no_value", "rejected")),
    ),
    "events": lambda draw: event(
        draw.choice(("plasma", "sirolimus")),
        at=draw.choice((1, 2)) * HOUR,
        patient=draw.choice(("P1", "P2")),
        dose=draw.choice((None, "1", "2")),
        end_ms=draw.choice((None, 5 * HOUR)),
    ),
    "patients": lambda draw: child(
        draw.choice(("P1", "P2")),
        ward=draw.choice(("", "3", "4")),
        birth_date=draw.choice(("", "2025-01-01", "2025-02-02")),
    ),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_importing_and_undoing_equals_never_importing(tmp_path, seed, nightly, kind):
    """Random files, one of them undone at the end, against the same files without it."""
    names = itertools.count()
    for number in range(200 if nightly else 12):
        draw = random.Random(f"{seed}-{kind}-{number}")
        recipes = [(draw.random(), draw.choice((None, None, "B"))) for _ in range(draw.randint(2, 5))]
        out = draw.randrange(len(recipes))

        def imported(leave_out: bool, recipes=recipes, out=out) -> tuple[str, str]:
            store = Store(f"sqlite:///{tmp_path / f'{next(names)}.db'}")
            batches = []
            for place, (own_seed, source) in enumerate(recipes):
                own = random.Random(own_seed)
                rows = [KINDS[kind](own) for _ in range(own.randint(1, 6))]
                if not (leave_out and place == out):
                    batches.append(bring(store, rows, source=source, recorded_ms=place).batch)
            if not leave_out:
                undo(store, batches[out])
            state, findings = seen_by(store), check(store)
            store.close()
            return state, str(findings)

        assert imported(leave_out=False) == imported(leave_out=True), (number, recipes, out)


def test_undoing_everything_in_any_order_leaves_nothing(store, seed):
    draw = random.Random(seed)
    batches = [bring(store, [KINDS["labs"](draw) for _ in range(4)]).batch for _ in range(6)]
    draw.shuffle(batches)
    for batch in batches:
        undo(store, batch)
    with store.reading() as reader:
        assert (reader.patient_ids(), reader.held(), len(reader.results_for())) == ([], [], 0)
    assert check(store) == []


def test_the_actor_of_an_undo_is_recorded(store):
    batch = bring(store, [lab(10)]).batch
    undo(store, batch)
    with store.reading() as reader:
        assert reader.batch(batch).undone_by == NURSE.name

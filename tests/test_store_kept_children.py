"""What a process keeps of a child is what it would read afresh: whoever wrote meanwhile, whatever was taken back."""

from __future__ import annotations

import dataclasses
import random

import numpy as np

from khemon.actions.check import check
from khemon.actions.import_files import Options, commit, preview, undo
from khemon.models import Actor
from khemon.rules.calendar import MS_PER_DAY
from khemon.store import Store
from khemon.store.repository import children, marks
from khemon.store.rows import ResultColumns
from tests.store_rows import HOUR, bring, file_of, lab
from tests.store_rows import undo as take_back

NURSE = Actor(name="nurse", kind="local")
NOW_MS = 1_760_000_000_000
HEADER = "patient_id,collected_at,analyte,value,unit\n"
UNITS = {"platelets": "10*9/L", "fibrinogen": "g/L", "hemoglobin": "g/L"}
STEPS = 30


def read(store: Store) -> ResultColumns:
    """What a writer takes for an evaluation."""
    with store.writing() as writer:
        return writer.results_for(["P1"])


def same(one: ResultColumns, other: ResultColumns) -> bool:
    names = [each.name for each in dataclasses.fields(one) if each.name not in ("texts", "memory")]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def read_afresh(store: Store) -> ResultColumns:
    """What a page reads: nothing that is kept."""
    with store.reading() as reader:
        return reader.results_for(["P1"])


def test_kept_results_are_those_in_the_store_after_every_writing(store, seed):
    rng, other, standing = random.Random(seed), Store(store.url), []
    for step in range(STEPS):
        at, who = rng.randrange(1, 30) * HOUR, rng.choice([store, store, other])
        rows = [
            lab(rng.randrange(1, 300), at=at + place * HOUR, analyte=rng.choice([*UNITS, "sirolimus"]))
            for place in range(rng.choice([1, 1, 3]))
        ]
        rows[0] = dataclasses.replace(rows[0], status=rng.choice(["final", "corrected", "preliminary"]))
        what = rng.random()
        if what < 0.15 and standing:
            take_back(who, standing.pop(rng.randrange(len(standing))))
        elif what < 0.3:
            meta, arguments = file_of(rows)
            with who.writing(keep=False) as writer:
                writer.record_import(meta, **arguments)
                writer.results_for(["P1"])
        elif what < 0.4:
            bring(who, [lab(5, patient=f"P{step + 2}", at=at)])
        else:
            standing.append(bring(who, rows).batch)
        assert same(read(store), read_afresh(store)), f"step {step}"
    other.close()


def line(day: int, analyte: str, value: str) -> str:
    return f"P1,2025-10-{day:02d}T08:00:00+00:00,{analyte},{value},{UNITS[analyte]}\n"


def options(day: int) -> Options:
    return Options(now_ms=NOW_MS + day * MS_PER_DAY, timezone="UTC")


def test_alerts_and_episodes_follow_from_the_results_whichever_process_took_them_in(store, seed):
    rng, other, batches = random.Random(seed), Store(store.url), []
    for step in range(12):
        analyte = rng.choice(list(UNITS))
        value = {"platelets": rng.randrange(5, 160), "fibrinogen": rng.randrange(1, 30) / 10}.get(analyte, 40 + step)
        content = (HEADER + line(rng.randrange(1, 28), analyte, str(value))).encode()
        who = rng.choice([store, store, other])
        if rng.random() < 0.2:
            preview(who, NURSE, content, "labs.csv", options(30 + step))
        batches.append(commit(who, NURSE, content, "labs.csv", options(30 + step)).head["batch"])
        if rng.random() < 0.15:
            undo(who, NURSE, batches.pop(rng.randrange(len(batches))), options(30 + step).now_ms)
        if step % 4 == 3:
            found = check(other, NURSE, options(30 + step).now_ms)
            assert found["sound"], f"step {step}: {found['findings'][:2]}"
    other.close()


def test_words_of_what_was_only_looked_at_are_not_met_again(store):
    commit(store, NURSE, (HEADER + line(1, "hemoglobin", "100")).encode(), "labs.csv", options(1))
    commit(store, NURSE, (HEADER + line(2, "hemoglobin", "101")).encode(), "labs.csv", options(2))
    preview(store, NURSE, (HEADER + line(3, "hemoglobin", "55.0")).encode(), "labs.csv", options(3))
    commit(store, NURSE, (HEADER + line(3, "hemoglobin", "55")).encode(), "labs.csv", options(3))
    with store.reading() as reader:
        [found] = [each.episode for each in reader.episodes() if each.episode.rule == "severe_anemia"]
    assert [item.value for item in found.evidence] == ["55"]


def test_the_child_that_was_kept_first_goes_first(monkeypatch):
    monkeypatch.setattr(children, "MOST_CHILDREN", 2)
    kept, child = children.Children(), children.Child.of(children.Total(0, 0), [()] * 11)
    for number in (1, 2, 1, 3):
        fact = {"patient": ((children.Total(1, number),), number)}
        kept.keep({number: child}, {number: fact}, {f"P{number}": number})
    assert [number for number in (1, 2, 3) if kept.get(number) is not None] == [1, 3]
    assert [number for number in (1, 2, 3) if kept.fact(number, "patient") is not None] == [1, 3]
    assert [number for number in (1, 2, 3) if kept.number_of(f"P{number}") is not None] == [2, 3]


def test_one_row_is_marked_as_it_is_among_many(seed):
    rng = random.Random(seed)
    kinds = "iiffotii"

    def value(kind: str):
        if kind == "f":
            return rng.choice([0.0, -0.0, 5e-324, rng.uniform(0, 1e6)])
        whole = rng.choice([0, 1, rng.randrange(2**62), -rng.randrange(2**62)])
        return {"i": whole, "o": rng.choice([None, abs(whole)]), "t": rng.choice([None, "", "a", "specimen é"])}[kind]

    rows = [tuple(map(value, kinds)) for _ in range(300)]
    many = marks.column_marks(list(zip(*rows, strict=True)), kinds)
    assert [marks.row_bits_mark(row, kinds) for row in rows] == many.tolist()


def test_what_is_kept_of_the_ward_and_a_child_is_what_another_process_made_of_it(store):
    other = Store(store.url)
    first = bring(store, [lab(30)]).batch
    with store.writing() as writer:
        writer.set_setting("timezone", "UTC")
        writer.patient("P1"), writer.events_for(["P1"])
    with store.writing() as writer:
        assert writer.setting("timezone") == "UTC"
    with other.writing() as writer:
        writer.set_setting("timezone", "Europe/Berlin")
    take_back(other, first)
    with store.writing() as writer:
        assert writer.setting("timezone") == "Europe/Berlin"
        assert writer.patient("P1") is None
        assert writer.events_for(["P1"]).patient_ids == []
    other.close()


def test_episodes_another_process_changed_for_several_children_are_not_taken_for_those_kept(store):
    other, rows = Store(store.url), [("P1", 12), ("P2", 15), ("P3", 130)]
    line_of = "{},2025-10-{:02d}T08:00:00+00:00,platelets,{},10*9/L\n"

    def arrive(who: Store, day: int, *rows: tuple[str, int]) -> None:
        content = HEADER + "".join(line_of.format(child, day, value) for child, value in rows)
        commit(who, NURSE, content.encode(), "labs.csv", options(day))

    arrive(store, 1, *rows)
    arrive(store, 2, ("P1", 14))
    arrive(store, 3, ("P1", 13))
    arrive(other, 4, ("P1", 160), ("P2", 170), ("P3", 9))
    arrive(store, 5, ("P1", 11))
    with store.reading() as reader:
        found = [each.episode for each in reader.episodes(["P1"]) if each.episode.rule == "thrombocytopenia"]
    assert [(each.onset.day, each.end and each.end.day) for each in found] == [(1, 4), (5, None)]
    assert check(store, NURSE, options(5).now_ms)["sound"]
    other.close()

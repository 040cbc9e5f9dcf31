"""A page that reads whole only what it shows says what it would say had it read everything, and meets damage too."""

import datetime as dt
import random
import sqlite3
from contextlib import closing

import pytest

from khemon.actions import watch
from khemon.actions.import_files import Options, commit, undo
from khemon.actions.watch.judged import Judged, drawn_rules
from khemon.actions.watch.known import Known
from khemon.actions.watch.readings import counts_since, run_counts
from khemon.actions.watch.setting import setting_of
from khemon.actions.watch.shown import rows_shown
from khemon.models import DamagedRows
from khemon.rules.calendar import to_ms
from khemon.rules.rulebook import RunRule
from khemon.store import Store
from khemon.units import ANALYTES
from tests.wards import ACTOR, Files, text_of

NOW = dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
CHILDREN = ("A", "B", "C", "D", "E")
HEAD = ("patient_id", "collected_at", "analyte", "value", "unit", "specimen_id", "status", "quality")
DRAWN = {
    "platelets": ("10*9/L", 3, 300),
    "fibrinogen": ("g/L", 0.3, 4),
    "d_dimer": ("mg/L{DDU}", 0.2, 20),
    "hemoglobin": ("g/L", 50, 140),
    "sirolimus": ("ng/mL", 1, 30),
    "alt": ("U/L", 10, 400),
}
STATUSES = ("final",) * 6 + ("preliminary", "corrected", "cancelled", "entered_in_error")
QUALITIES = ("",) * 12 + ("clotted", "hemolyzed", "diluted")


def drawn_labs(drawn: random.Random) -> list[list[tuple]]:
    """Three files: results of many kinds, some of them said again with another status."""
    files: list[list[tuple]] = [[], [], []]
    for child in CHILDREN[1:]:
        span = drawn.choice((20, 120, 400))
        for number in range(drawn.choice((4, 30, 45))):
            at = (NOW - dt.timedelta(days=drawn.uniform(0, span))).replace(second=0, microsecond=0)
            for analyte, (unit, low, high) in DRAWN.items():
                if drawn.random() < 0.5:
                    value = drawn.choice(("", "", "", "<", ">")) + f"{low * (high / low) ** drawn.random():.3g}"
                    specimen = f"{child}{number}{analyte}" if drawn.random() < 0.8 else ""
                    said = (drawn.choice(STATUSES), drawn.choice(QUALITIES))
                    row = (child, at.isoformat(), analyte, value, unit, specimen, *said)
                    for file in drawn.sample(files, drawn.choice((1, 1, 1, 2))):
                        file.append(row)
    return files


def filled(url: str, drawn: random.Random) -> Store:
    """A store with drawn children, one of whom has no result; one import was taken back."""
    store = Store(url)
    children = Files(NOW)
    for name in CHILDREN:
        children.child(name, f"Child {name}", "2024-01-15")
    for name in CHILDREN[:4]:
        children.event(name, "sirolimus", 24 * drawn.uniform(10, 60), None, "0.8", "mg/m2")
        children.event(name, "platelet_transfusion", 24 * drawn.uniform(1, 40))
    for number, (name, content) in enumerate(children.brought()):
        commit(store, ACTOR, content, name, Options(now_ms=to_ms(NOW - 5 * DAY) + number, timezone="Europe/Berlin"))
    for number, rows in enumerate(drawn_labs(drawn)):
        at = to_ms(NOW - 2 * DAY) + number
        outcome = commit(store, ACTOR, text_of(HEAD, rows), f"labs{number}.csv", Options(now_ms=at))
    with store.reading() as reader:
        last = reader.batches()[-1].batch
    assert outcome is not None
    undo(store, ACTOR, last, to_ms(NOW - DAY))
    return store


@pytest.fixture
def drawn_ward(tmp_path, seed):
    store = filled(f"sqlite:///{tmp_path / 'khemon.db'}", random.Random(seed))
    yield store
    store.close()


def told(view: Judged, window: str) -> dict:
    """What the page says that rests on samples."""
    found = view.judged(window, None)
    return {name: found[name] for name in ("sentence", "cells", "timeline", "clocks", "answers")}


def test_what_is_shown_of_a_window_says_what_all_samples_say(drawn_ward):
    with drawn_ward.reading() as reader:
        setting = setting_of(reader)
        for patient in reader.patients():
            name = patient.patient_id
            known = Known(reader, [patient], setting.protocol, setting.zone, NOW, reader.versions_of(name))
            standing, (episodes, _) = known.standing(name), known.drawn(drawn_rules(setting.protocol))
            everything = known.samples(name)
            whole = Judged(setting, known, patient, episodes, everything, NOW)
            for window in watch.WINDOWS:
                rows = rows_shown(known, standing, to_ms(whole.edges(window)[0]), ())
                some = known.sampled(rows)
                assert set(some) <= set(everything)
                assert told(Judged(setting, known, patient, episodes, some, NOW), window) == told(whole, window)


def test_a_clock_reads_its_counts_as_the_samples_say(drawn_ward):
    with drawn_ward.reading() as reader:
        setting, onset = setting_of(reader), NOW - 60 * DAY
        for patient in reader.patients():
            name = patient.patient_id
            known = Known(reader, [patient], setting.protocol, setting.zone, NOW)
            samples = known.samples(name)
            for rule in setting.protocol.rules.values():
                if isinstance(rule, RunRule):
                    read = [(s.at, s.words, s.remarks, good) for s, good in run_counts(known, name, rule, samples)]
                    found = counts_since(known, known.standing(name), rule, onset)
                    assert [(c.at, c.words, c.remarks, good) for c, good in found] == [
                        each for each in read if each[0] >= onset
                    ]


def test_versions_are_the_rows_that_are_read_whole(drawn_ward):
    ruled = {name for name, analyte in ANALYTES.items() if analyte.has_rules}
    with drawn_ward.reading() as reader:
        for name in CHILDREN:
            rows, versions = reader.results_of(name), reader.versions_of(name)
            assert versions.result_id.tolist() == [row.result_id for row in rows]
            assert versions.recorded_ms.tolist() == [row.recorded_ms for row in rows]
            since = to_ms(NOW - 30 * DAY)
            assert reader.results_since(name, since, versions) == [row for row in rows if row.collected_ms >= since]
            without = [row for row in rows if row.analyte not in ruled]
            assert reader.results_without_rules(name, versions) == without
            assert [reader.text_of(name, row.result_id)[0] for row in rows[:5]] == [row.text for row in rows[:5]]
            ids = [row.result_id for row in rows]
            assert list(reader.result_details(ids, all_there=True).values()) or not ids
            read = (reader.results_for([name]), reader.results_for([name], read=versions))
            assert read[0].result_id.tolist() == read[1].result_id.tolist()


def test_a_text_is_told_of_its_own_child_only(drawn_ward):
    with drawn_ward.reading() as reader:
        theirs = int(reader.versions_of("B").result_id[0])
        with pytest.raises(DamagedRows):
            reader.text_of("C", theirs)
        with pytest.raises(DamagedRows):
            reader.text_of("B", -1)


CHANGES = {
    "a text inside the window": "text = text || '1' WHERE collected_ms >= {inside}",
    "a value before the window": "high = high + 1 WHERE collected_ms < {inside}",
    "a row before the window": None,
    "a row inside the window": "restored_by = 1 WHERE collected_ms >= {inside}",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_met_whether_or_not_it_is_shown(tmp_path, change):
    store = Store(f"sqlite:///{tmp_path / 'khemon.db'}")
    files = Files(NOW)
    files.child("A", "Ann")
    for days in (200, 100, 3, 2):
        files.panel("A", 24 * days, "180", "2", "1", "100")
    for name, content in files.brought():
        commit(store, ACTOR, content, name, Options(now_ms=to_ms(NOW - DAY), timezone="UTC"))
    with store.reading() as reader:
        [key] = reader.patient_numbers().values()
    assert len(watch.patient_view(store, ACTOR, key, NOW, "30 d").results) == 8
    inside = to_ms(NOW - 30 * DAY)
    with closing(sqlite3.connect(tmp_path / "khemon.db")) as raw, raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        set_to = CHANGES[change]
        if set_to is None:
            raw.execute(f"DELETE FROM result WHERE collected_ms < {inside}")
        else:
            raw.execute(f"UPDATE result SET {set_to.format(inside=inside)}")
    with pytest.raises(DamagedRows):
        watch.patient_view(store, ACTOR, key, NOW, "30 d")
    store.close()

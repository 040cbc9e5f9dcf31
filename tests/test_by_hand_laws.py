"""Laws of entering by hand: as if a file had said it, and as the last person said who was not taken back."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from pathlib import Path

import pytest

from khemon.actions.by_hand import (
    EventForm,
    ResultForm,
    edit_event,
    edit_result,
    enter_events,
    enter_result,
    events_stored,
    results_stored,
    void_event,
    void_result,
)
from khemon.actions.import_files import Options, commit, undo
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store
from khemon.store.integrity import check
from tests.histories.pools import POOLS
from tests.profiles import SEED
from tests.wards import UNITS, text_of

NURSE = Actor(name="nurse", kind="local")
START = dt.datetime(2026, 3, 1, 6, tzinfo=dt.UTC)
NOW = START + dt.timedelta(days=50)
LAB_HEAD = ("patient_id", "collected_at", "analyte", "value", "unit", "status", "quality")
EVENT_HEAD = ("patient_id", "kind", "start", "end", "dose", "unit", "note")
ANALYTES = ("platelets", "platelets", "fibrinogen", "d_dimer", "hemoglobin")
KINDS = ("platelet_transfusion", "plasma", "active_bleeding", "prednisolone", "response_documented")


def at(half_days: int) -> str:
    return (START + dt.timedelta(hours=12 * half_days)).isoformat()


def lab_rows(draw: random.Random) -> list[tuple[str, ...]]:
    """Results of one child, each analyte once at a time."""
    places = {(draw.randrange(90), draw.choice(ANALYTES)) for _ in range(draw.randint(3, 14))}
    found = []
    for half_days, analyte in sorted(places):
        value = f"{draw.choice(('', '', '', '<', '>='))}{draw.choice(POOLS[analyte]['any'])}"
        status = draw.choice(("final", "final", "preliminary", "corrected"))
        quality = draw.choice(("", "", "", "clumped", "hemolyzed"))
        found.append(("P1", at(half_days), analyte, value, UNITS[analyte], status, quality))
    return found


def event_rows(draw: random.Random) -> list[tuple[str, ...]]:
    """Events of one child, each kind once at a time."""
    found = []
    for half_days, kind in sorted({(draw.randrange(90), draw.choice(KINDS)) for _ in range(draw.randint(0, 5))}):
        end = "" if "response" in kind or draw.random() < 0.5 else at(half_days + draw.randrange(7))
        dose, note = ("2", "mg/kg") if kind == "prednisolone" else ("", ""), "letter" if "response" in kind else ""
        found.append(("P1", kind, at(half_days), end, *dose, note))
    return found


def opened(folder: Path, name: str = "khemon") -> Store:
    store = Store(f"sqlite:///{folder / name}.db")
    commit(store, NURSE, b"patient_id,diagnosis\nP1,KHE\n", "patients.csv", Options(now_ms=0, timezone="Europe/Berlin"))
    return store


def judged(store: Store) -> list[str]:
    """Every episode; words aside, which are told where an alert needs them."""
    with store.reading() as reader:
        found = [one.episode for one in reader.episodes(["P1"])]
    names = ("rule", "onset", "status", "severity", "confirmed_at", "end", "end_reason")
    return sorted(str(tuple(getattr(one, name) for name in names)) for one in found)


@pytest.mark.parametrize("turn", range(12))
def test_rows_entered_one_by_one_in_any_order_are_judged_as_a_file_that_says_them(tmp_path, pytestconfig, turn):
    seed = pytestconfig.stash[SEED] + turn
    print(f"KHEMON_SEED={seed - turn}")
    draw = random.Random(seed)
    labs, events = lab_rows(draw), event_rows(draw)
    filed, typed = opened(tmp_path, "filed"), opened(tmp_path, "typed")
    for name, head, rows in (("events.csv", EVENT_HEAD, events), ("labs.csv", LAB_HEAD, labs)):
        if rows:
            commit(filed, NURSE, text_of(head, rows), name, Options(now_ms=to_ms(NOW)))
    entries = [(True, row) for row in labs] + [(False, row) for row in events]
    draw.shuffle(entries)
    for is_lab, row in entries:
        if is_lab:
            _, taken, analyte, value, unit, status, quality = row
            form = ResultForm("P1", analyte, value, unit, taken, status=status, quality=quality)
            enter_result(typed, NURSE, form, now=NOW, sure=True)
        else:
            enter_events(typed, NURSE, [EventForm(*row)], now=NOW, sure=True)
    assert judged(typed) == judged(filed)
    filed.close()
    typed.close()


class Slot:
    """One result or event of a file, and what was said about it since: value by batch, None where it was set out."""

    def __init__(self, hour: int, value: str) -> None:
        self.hour, self.first = hour, value
        self.acts: list[tuple[str, str | None]] = []

    @property
    def now(self) -> str | None:
        return self.acts[-1][1] if self.acts else self.first


class Walk:
    """A file, and random acts on what it brought."""

    def __init__(self, store: Store, draw: random.Random) -> None:
        self.store, self.draw, self.times = store, draw, itertools.count(1)
        self.slots = [Slot(hour, str(value)) for hour, value in enumerate((10, 10, 20, 30))]
        self.exports = itertools.count(1)
        self.export()

    def now(self) -> dt.datetime:
        return NOW + dt.timedelta(minutes=next(self.times))

    def export(self) -> None:
        """The laboratory sends what it has always said, in a file of other bytes."""
        extra = ("P1", at(60 + next(self.exports)), *self.extra)
        content = text_of(self.head, [*(self.row(slot) for slot in self.slots), extra])
        commit(self.store, NURSE, content, "file.csv", Options(now_ms=to_ms(self.now()), source="lab A"))

    def act(self) -> None:
        slot = self.draw.choice(self.slots)
        choice = self.draw.choice(("edit", "edit", "void", "undo", "undo", "export"))
        if choice == "export":
            self.export()
        elif choice == "undo" and slot.acts:
            batch, _ = slot.acts.pop(self.draw.randrange(len(slot.acts)))
            undo(self.store, NURSE, batch, to_ms(self.now()))
        elif choice == "void" and slot.now is not None:
            slot.acts.append((self.void(slot), None))
        elif choice == "edit" and slot.now is not None:
            value = self.draw.choice([text for text in ("5", "10", "20", "40") if text != slot.now])
            slot.acts.append((self.edit(slot, value), value))
        self.agree()

    def agree(self) -> None:
        expected = {slot.hour: slot.now for slot in self.slots if slot.now is not None}
        assert self.stored() == expected


class Results(Walk):
    head, extra = LAB_HEAD[:5], ("creatinine", "20", "umol/L")

    def row(self, slot):
        return ("P1", at(slot.hour), "platelets", slot.first, "10*9/L")

    def _shown(self, slot):
        entries = results_stored(self.store, NURSE, "P1")
        here = [entry for entry in entries if entry.stands and entry.fields["analyte"] == "platelets"]
        return next(e.number for e in here if e.at_ms == to_ms(dt.datetime.fromisoformat(at(slot.hour))))

    def edit(self, slot, value):
        return edit_result(self.store, NURSE, self._shown(slot), {"value": value}, "why", now=self.now()).batch

    def void(self, slot):
        return void_result(self.store, NURSE, self._shown(slot), "why", now=self.now()).batch

    def stored(self):
        with self.store.reading() as reader:
            columns = reader.results_for(["P1"])
            best: dict[int, tuple] = {}
            for time, status, number, low in zip(
                columns.time.tolist(),
                columns.status.tolist(),
                columns.result_id.tolist(),
                columns.low.tolist(),
                strict=True,
            ):
                best[time] = max(best.get(time, (0, 0, 0)), (status, number, low))
        return {(time - to_ms(START)) // 43_200_000: f"{low:g}" for time, (_, _, low) in best.items()}


class Events(Walk):
    head, extra = EVENT_HEAD[:6], ("", "", "", "")

    def row(self, slot):
        return ("P1", "plasma", at(slot.hour), "", slot.first, "mL")

    def export(self) -> None:
        hour = 60 + next(self.exports)
        content = text_of(self.head, [*(self.row(slot) for slot in self.slots), ("P1", "procedure", at(hour))])
        commit(self.store, NURSE, content, "file.csv", Options(now_ms=to_ms(self.now()), source="lab A"))

    def _shown(self, slot):
        entries = events_stored(self.store, NURSE, "P1")
        here = [entry for entry in entries if entry.stands and entry.fields["kind"] == "plasma"]
        return next(e.number for e in here if e.at_ms == to_ms(dt.datetime.fromisoformat(at(slot.hour))))

    def edit(self, slot, value):
        return edit_event(self.store, NURSE, "P1", self._shown(slot), {"dose": value}, "why", now=self.now()).batch

    def void(self, slot):
        return void_event(self.store, NURSE, "P1", self._shown(slot), "why", now=self.now()).batch

    def stored(self):
        with self.store.reading() as reader:
            found = [one for one in reader.events_for(["P1"]).events if one.kind == "plasma"]
        assert len({one.start for one in found}) == len(found)
        return {(to_ms(one.start) - to_ms(START)) // 43_200_000: one.dose for one in found}


@pytest.mark.parametrize("kind", [Results, Events])
@pytest.mark.parametrize("turn", range(4))
def test_what_stands_is_what_the_last_act_said_that_was_not_taken_back(tmp_path, pytestconfig, kind, turn):
    seed = pytestconfig.stash[SEED] + turn
    print(f"KHEMON_SEED={seed - turn}")
    store = opened(tmp_path)
    walk = kind(store, random.Random(seed))
    for _ in range(25):
        walk.act()
    assert check(store) == []
    store.close()

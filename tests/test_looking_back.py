"""Looking back: what the board knew at a moment is what it said then, and nothing can be done there."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from khemon.actions import watch
from khemon.actions.acknowledge import acknowledge, hand_over
from khemon.actions.advance import advance
from khemon.actions.by_hand.changing import void_result
from khemon.actions.going_live import go_live
from khemon.actions.import_files import Options, commit, undo
from khemon.actions.viewing import looked_at
from khemon.models import Actor, Refused
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.test_accounts import with_account
from tests.test_protocol_live import site_file
from tests.wards import ACTOR, LAB_COLUMNS, TIMEZONE, UNITS, Files, bring, rebound, text_of

START = dt.datetime(2026, 3, 20, 8, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
NURSE = Actor(name="Nurse", kind="demo")


def labs(store: Store, at: dt.datetime, *rows: tuple) -> str:
    """Brings results at a time: the fields of LAB_COLUMNS; the batch."""
    content = text_of(LAB_COLUMNS, list(rows))
    document = commit(store, ACTOR, content, f"labs_{at:%d%H%M}.csv", Options(now_ms=to_ms(at), source="lab")).document
    advance(store, to_ms(at), ACTOR)
    return document["batch"]


def alert_of(store: Store, patient_id: str, rule: str):
    with store.reading() as reader:
        return next(alert for alert in reader.alerts(patient_ids=[patient_id]) if alert.rule == rule)


def in_utc(at: dt.datetime | None) -> str:
    """A time as one text, whatever zone it is told in."""
    return str(at and at.astimezone(dt.UTC))


def without_revision(view):
    """A view as it looks: the counter that tells pages to look again is none of it."""
    return repr(dataclasses.replace(view, revision=0))


class Diary:
    """What the pages said at each moment, noted at that moment."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.noted: dict[dt.datetime, list[str]] = {}

    def pages(self, store: Store, at: dt.datetime) -> list[str]:
        with store.reading() as reader:
            numbers = reader.patient_numbers()
            episodes = [each.episode for each in reader.episodes()]
            alerts = [each.alert_id for each in reader.alerts() if each.rule in ("kmp_rebound", "plasma_criterion")]
        views = [watch.ward_board(store, NURSE, at), watch.review_queue(store, NURSE, at)]
        views.append(watch.rebound_review(store, NURSE, at))
        views += [watch.patient_view(store, NURSE, key, at, "all") for key in numbers.values()]
        details = [repr(watch.alert_view(store, NURSE, number, at)) for number in alerts]
        judged = [
            f"{e.patient_id} {e.rule} {e.status} {e.severity} {in_utc(e.onset)} {in_utc(e.end)}" for e in episodes
        ]
        return [*map(without_revision, views), *details, "\n".join(judged)]

    def note(self, at: dt.datetime) -> None:
        advance(self.store, to_ms(at), ACTOR)
        self.noted[at] = self.pages(self.store, at)


def live(store: Store, folder: Path) -> Diary:
    """Days on a ward: late, corrected, withdrawn, held, repeated and set out results, decisions, another protocol."""
    diary = Diary(store)
    moments = [START + n * 6 * HOUR for n in range(1, 10)]

    def row(child: str, n: int, hours: float, analyte: str, value: str, status: str = "") -> tuple:
        return child, (moments[n] - hours * HOUR).isoformat(), analyte, value, UNITS[analyte], status

    files = Files(START)
    for number, name in enumerate(("Ada", "Bea", "Cem")):
        files.child("ABC"[number], name, "2025-06-15")
    rebound(files, "A")
    for child in "BC":
        files.panel(child, 20, "8", "1.1", "9", "70")
    bring(store, files)
    rebound_alert = alert_of(store, "A", "kmp_rebound").alert_id
    diary.note(START + HOUR)
    acknowledge(store, NURSE, rebound_alert, "seen", now=moments[0])
    looked_at(store, NURSE, "B", "patient page", moments[0], opened=True)
    store.settle()
    labs(store, moments[0], row("B", 0, 26, "platelets", "80", "corrected"), row("C", 0, 1, "platelets", "40"))
    diary.note(moments[0] + HOUR)
    labs(store, moments[1], row("A", 1, 2, "platelets", "22"), row("B", 1, 2, "platelets", "9000"))
    diary.note(moments[1] + HOUR)
    wrong = labs(store, moments[2], row("B", 2, 1, "platelets", "7"), row("B", 2, 1, "fibrinogen", "0.4"))
    looked_at(store, NURSE, "C", "patient page", moments[2], opened=True)
    store.settle()
    diary.note(moments[2] + HOUR)
    labs(store, moments[3], row("B", 2, 1, "platelets", "7"), row("B", 2, 1, "fibrinogen", "0.6"))
    hand_over(store, NURSE, rebound_alert, "Dr. Lee", "steroid?", now=moments[3])
    diary.note(moments[3] + HOUR)
    undo(store, ACTOR, wrong, to_ms(moments[4]), "wrong child")
    diary.note(moments[4] + HOUR)
    more = Files(moments[5])
    more.event("A", "infection", 30)
    more.event("A", "prednisolone", 24 * 20, 24 * 3, "2", "mg/kg")
    bring(store, more)
    acknowledge(store, NURSE, rebound_alert, "level taken", now=moments[5])
    diary.note(moments[5] + HOUR)
    with store.reading() as reader:
        low = next(each for each in reader.results_of("A") if each.text == "22")
    void_result(store, NURSE, low.result_id, "of another child", now=moments[6])
    diary.note(moments[6] + HOUR)
    go_live(store, NURSE, site_file(folder, rules__severe_anemia__limit=72), "ward meeting", to_ms(moments[7]))
    diary.note(moments[7] + HOUR)
    labs(store, moments[8], *(row("A", 8, hours, "platelets", "150") for hours in (3, 1)))
    diary.note(moments[8] + HOUR)
    return diary


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> Iterator[Diary]:
    """One such week, to look at."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('lived') / 'khemon.db'}")
    yield live(store, tmp_path_factory.mktemp("protocols"))
    store.close()


def test_the_pages_of_a_moment_say_what_they_said_then(lived: Diary):
    end = START + 30 * 24 * HOUR
    advance(lived.store, to_ms(end), ACTOR)
    assert any("handed over to Dr. Lee" in page for pages in lived.noted.values() for page in pages)
    for at, noted in lived.noted.items():
        back = watch.store_at(lived.store, NURSE, at, end)
        for then, again in zip(noted, lived.pages(back, at), strict=True):
            assert again == then, at


def test_what_was_recorded_since_is_listed_with_the_value_then_and_now(lived: Diary):
    lines = watch.corrections_since(lived.store, NURSE, START + HOUR)
    assert [line.arrived for line in lines] == sorted(line.arrived for line in lines)
    told = {(line.patient, line.what): (line.then, line.now) for line in lines}
    assert told["Bea", "Platelets, 19 Mar 2026 13:00"] == ("8 ×10⁹/L", "80 ×10⁹/L")
    assert told["Ada", "prednisolone, 1 Mar 2026 21:00"] == (
        "not yet here",
        "2 mg/kg, until 18 Mar 2026 21:00",
    )
    assert told["The whole ward", "protocol"] == ("Ward protocol, version 1", "site, version 1")
    later = watch.corrections_since(lived.store, NURSE, START + 20 * HOUR)
    [fibrinogen] = [line for line in later if line.what.startswith("Fibrinogen")]
    assert (fibrinogen.then, fibrinogen.now) == ("0.4 g/L", "0.6 g/L")
    assert fibrinogen.since == "recorded 21 Mar 2026 09:00; import taken back 21 Mar 2026 15:00 by Tester"
    [voided] = [line for line in later if line.then == "22 ×10⁹/L"]
    assert "of another child" in voided.since and voided.now == "no longer counted"


def test_nothing_is_listed_as_changed_where_nothing_was(lived: Diary):
    assert watch.corrections_since(lived.store, NURSE, START + 60 * 24 * HOUR) == ()


def test_by_what_is_known_now_a_moment_shows_the_corrected_value_and_nothing_later(lived: Diary):
    at = START + HOUR
    back = watch.store_at(lived.store, NURSE, at, START + 400 * HOUR, known_then=False)
    with back.reading() as reader:
        keys = reader.patient_numbers()
    ada, bea = (watch.patient_view(back, NURSE, keys[name], at) for name in "AB")
    assert bea.cells[0].value == "80"
    assert {row.text for row in bea.results} == {"8", "80", "1.1", "9", "70"}
    assert "150" not in {row.text for row in ada.results} and [event.kind for event in ada.events] == ["prednisolone"]
    assert ada.setting.protocol.name == "site"


def test_nothing_can_be_done_in_the_past(lived: Diary):
    back = watch.store_at(lived.store, NURSE, START + HOUR, START + 400 * HOUR)
    number = alert_of(lived.store, "A", "kmp").alert_id
    before = lived.pages(lived.store, START + 400 * HOUR)
    for act in (
        lambda: acknowledge(back, NURSE, number, "seen", now=START + HOUR),
        lambda: looked_at(back, NURSE, "A", "patient page", START, opened=True),
        lambda: undo(back, NURSE, "nothing", to_ms(START), "no"),
    ):
        with pytest.raises(Refused, match="nothing can be done in the past"):
            act()
    lived.store.settle()
    assert lived.pages(lived.store, START + 400 * HOUR) == before


@pytest.mark.parametrize("at", [START, START + HOUR])
def test_a_moment_that_has_not_passed_is_refused(lived: Diary, at: dt.datetime):
    with pytest.raises(Refused, match="has not passed"):
        watch.store_at(lived.store, NURSE, at, START)


@pytest.mark.parametrize("text", ["", "yesterday", "20.11.2026 08:00", "2026-13-01T08:00"])
def test_an_address_that_names_no_moment_is_refused(text: str):
    with pytest.raises(Refused, match="not a date with a time"):
        watch.as_of_of(text, dt.UTC)


def test_who_is_bound_to_a_ward_looks_back_at_the_children_they_may_see_today(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'wards.db'}")
    files = "patient_id,name,ward\nA1,Ada,3A\nB1,Bea,3A\n"
    options = [Options(now_ms=to_ms(START + n * HOUR), timezone=TIMEZONE) for n in range(3)]
    commit(store, NURSE, files.encode(), "patients.csv", options[0])
    commit(
        store,
        NURSE,
        b"patient_id,collected_at,analyte,value,unit\nB1,2026-03-20T07:00Z,platelets,7,10*9/L\n",
        "l.csv",
        options[1],
    )
    commit(store, NURSE, b"patient_id,ward\nB1,3B\n", "patients.csv", options[2])
    bound = with_account(store, "Ann", wards=["3A"])
    back = watch.store_at(store, bound, START + 1.5 * HOUR, START + 5 * HOUR)
    board = watch.ward_board(back, bound, START + 1.5 * HOUR)
    assert [line.patient_id for line in board.on_ward] == ["A1"]
    assert "Bea" not in repr(watch.review_queue(back, bound, START + 1.5 * HOUR))
    assert "Bea" not in repr(watch.corrections_since(store, bound, START + 0.5 * HOUR))
    store.close()

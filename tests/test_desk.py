"""The desk: files from reading to what became of them, whoever looks on, committed once or not at all."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from khemon.actions import accounts, begun, desk, uploads
from khemon.actions.desk import COMMITTING, DONE, Desk
from khemon.actions.uploads import Brought, HowToRead
from khemon.models import Actor, Refused
from khemon.store import Store
from tests.test_accounts import with_account

NURSE, OTHER = Actor(name="nurse", kind="local"), Actor(name="other", kind="local")
NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
HEAD = "patient_id,collected_at,analyte,value,unit\n"
AS_IT_IS = HowToRead(timezone="UTC")
LONG_S = 60


def labs(*values: str, child: str = "P1", name: str = "labs.csv") -> Brought:
    rows = "".join(f"{child},2026-03-01T{hour:02}:00:00Z,platelets,{text},10*9/L\n" for hour, text in enumerate(values))
    return Brought(name, (HEAD + rows).encode())


@pytest.fixture
def table(store: Store):
    made = Desk(store, lambda: NOW)
    yield made
    made.close()


def brought(table: Desk, *files: Brought, how: HowToRead = AS_IT_IS) -> list[desk.Paper]:
    """The files on the desk once they were read."""
    for file in files:
        table.bring(NURSE, file, how)
    assert table.settle(NURSE, LONG_S)
    return table.papers(NURSE)


def committed(table: Desk, papers: list[desk.Paper]) -> list[desk.Paper]:
    table.commit(NURSE, [paper.number for paper in papers])
    assert table.settle(NURSE, LONG_S)
    return table.papers(NURSE)


def kinds(store: Store) -> list[str]:
    with store.reading() as reader:
        return [batch.kind for batch in reader.batches()]


def test_a_file_is_read_without_being_kept_and_kept_when_it_is_committed(table, store):
    [paper] = brought(table, labs("8", "8.1.2"))
    assert (paper.ready, paper.review.counts["accepted"], paper.review.counts["rejected"]) == (True, 1, 1)
    assert kinds(store) == []
    [paper] = committed(table, [paper])
    assert (paper.state, paper.file.content, kinds(store)) == (DONE, b"", ["labs"])
    assert all(alert.words.startswith("P1: ") for alert in paper.review.raised) and paper.review.raised


def test_what_one_person_brings_another_neither_sees_nor_commits(table, store):
    [paper] = brought(table, labs("80"))
    table.commit(OTHER, [paper.number])
    table.put_away(OTHER, paper.number)
    table.read_again(OTHER, paper.number, AS_IT_IS)
    assert table.papers(OTHER) == []
    assert table.papers(NURSE) == [paper]
    assert kinds(store) == []


def test_a_commit_asked_for_many_times_at_once_is_done_once(table, store):
    [paper] = brought(table, labs("80"))
    asking = [threading.Thread(target=table.commit, args=(NURSE, [paper.number])) for _ in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert table.settle(NURSE, LONG_S)
    table.commit(NURSE, [paper.number])
    brought(table, labs("81", name="next.csv"))  # behind everything that was asked for before
    assert kinds(store) == ["labs"]
    with store.reading() as reader:
        assert [row.action for row in reader.audit_rows()].count(begun.BEGIN) == 1


def test_files_are_committed_children_first_then_events_then_results(table, store):
    children = Brought("c.csv", b"patient_id,name\nP1,Ann\n")
    events = Brought("e.csv", b"patient_id,kind,start\nP1,plasma,2026-03-01T08:00:00Z\n")
    committed(table, brought(table, labs("80"), events, children))
    assert kinds(store) == ["patients", "events", "labs"]


def test_what_is_being_committed_stays_on_the_desk_and_is_not_read_again(table, store):
    [paper] = brought(table, labs("80"))
    with store.writing():  # nobody else can write meanwhile
        table.commit(NURSE, [paper.number])
        table.put_away(NURSE, paper.number)
        table.read_again(NURSE, paper.number, AS_IT_IS)
        assert [each.state for each in table.papers(NURSE)] == [COMMITTING]
        assert not table.settle(NURSE, 0)
    assert table.settle(NURSE, LONG_S)
    assert [each.state for each in table.papers(NURSE)] == [DONE]
    table.put_away(NURSE, paper.number)
    assert table.papers(NURSE) == []


def test_a_file_that_cannot_be_read_can_be_put_away_and_never_committed(table, store):
    [paper] = brought(table, Brought("x.csv", b"\0\1\2"))
    assert paper.failed and paper.review.problem is not None
    assert committed(table, [paper]) == [paper]
    assert kinds(store) == []


def test_an_undecided_encoding_is_shown_in_each_and_read_in_the_one_that_is_chosen(table):
    content = "Patient;Datum;Analyt;Wert;Einheit;Notiz\nP1;2026-03-01 08:00;Thrombozyten;8;G/L;Größe\n".encode("cp1252")
    [paper] = brought(table, Brought("x.csv", content))
    tried = {each.encoding: each for each in paper.review.encodings}
    assert tried["cp1252"].lines == ((2, "P1;2026-03-01 08:00;Thrombozyten;8;G/L;Größe"),)
    assert tried["latin-1"].same_as == tried["cp1252"].words
    table.read_again(NURSE, paper.number, HowToRead(timezone="UTC", encoding="cp1252"))
    assert table.settle(NURSE, LONG_S)
    [paper] = table.papers(NURSE)
    assert paper.review.counts["accepted"] == 1
    assert ("Encoding", "cp1252, as you stated") in paper.review.recognized.facts


def test_undecided_dates_are_shown_read_both_ways_and_read_in_the_one_that_is_chosen(table):
    text = "Patient;Datum;Analyt;Wert;Einheit\nP1;01/03/2026 08:00;Thrombozyten;8;G/L\n"
    [paper] = brought(table, Brought("x.csv", text.encode()))
    assert paper.review.counts["review"] == 1
    assert "Dates" in paper.review.recognized.open
    day, month = paper.review.dates
    read = [[(text, f"{moment:%d %b %H:%M}") for text, moment in reading.moments] for reading in (day, month)]
    assert read == [[("01/03/2026 08:00", "01 Mar 08:00")], [("01/03/2026 08:00", "03 Jan 08:00")]]
    table.read_again(NURSE, paper.number, HowToRead(timezone="UTC", date_format=day.form))
    assert table.settle(NURSE, LONG_S)
    [line] = table.papers(NURSE)[0].review.rows.page(None, 0, 10)
    assert (line.decision, line.collected) == ("accepted", "1 Mar 2026 08:00")
    assert table.papers(NURSE)[0].review.recognized.open == frozenset()


def test_the_rows_of_a_file_can_be_looked_at_a_page_and_a_fate_at_a_time_and_add_up(table):
    [paper] = brought(table, labs(*(["80"] * 12 + ["8.1.2"] * 5)))
    rows = paper.review.rows
    assert {fate: len(places) for fate, places in rows.by_fate.items()} == {"rejected": 5, "accepted": 12}
    assert sum(map(len, rows.by_fate.values())) == len(rows) == paper.review.counts["read"]
    pages = [rows.page(None, first, 10) for first in (0, 10)]
    assert [line.row for page in pages for line in page] == [14, 15, 16, 17, 18, *range(2, 14)]
    assert rows.page("rejected", 0, 10) == pages[0][:5]
    assert pages[0][0].received == "P1,2026-03-01T12:00:00Z,platelets,8.1.2,10*9/L"


def test_a_desk_has_room_for_so_much(table, monkeypatch):
    monkeypatch.setattr(desk, "MOST_FILES", 2)
    brought(table, labs("80"), labs("81"))
    with pytest.raises(Refused, match="commit or put away"):
        table.bring(NURSE, labs("82"), AS_IT_IS)
    committed(table, table.papers(NURSE))
    table.bring(NURSE, labs("82"), AS_IT_IS)


def test_a_fault_of_khemon_is_told_and_keeps_nothing_and_the_next_file_is_read(table, store, monkeypatch):
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "previewed", broken)
        [paper] = brought(table, labs("80"))
    assert (paper.failed, paper.fault) == (True, "ZeroDivisionError")
    table.read_again(NURSE, paper.number, AS_IT_IS)
    assert table.settle(NURSE, LONG_S)
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "committed", broken)
        [paper] = committed(table, table.papers(NURSE))
    assert (paper.failed, paper.fault, kinds(store)) == (True, "ZeroDivisionError", [])


def test_a_fault_behind_the_commit_does_not_say_that_nothing_was_kept(table, store, monkeypatch):
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    papers = brought(table, labs("80"))
    monkeypatch.setattr(uploads, "_raised", broken)
    [paper] = committed(table, papers)
    assert paper.state == DONE
    with store.reading() as reader:
        assert [batch.batch for batch in reader.batches()] == [paper.review.batch]


# ---- after the end of a server --------------------------------------------------------------------------------


def test_the_next_server_says_that_a_commit_cut_off_before_its_end_kept_nothing(store):
    begun.note(store, NURSE, labs("80"), AS_IT_IS, "a server before", NOW)
    table = Desk(store, lambda: NOW)
    [left] = table.left_open(NURSE)
    assert (left.file, left.at, left.batch) == ("labs.csv", NOW, None)
    assert table.left_open(OTHER) == []
    table.told(NURSE, left.number)
    assert table.left_open(NURSE) == Desk(store, lambda: NOW).left_open(NURSE) == []


def test_the_next_server_says_that_a_commit_nobody_was_told_of_was_kept_whole(store):
    begun.note(store, NURSE, labs("80"), AS_IT_IS, "a server before", NOW)
    batch = uploads.committed(store, NURSE, labs("80"), AS_IT_IS, NOW).batch
    [left] = Desk(store, lambda: NOW).left_open(NURSE)
    assert left.batch == batch


def test_the_next_server_says_nothing_of_commits_that_were_told(table, store):
    for paper in committed(table, brought(table, labs("80"), labs("81", name="more.csv"))):
        table.shown(NURSE, paper.number)
        table.shown(NURSE, paper.number)
    table.close()
    assert Desk(store, lambda: NOW).left_open(NURSE) == []


def test_the_next_server_tells_of_a_commit_nobody_looked_at_before_the_last_one_stopped(table, store):
    [paper] = committed(table, brought(table, labs("80")))
    table.close()
    assert [left.batch for left in Desk(store, lambda: NOW).left_open(NURSE)] == [paper.review.batch]


def test_after_some_days_nobody_asks_any_more(store):
    begun.note(store, NURSE, labs("80"), AS_IT_IS, "a server before", NOW - begun.LOOKED_BACK - dt.timedelta(seconds=1))
    assert Desk(store, lambda: NOW).left_open(NURSE) == []


# ---- accounts -------------------------------------------------------------------------------------------------


def test_an_account_that_was_changed_since_it_brought_a_file_is_told_so_and_nothing_is_kept(table, store):
    ann = with_account(store, "Ann", ["clinician"])
    table.bring(ann, labs("80"), AS_IT_IS)
    assert table.settle(ann, LONG_S)
    [paper] = table.papers(ann)
    accounts.change_account(store, NURSE, "Ann", "moved to another ward", 1, roles=["viewer"])
    table.commit(ann, [paper.number])
    assert table.settle(ann, LONG_S)
    [paper] = table.papers(ann)
    assert paper.failed and "sign in again; nothing was changed" in str(paper.review.problem)
    assert kinds(store) == []


def test_who_signs_in_anew_finds_the_own_files_on_the_desk(table, store):
    ann = with_account(store, "Ann", ["clinician"])
    table.bring(ann, labs("80"), AS_IT_IS)
    assert table.settle(ann, LONG_S)
    later = ann.model_copy(update={"credential_version": ann.credential_version + 1})
    assert [paper.file.name for paper in table.papers(later)] == ["labs.csv"]


def test_a_fault_behind_the_commit_of_a_remembered_laboratory_does_not_say_that_nothing_was_kept(
    table, store, monkeypatch
):
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    with store.writing() as writer:
        writer.add_mapping("South", 'source = "South"\n', "d" * 64, "", actor=NURSE, reason="first", at_ms=1)
    how = HowToRead(timezone="UTC", source="South")
    text = "Patient;Date;Analyte;Result;Unit\nP1;2026-03-01 08:00;platelets;80;10*9/L\n"
    papers = brought(table, Brought("labs.csv", text.encode()), how=how)
    monkeypatch.setattr(uploads, "_raised", broken)
    [paper] = committed(table, papers)
    assert paper.state == DONE


def test_the_laboratorys_own_mark_and_a_new_patient_are_no_questions(table):
    [paper] = brought(table, labs("8 H", "9", "0", child="P9"))
    told = {line.text: line.remarked for line in paper.review.rows.page("accepted", 0, 9)}
    assert told == {"8 H": False, "9": False, "0": True}

"""`khemon import --watch`: real folders, a real process, killed and stopped; every file is imported once."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from khemon.actions.folder import Folder
from khemon.store import BatchRow, Store
from tests.shell import command, khemon, sqlite, started

HEAD = "patient_id,collected_at,analyte,value,unit\n"
QUICKLY = ("--every", "0.05")
#: A loaded machine starts slowly; a process that does nothing for longer than this hangs.
PATIENCE = 60 * 50


def labs(*values: str, child: str = "P1") -> str:
    rows = (f"{child},2026-03-01T{hour:02}:00:00Z,platelets,{text},10*9/L\n" for hour, text in enumerate(values))
    return HEAD + "".join(rows)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite(tmp_path)


def once(inbox: Path, url: str, *more: object):
    return khemon("import", "--watch", inbox, "--once", *QUICKLY, "--db", url, "--timezone", "UTC", "--json", *more)


def killed_before_the_move(*arguments: str) -> None:
    """A command that is killed when it has committed a file and not moved it yet."""
    Folder._moved = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
    command(*arguments)


class Watching:
    """A process that watches; stopped by its handle."""

    def __init__(self, inbox: Path, url: str, work: Callable[..., None]) -> None:
        self.errors = inbox.with_name("said")
        arguments = ("import", "--watch", inbox, *QUICKLY, "--db", url, "--timezone", "UTC")
        self.process = started(*arguments, cwd=inbox.parent, errors=self.errors, work=work)

    def said(self) -> str:
        """What it wrote to stderr so far."""
        return self.errors.read_text("utf-8")

    def until(self, happened: Callable[[], bool]) -> None:
        """Waits until something has happened while it runs."""
        for _ in range(PATIENCE):
            if happened():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
                if not happened():
                    raise AssertionError(f"the watch ended: {self.said()}")
        raise AssertionError("it did not happen")


@contextlib.contextmanager
def watching(inbox: Path, url: str, work: Callable[..., None] = command) -> Iterator[Watching]:
    """A watch, killed at the latest afterwards."""
    watch = Watching(inbox, url, work)
    try:
        yield watch
    finally:
        watch.process.kill()
        watch.process.ended(PATIENCE)


def batches(url: str) -> list[BatchRow]:
    store = Store(url)
    with store.reading() as reader:
        found = reader.batches()
    store.close()
    return found


def lying(folder: Path) -> set[str]:
    """The files in a folder and below, without what is hidden and the reports."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in found if not name.endswith(".report.json") and not Path(name).name.startswith(".")}


def report(path: Path) -> dict:
    return json.loads(path.with_name(f"{path.name}.report.json").read_text(encoding="utf-8"))


def test_files_are_imported_and_moved_with_a_report_beside_them(inbox, url):
    (inbox / "good.csv").write_text(labs("80"))
    (inbox / "held.csv").write_text(labs("81", "8.1.2", child="P2"))
    (inbox / "bad.csv").write_bytes(b"\0\1\2\n")
    said = once(inbox, url)
    assert said.code == 2
    assert lying(inbox) == {"done/good.csv", "done/held.csv", "refused/bad.csv"}
    held = report(inbox / "done" / "held.csv")
    assert (held["committed"], held["counts"]["accepted"], held["counts"]["rejected"]) == (True, 1, 1)
    assert [row["decision"] for row in held["rows"]] == ["accepted", "rejected"]
    assert set(report(inbox / "refused" / "bad.csv")["error"]) == {"where", "found", "remedy"}
    assert {each["moved_to"] for each in said.document["files"]} == lying(inbox)
    assert oct((inbox / "done" / "held.csv.report.json").stat().st_mode)[-3:] == "600"


def test_the_exit_code_of_one_look_is_that_of_an_import(inbox, url):
    assert once(inbox, url).code == 0
    (inbox / "good.csv").write_text(labs("80"))
    assert once(inbox, url).code == 0
    (inbox / "held.csv").write_text(labs("8.1.2"))
    assert once(inbox, url).code == 1


def test_children_come_before_events_and_events_before_results(inbox, url):
    (inbox / "a.csv").write_text(labs("80"))
    (inbox / "b.csv").write_text("patient_id,kind,start\nP1,plasma,2026-03-01T08:00:00Z\n")
    (inbox / "c.csv").write_text("patient_id,name\nP1,Ann\n")
    once(inbox, url)
    assert [batch.kind for batch in batches(url)] == ["patients", "events", "labs"]


def test_what_is_hidden_unfinished_a_link_or_no_file_stays_untouched(inbox, url, tmp_path):
    names = (".hidden.csv", "x.csv.part", "y.csv.tmp", "z.csv~", "w.CSV.PARTIAL")
    for name in names:
        (inbox / name).write_text(labs("80"))
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text(labs("80"))
    (inbox / "link.csv").symlink_to(elsewhere)
    (inbox / "lab-link").symlink_to(tmp_path)
    os.mkfifo(inbox / "pipe.csv")
    assert once(inbox, url).document == {"files": []}
    assert batches(url) == []
    assert {path.name for path in inbox.iterdir()} >= {*names, "link.csv", "pipe.csv"}


def test_a_file_whose_last_line_has_no_end_waits_longer_and_an_empty_one_as_well(inbox, url):
    from khemon.actions.folder import LOOKS, LOOKS_UNENDED, Folder
    from khemon.actions.import_files import Options
    from khemon.models import Actor

    (inbox / "cut.csv").write_text(labs("80").rstrip())
    (inbox / "empty.csv").write_text("")
    (inbox / "whole.csv").write_text(labs("80"))
    store = Store(url)
    folder = Folder(inbox, store, Actor(name="nurse", kind="local"), Options(now_ms=0, timezone="UTC"), lambda: 0)
    seen = [{found.path.name for found in folder.look()} for _ in range(LOOKS_UNENDED)]
    store.close()
    assert seen[: LOOKS - 1] == [set()] * (LOOKS - 1)
    assert seen[LOOKS - 1 : -1] == [{"whole.csv"}] * (LOOKS_UNENDED - LOOKS)
    assert seen[-1] == {"whole.csv", "cut.csv", "empty.csv"}


def test_a_file_that_grows_between_two_looks_waits_and_one_that_vanishes_is_forgotten(inbox, url):
    from khemon.actions.folder import Folder
    from khemon.actions.import_files import Options
    from khemon.models import Actor

    store = Store(url)
    folder = Folder(inbox, store, Actor(name="nurse", kind="local"), Options(now_ms=0, timezone="UTC"), lambda: 10**13)
    growing = inbox / "growing.csv"
    for values in (("80",), ("80", "81"), ("80", "81", "82")):
        growing.write_text(labs(*values))
        assert folder.look() == []
    [found] = folder.look()
    growing.write_text(labs("80", "81", "82", "83"))
    assert folder.take(found) is None
    assert batches(url) == []
    assert folder.look() == []
    [found] = folder.look()
    growing.unlink()
    assert folder.take(found) is None
    assert folder.look() == [] and folder.waiting == 0
    store.close()


def test_another_file_that_takes_the_place_of_the_one_just_imported_is_not_moved_away_unread(inbox, url, monkeypatch):
    from khemon.actions import folder as watched
    from khemon.actions.import_files import Options
    from khemon.models import Actor

    store = Store(url)
    folder = watched.Folder(
        inbox, store, Actor(name="nurse", kind="local"), Options(now_ms=0, timezone="UTC"), lambda: 10**13
    )
    (inbox / "labs.csv").write_text(labs("80"))
    folder.look()
    [found] = folder.look()
    write = watched.write_report

    def and_then_another_comes(path: Path, told: dict) -> None:
        write(path, told)
        (inbox / "next.part").write_text(labs("7"))
        (inbox / "next.part").rename(inbox / "labs.csv")

    with monkeypatch.context() as patch:
        patch.setattr(watched, "write_report", and_then_another_comes)
        assert folder.take(found) is None
    store.close()
    assert lying(inbox) == {"labs.csv"}
    once(inbox, url)
    assert [batch.counts["accepted"] for batch in batches(url)] == [1, 0]
    assert batches(url)[1].counts["conflict"] == 1


def test_the_same_name_again_is_kept_beside_the_first(inbox, url):
    for value in ("80", "81", "80"):
        (inbox / "labs.csv").write_text(labs(value))
        once(inbox, url)
    assert len(lying(inbox / "done")) == 3
    assert len(batches(url)) == 2


def test_a_sub_folder_is_a_laboratory_with_its_own_mapping(inbox, url):
    (inbox / "South Lab").mkdir()
    (inbox / "Plain").mkdir()
    mapping = 'source = "South"\ndate_format = "%d/%m/%Y %H:%M"\n'
    (inbox / "South Lab" / "mapping.toml").write_text(mapping)
    text = "Patient;Date;Analyte;Result;Unit\nP1;03/04/2026 08:00;platelets;80;10*9/L\n"
    (inbox / "South Lab" / "labs.csv").write_text(text)
    (inbox / "Plain" / "labs.csv").write_text(text)
    once(inbox, url)
    assert lying(inbox) == {"done/South Lab/labs.csv", "done/Plain/labs.csv", "South Lab/mapping.toml"}
    found = {batch.source: batch.counts for batch in batches(url)}
    assert (found["South"]["accepted"], found["Plain"]["review"]) == (1, 1)


def test_the_mapping_kept_for_a_laboratory_is_used_where_its_folder_has_none(inbox, url):
    from khemon.models import Actor

    store = Store(url)
    with store.writing() as writer:
        text = 'source = "South"\ndate_format = "%d/%m/%Y %H:%M"\n'
        actor = Actor(name="nurse", kind="local")
        writer.add_mapping("South", text, "d" * 64, "", actor=actor, reason="first", at_ms=1)
    store.close()
    (inbox / "South").mkdir()
    text = "Patient;Date;Analyte;Result;Unit\nP1;03/04/2026 08:00;platelets;80;G/L\n"
    (inbox / "South" / "labs.csv").write_text(text)
    once(inbox, url)
    assert [(batch.source, batch.counts["accepted"]) for batch in batches(url)] == [("South", 1)]


def test_a_file_of_another_layout_than_the_remembered_one_waits_for_a_person(inbox, url, tmp_path):
    text = "Patient;Date;Analyte;Result;Unit{more}\nP1;2026-03-01 08:00;platelets;80;10*9/L{more}\n"
    (tmp_path / "first.csv").write_text(text.format(more=""))
    (tmp_path / "south.toml").write_text('source = "South"\n')
    store = Store(url)
    with store.writing() as writer:
        writer.set_setting("timezone", "UTC")
    store.close()
    kept = ("--source", "South", "--like", tmp_path / "first.csv", "--reason", "first", "--db", url)
    remembered = khemon("mapping", "keep", tmp_path / "south.toml", *kept)
    assert remembered.code == 0, remembered.err
    (inbox / "South").mkdir()
    (inbox / "South" / "same.csv").write_text(text.format(more=""))
    (inbox / "South" / "other.csv").write_text(text.format(more=";Value 2").replace("2026-03-01", "2026-03-02"))
    once(inbox, url)
    found = {batch.file: batch.counts for batch in batches(url)}
    assert (found["same.csv"]["accepted"], found["other.csv"]["accepted"]) == (1, 0)


def test_a_mapping_that_is_none_leaves_the_files_of_its_laboratory_where_they_are(inbox, url):
    (inbox / "South").mkdir()
    (inbox / "South" / "mapping.toml").write_text("date_format = \n")
    (inbox / "South" / "labs.csv").write_text(labs("80"))
    (inbox / "labs.csv").write_text(labs("81"))
    said = once(inbox, url)
    assert said.code == 2
    assert "It stays, and is tried again" in said.err
    assert lying(inbox) == {"done/labs.csv", "South/labs.csv", "South/mapping.toml"}


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        (("--watch", "nowhere", "--once"), "there is no such folder"),
        (("--once",), "needs files, or a folder"),
        (("labs.csv", "--once"), "none is named"),
        (("labs.csv", "--watch", "."), "needs files, or a folder"),
        (("--watch", ".", "--dry-run"), "keeps nothing"),
        (("--watch", ".", "--json"), "prints one document"),
    ],
)
def test_options_that_do_not_go_together_are_refused(url, arguments, finding):
    said = khemon("import", *arguments, "--db", url, "--timezone", "UTC")
    assert (said.code, finding in said.err) == (2, True)


def test_a_watch_takes_files_as_they_come_and_ends_cleanly_on_a_signal(inbox, url):
    for number in (signal.SIGTERM, signal.SIGINT):
        with watching(inbox, url) as watch:
            for turn in range(2):
                name = f"{number}-{turn}.csv"
                (inbox / f"{name}.part").write_text(labs("80", child=name))
                (inbox / f"{name}.part").rename(inbox / name)
                watch.until(lambda name=name: f"done/{name}" in lying(inbox))
            watch.process.send_signal(number)
            assert watch.process.wait(PATIENCE) == 0
            assert watch.said().rstrip().endswith("stopped")
    assert len(batches(url)) == 4


def test_a_second_watch_on_the_folder_is_refused_and_the_first_goes_on(inbox, url):
    with watching(inbox, url) as watch:
        (inbox / "first.csv").write_text(labs("80"))
        watch.until(lambda: "done/first.csv" in lying(inbox))
        said = once(inbox, url)
        assert (said.code, "another khemon watches this folder" in said.err) == (2, True)
        (inbox / "second.csv").write_text(labs("81", child="P2"))
        watch.until(lambda: "done/second.csv" in lying(inbox))
    once(inbox, url)  # the lock went with the process that was killed


@pytest.mark.faults
def test_a_file_that_was_committed_and_not_moved_adds_nothing_and_is_reported_as_it_was(inbox, url):
    (inbox / "labs.csv").write_text(labs("80", "8.1.2"))
    with watching(inbox, url, killed_before_the_move) as watch:
        assert watch.process.wait(PATIENCE) == -signal.SIGKILL
    [batch] = batches(url)
    assert lying(inbox) == {"labs.csv"}
    said = once(inbox, url)
    assert said.code == 1
    assert batches(url) == [batch]
    assert lying(inbox) == {"done/labs.csv"}
    told = report(inbox / "done" / "labs.csv")
    assert (told["batch"], told["repeated"], told["counts"]["rejected"]) == (batch.batch, True, 1)
    assert [row["decision"] for row in told["rows"]] == ["accepted", "rejected"]


@pytest.mark.faults
def test_a_watch_killed_again_and_again_imports_every_file_once(inbox, url):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    names = [f"{number}.csv" for number in range(12)]
    for name in names:
        (inbox / name).write_text(labs("80", child=name))
    for _ in range(4):
        with watching(inbox, url) as watch:
            most = len(lying(inbox / "done")) if (inbox / "done").exists() else 0
            wanted = min(most + chance.randint(1, 3), len(names))
            watch.until(lambda wanted=wanted: (inbox / "done").exists() and len(lying(inbox / "done")) >= wanted)
    assert once(inbox, url).code == 0
    assert lying(inbox) == {f"done/{name}" for name in names}
    assert sorted(batch.file for batch in batches(url)) == sorted(names)
    assert khemon("check", "--db", url).code == 0

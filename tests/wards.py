"""A small ward for the tests of the pages: one child for each thing a page has to show, brought in as files."""

from __future__ import annotations

import csv
import datetime as dt
import io

from khemon.actions.import_files import Options, commit
from khemon.models import Actor
from khemon.rules.calendar import to_ms
from khemon.store import Store

TIMEZONE = "Europe/Berlin"
ACTOR = Actor(name="Tester", kind="demo")
HOSTILE = '<img src=x onerror="alert(1)"> **bold** [link](http://example.invalid) :red[x] $x$'
PATIENT_COLUMNS = ("patient_id", "name", "birth_date", "sex", "diagnosis", "ward", "on_ward_from", "followed_until")
LAB_COLUMNS = ("patient_id", "collected_at", "analyte", "value", "unit", "status", "quality")
EVENT_COLUMNS = ("patient_id", "kind", "start", "end", "dose", "unit", "note")
UNITS = {"platelets": "10*9/L", "fibrinogen": "g/L", "d_dimer": "mg/L{FEU}", "hemoglobin": "g/L", "sirolimus": "ng/mL"}


def text_of(columns: tuple[str, ...], rows: list[tuple]) -> bytes:
    """A canonical file; short rows are filled up."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([*row, *[""] * (len(columns) - len(row))] for row in rows)
    return out.getvalue().encode()


class Files:
    """The files of a ward as of a moment."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now.replace(second=0, microsecond=0)
        self.patients: list[tuple] = []
        self.labs: list[tuple] = []
        self.events: list[tuple] = []

    def at(self, hours_ago: float) -> str:
        return (self.now - dt.timedelta(hours=hours_ago)).isoformat()

    def child(self, patient_id: str, name: str, born: str = "2026-01-15", *, follow_up: bool = False) -> None:
        ward = ("", "", "2199-01-01") if follow_up else ("W1", self.at(24 * 100), "")
        self.patients.append((patient_id, name, born, "female", "KHE", *ward))

    def lab(
        self, patient_id: str, hours_ago: float, analyte: str, value: str, status: str = "", quality: str = ""
    ) -> None:
        self.labs.append((patient_id, self.at(hours_ago), analyte, value, UNITS[analyte], status, quality))

    def panel(self, patient_id: str, hours_ago: float, *values: str) -> None:
        """Platelets, fibrinogen, D-dimer, hemoglobin of one time; an empty text leaves one out."""
        for analyte, value in zip(UNITS, values, strict=False):
            if value:
                self.lab(patient_id, hours_ago, analyte, value)

    def event(self, patient_id: str, kind: str, hours_ago: float, until: float | None = None, *more: str) -> None:
        self.events.append((patient_id, kind, self.at(hours_ago), "" if until is None else self.at(until), *more))

    def brought(self) -> list[tuple[str, bytes]]:
        """Those files that hold something."""
        tables = (
            ("patients.csv", PATIENT_COLUMNS, self.patients),
            ("events.csv", EVENT_COLUMNS, self.events),
            ("labs.csv", LAB_COLUMNS, self.labs),
        )
        return [(name, text_of(columns, rows)) for name, columns, rows in tables if rows]


def rebound(files: Files, patient_id: str, last: tuple[str, ...] = ("44", "1.3", "6.4", "94")) -> None:
    """A durable response over ten weeks, then two low counts more than twelve hours apart."""
    files.panel(patient_id, 24 * 85, "23", "1.1", "9", "80")
    for week in range(11, 0, -1):
        files.panel(patient_id, 24 * 7 * week, "180", "2.4", "0.4", "115")
    files.panel(patient_id, 30, "81", "1.7", "3.2", "101")
    files.panel(patient_id, 5, *last)


def small_ward(now: dt.datetime) -> Files:
    """One child for each thing a page has to show."""
    files = Files(now)
    files.child("A-critical", "Ada Critical")
    files.panel("A-critical", 26, "9", "0.7", ">20", "77")
    files.panel("A-critical", 3, "<5", "<0.5", ">20", "74")
    files.event("A-critical", "sirolimus", 60, None, "0.8", "mg/m2", "twice daily")
    files.event("A-critical", "plasma", 20)
    files.child("B-rebound", "Bea Rebound")
    rebound(files, "B-rebound")
    files.child("C-stale", "Cem Stale")
    files.panel("C-stale", 24 * 4, "46", "1.2", "7.4", "95")
    files.child("D-missing", "Dan Missing")
    files.panel("D-missing", 6, "31", "1.2", "", "99")
    files.child("E-running", "Eva Running")
    files.panel("E-running", 24 * 20, "60", "1.2", "8", "90")
    for days in (12, 8, 4, 0.2):
        files.panel("E-running", 24 * days, "150", "2.2", "0.4", "110")
    files.child("F-clean", HOSTILE)
    files.panel("F-clean", 7, "260", "2.6", "0.3", "118")
    files.lab("F-clean", 50, "platelets", "12", "", "clumped")
    files.child("G-followed", "Gil Followed", follow_up=True)
    files.panel("G-followed", 24 * 9, "250", "2.6", "0.3", "118")
    return files


def bring(store: Store, files: Files, *, synthetic: bool = True) -> None:
    """Imports the files as a person would."""
    with store.writing() as writer:
        writer.set_setting("timezone", TIMEZONE)
        if synthetic:
            writer.set_setting("synthetic", "yes")
    for name, content in files.brought():
        commit(store, ACTOR, content, name, Options(now_ms=to_ms(files.now)))

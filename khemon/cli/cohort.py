"""The trial's table from a center's own children: cohort."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from khemon.cli.cohort_table import print_cohort, print_reproduction
from khemon.cli.options import (
    Db,
    Json,
    Zone,
    moment,
    name_of,
    now,
    now_ms,
    open_store,
    person,
    read_bytes,
    settings,
    stated_zone,
)
from khemon.cli.output import FOUND_A_PROBLEM, WRONG_USAGE, print_json, problem_document, say
from khemon.models import Refused
from khemon.rules.calendar import to_ms

if TYPE_CHECKING:
    from khemon.actions.cohort import Cohort, Selection
    from khemon.rules import Protocol
    from khemon.store import Store

Csv = Path | None
Names = list[str] | None
Text = str | None


class _When(NamedTuple):
    """Which moment, as known when, judged by what."""

    as_of: str | None
    known_at: str | None
    protocol: str | None


def cohort(
    labs: Annotated[Csv, typer.Option("--labs", help="Canonical labs.csv; without one, the store.")] = None,
    events: Annotated[Csv, typer.Option("--events", help="Canonical events.csv.")] = None,
    patients: Annotated[Csv, typer.Option("--patients", help="Canonical patients.csv.")] = None,
    as_of: Annotated[Text, typer.Option("--as-of", help="ISO 8601; else the latest in files, now for a store.")] = None,
    known_at: Annotated[Text, typer.Option("--known-at", help="ISO 8601, by recording; of a store.")] = None,
    protocol: Annotated[Text, typer.Option("--protocol", help="ward, trial or a protocol file.")] = None,
    by: Annotated[str, typer.Option("--by", help="Group by arm, lesion_class, sex, ward or all.")] = "arm",
    compare: Annotated[Text, typer.Option("--compare", help="FIRST,SECOND: two of the groups.")] = None,
    arm: Annotated[Names, typer.Option("--arm", help="Only this arm; may be repeated.")] = None,
    lesion_class: Annotated[Names, typer.Option("--lesion-class", help="Only this class; may be repeated.")] = None,
    ward: Annotated[Names, typer.Option("--ward", help="Only this ward; may be repeated.")] = None,
    diagnosed: Annotated[bool, typer.Option("--diagnosed", help="Only with KHE or tufted angioma recorded.")] = False,
    day0_from: Annotated[Text, typer.Option("--day0-from", help="Earliest day 0, as 2026-03-01.")] = None,
    day0_until: Annotated[Text, typer.Option("--day0-until", help="Latest day 0.")] = None,
    pdf: Annotated[Csv, typer.Option("--pdf", help="Print the report of a store into this new file too.")] = None,
    hide_few: Annotated[bool, typer.Option("--hide-few", help="In it: nothing of fewer than five children.")] = False,
    reproduce: Annotated[bool, typer.Option("--reproduce", help="Recompute the published differences.")] = False,
    timezone: Zone = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Endpoints by arm with intervals, from the store or from files: the trial's table from your own children."""
    from khemon.actions.cohort import Selection

    if reproduce:
        print_reproduction(as_json=as_json)
        return
    period = _date(day0_from, "--day0-from"), _date(day0_until, "--day0-until")
    arms, classes, wards = (tuple(each or ()) for each in (arm, lesion_class, ward))
    selection = Selection(by, arms, classes, wards, diagnosed, *period, _pair(compare))
    when = _When(as_of, known_at, protocol)
    _check_report(pdf, labs, hide_few=hide_few)
    if labs is not None:
        _finish(_of_files((labs, events, patients), selection, when, timezone, as_json=as_json), as_json=as_json)
    elif events is not None or patients is not None:
        raise Refused("--labs", "events or patients without results", "give --labs too, or none of them for the store")
    else:
        _finish(_of_store(db, selection, when, pdf, hide_few=hide_few), as_json=as_json)


def _check_report(pdf: Path | None, labs: Path | None, *, hide_few: bool) -> None:
    """Refused where there is nothing that could be printed, or hidden."""
    if pdf is not None and labs is not None:
        raise Refused("--pdf", "nobody could see later who took files along", "import them, and print from the store")
    if hide_few and pdf is None:
        raise Refused("--hide-few", "there is no report to hide counts in", "give --pdf FILE too")


def _finish(found: Cohort, *, as_json: bool) -> None:
    """Print a cohort; exit 1 when rows were not used."""
    if as_json:
        print_json(found.document)
    else:
        print_cohort(found.document)
    if not found.complete:
        say(f"{len(found.document['not_used'])} rows were not used; see not_used in --json")
        raise typer.Exit(FOUND_A_PROBLEM)


def _date(text: str | None, where: str) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError as error:
        raise Refused(where, f"{text!r} is no date", "write it as 2026-03-01") from error


def _pair(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    first, comma, second = (part.strip() for part in text.partition(","))
    if not (first and comma and second):
        raise Refused("--compare", f"{text!r} does not name two groups", "write it as FIRST,SECOND")
    return first, second


def _of_files(
    files: tuple[Path, Csv, Csv], selection: Selection, when: _When, timezone: str | None, *, as_json: bool
) -> Cohort:
    from khemon.actions.cohort import cohort_of_files
    from khemon.actions.evaluation import FileProblem, Source
    from khemon.rules import load_protocol

    if when.known_at is not None:
        raise Refused("--known-at", "files do not say when they were recorded", "leave it out, or ask the store")
    zone = stated_zone(timezone)
    moment_ms = None if when.as_of is None else to_ms(moment(when.as_of, zone or "UTC", "--as-of"))
    judged_by = load_protocol(when.protocol or "ward")
    try:
        labs, events, patients = (None if path is None else Source(name_of(path), read_bytes(path)) for path in files)
        assert labs is not None
        return cohort_of_files(labs, events, patients, judged_by, zone, selection, moment_ms, now_ms())
    except FileProblem as problem:
        if as_json:
            print_json(problem_document(problem.file, problem))
        say(f"{problem.file}: {problem.where}: {problem.found}. Remedy: {problem.remedy}")
        raise typer.Exit(WRONG_USAGE) from None


def _of_store(db: str | None, selection: Selection, when: _When, pdf: Path | None, *, hide_few: bool) -> Cohort:
    from khemon.actions.cohort import cohort_of_store
    from khemon.rules import load_protocol

    store = open_store(db)
    try:
        with store.reading() as reader:
            zone = reader.setting("timezone") or "UTC"
        as_of = None if when.as_of is None else moment(when.as_of, zone, "--as-of")
        known_at_ms = None if when.known_at is None else to_ms(moment(when.known_at, zone, "--known-at"))
        protocol = None if when.protocol is None else load_protocol(when.protocol)
        if pdf is not None:
            return _printed(store, selection, (as_of, known_at_ms, protocol), pdf, hide_few=hide_few)
        as_of_ms = None if as_of is None else to_ms(as_of)
        asked: dict[str, Any] = {"as_of_ms": as_of_ms, "known_at_ms": known_at_ms, "protocol": protocol}
        return cohort_of_store(store, person(), selection, now_ms=now_ms(), **asked)
    finally:
        store.close()


def _printed(
    store: Store,
    selection: Selection,
    when: tuple[dt.datetime | None, int | None, Protocol | None],
    place: Path,
    *,
    hide_few: bool,
) -> Cohort:
    """The cohort, of which a report was printed; the digest of the file on stderr."""
    from khemon.actions.cohort_report import cohort_report
    from khemon.actions.watch.cohort import CohortQuestion

    at, known_at_ms, protocol = when
    question = CohortQuestion(selection, at=at, known_at_ms=known_at_ms, protocol=protocol)
    how: dict[str, Any] = {"hide_few": hide_few, "place": place, "fonts": settings().print_fonts}
    made = cohort_report(store, person(), question, now(), **how)
    say(f"{place.name}: as of {made.cohort.document['as_of']}, sha256 {made.sha256}")
    return made.cohort


def add_to(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command()(cohort)

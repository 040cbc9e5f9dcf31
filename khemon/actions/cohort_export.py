"""The cohort as files: every endpoint of every child, and the numbers of each figure. On record before it leaves."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from khemon.actions.cohort import Cohort
from khemon.actions.cohort.few import FEW_WORDS, HIDDEN, few_in_share, few_measured, refuse_small_groups
from khemon.actions.permitted import permitted
from khemon.actions.watch.cohort.asked import CohortQuestion, answered, whom_of
from khemon.actions.watch.cohort.swims import swimmer_data
from khemon.actions.watch.setting import setting_of
from khemon.actions.whoami import person
from khemon.endpoints import catalog
from khemon.exporters.tables import csv_bytes
from khemon.models import Actor, Refused
from khemon.rules.calendar import to_ms
from khemon.store import Store

Row = dict[str, Any]
#: What can be taken along: its name, and the words of its link.
EXPORTS = {
    "children": "every endpoint of every child",
    "table": "the table",
    "weekly": "the platelets by week",
    "response": "the response curve",
    "rebound": "the rebound curve",
    "swimmer": "the bars of the children",
}
#: Exports in which a child stands by itself.
ONE_BY_ONE = ("children", "swimmer")
#: Exports that can do without what fewer than five children stand behind; the others show single ones.
CAN_HIDE = ("table", "weekly")


@permitted("export")
def cohort_csv(
    store: Store,
    actor: Actor,
    question: CohortQuestion,
    what: str,
    now: dt.datetime,
    *,
    with_ids: bool = False,
    hide_few: bool = False,
) -> bytes:
    """One of EXPORTS as CSV. A child stands under khemon's own number; with_ids: under its hospital number.

    The last columns of every row say as of when, by which protocol and of whom. hide_few: no number that fewer than
    five children stand behind; Refused for a file that shows single ones, and where a whole group is that small.
    """
    offered = CAN_HIDE if hide_few else tuple(EXPORTS)
    if what not in offered:
        found = f"there is no {what!r} of a cohort{' without small counts' if hide_few else ''}"
        raise Refused("export", found, f"use one of: {', '.join(offered)}")
    whom = whom_of(question, person(store, actor).wards)
    with store.reading() as reader:
        zone = setting_of(reader).zone
        cohort = answered(reader, question, now)
        numbers = reader.patient_numbers()
    called = {patient_id: patient_id if with_ids else str(number) for patient_id, number in numbers.items()}
    if hide_few:
        refuse_small_groups(cohort.document)
    rows = list(_rows(cohort, what, called, to_ms(question.moment(now, zone))))
    if hide_few:
        rows = [_without_few(row) for row in rows]
    content = _csv(rows, cohort.document, whom)
    told = {"what": what, "rows": len(rows), "hospital_numbers": with_ids and what in ONE_BY_ONE}
    told |= {"few_hidden": hide_few}
    told |= {"of": whom, "sha256": hashlib.sha256(content).hexdigest()}
    with store.writing() as writer:
        writer.audit(actor, "export_cohort", "cohort", told, to_ms(now))
    return content


def _csv(rows: list[Row], document: dict[str, Any], whom: str) -> bytes:
    protocol = document["protocol"]
    about = {
        "as_of": document["as_of"],
        "protocol": f"{protocol['name']} {protocol['version']}",
        "children": whom,
    }
    told = [row | about for row in rows]
    columns = list(told[0]) if told else list(about)
    return csv_bytes(columns, ([_text(row[name]) for name in columns] for row in told))


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)


def _rows(cohort: Cohort, what: str, called: Mapping[str, str], as_of_ms: int) -> Iterable[Row]:
    document = cohort.document
    if what == "children":
        return _children(document, called)
    if what == "table":
        return _table(document)
    if what == "weekly":
        return _weekly(document)
    if what == "swimmer":
        return _swimmer(cohort, called, as_of_ms)
    return _curve(document[f"time_to_{what}"])


def _children(document: dict[str, Any], called: Mapping[str, str]) -> Iterator[Row]:
    """One row per child and endpoint."""
    titles = {endpoint.name: endpoint.title for endpoint in catalog()}
    for child in document["patients"]:
        for name, answer in child["endpoints"].items():
            head = {"child": called[child["patient_id"]], "group": child["group"]}
            yield head | {"endpoint": name, "title": titles[name], **answer, "seen_until_day": child["seen_until_day"]}


_COUNTS = ("n", "met", "provisional", "not_assessable", "not_met", "proportion", "low", "high")
_BETWEEN = ("of", "minus", "difference", "low", "high", "fisher_p")


#: What a row says of its own group, and of the two that are compared; the size of the group is no secret.
_OF_GROUP = {"met", "provisional", "not_assessable", "not_met", "proportion", "low", "high"}
_OF_WEEK = {"n", "not_assessable", "median", "first_quartile", "third_quartile", "beyond", "censored"}


def _without_few(row: Row) -> Row:
    """A row without the numbers that tell of few children; that they are hidden stands in it."""
    hidden: set[str] = set()
    if row["few"]:
        hidden |= _OF_WEEK if "week" in row else _OF_GROUP
    if row.get("difference_few"):
        hidden |= {f"difference_{name}" for name in ("difference", "low", "high", "fisher_p")}
    marks = {name: HIDDEN for name in ("few", "difference_few") if row.get(name)}
    return {name: None if name in hidden else value for name, value in row.items()} | marks


def _table(document: dict[str, Any]) -> Iterator[Row]:
    """One row per endpoint and group, the comparison of two groups in each of them.

    few: a part of the group's number is fewer than five children; difference_few: of one of the groups' numbers.
    """
    for row in document["proportions"]:
        between, printed = row["difference"] or {}, row["published"] or {}
        any_few = bool(between) and any(map(few_in_share, row["groups"]))
        for group in row["groups"]:
            yield (
                {"endpoint": row["endpoint"], "title": row["title"], "group": group["group"]}
                | {name: group[name] for name in _COUNTS}
                | {f"difference_{name}": between.get(name) for name in _BETWEEN}
                | {"published": _printed(printed), "published_source": printed.get("source")}
                | {"few": _few_words(few_in_share(group)), "difference_few": _few_words(any_few)}
            )


def _printed(printed: dict[str, Any]) -> str:
    return ", ".join(f"{arm} {one['met']}/{one['n']}" for arm, one in printed.get("groups", {}).items())


def _weekly(document: dict[str, Any]) -> Iterator[Row]:
    for row in document["platelets"]:
        printed = ", ".join(f"{arm} {value}" for arm, value in (row["published_medians"] or {}).items())
        for group in row["groups"]:
            head = {"week": row["week"], "within_days": row["within_days"]}
            yield head | group | {"published_medians": printed, "few": _few_words(few_measured(group))}


def _few_words(few: bool) -> str:
    return FEW_WORDS if few else ""


def _curve(told: dict[str, Any]) -> Iterator[Row]:
    for group in told["groups"]:
        for step in group["curve"]:
            yield {"group": group["group"], **step}


def _swimmer(cohort: Cohort, called: Mapping[str, str], as_of_ms: int) -> Iterator[Row]:
    """One row per stretch or mark of a child."""
    for swim in swimmer_data(cohort, as_of_ms, "").swims:
        head = {"child": called[swim.patient_id], "group": swim.group}
        for span in swim.spans:
            yield head | {"what": span.kind, "first_day": span.first, "last_day": span.last}
        for mark in swim.marks:
            yield head | {"what": f"mark: {mark.kind}", "first_day": mark.day, "last_day": mark.day}

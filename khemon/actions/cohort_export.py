"""The cohort as files: every endpoint of every child, and the numbers of each figure. On record before it leaves."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from khemon.actions.cohort import Cohort
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


@permitted("export")
def cohort_csv(
    store: Store, actor: Actor, question: CohortQuestion, what: str, now: dt.datetime, *, with_ids: bool = False
) -> bytes:
    """One of EXPORTS as CSV. A child stands under khemon's own number; with_ids: under its hospital number.

    The last columns of every row say as of when, by which protocol and of whom.
    """
    if what not in EXPORTS:
        raise Refused("export", f"there is no {what!r} of a cohort", f"use one of: {', '.join(EXPORTS)}")
    whom = whom_of(question, person(store, actor).wards)
    with store.reading() as reader:
        zone = setting_of(reader).zone
        cohort = answered(reader, question, now)
        numbers = reader.patient_numbers()
    called = {patient_id: patient_id if with_ids else str(number) for patient_id, number in numbers.items()}
    rows = list(_rows(cohort, what, called, to_ms(question.moment(now, zone))))
    content = _csv(rows, cohort.document, whom)
    told = {"what": what, "rows": len(rows), "hospital_numbers": with_ids and what in ONE_BY_ONE}
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


def _table(document: dict[str, Any]) -> Iterator[Row]:
    """One row per endpoint and group, the comparison of two groups in each of them."""
    for row in document["proportions"]:
        between, printed = row["difference"] or {}, row["published"] or {}
        for group in row["groups"]:
            yield (
                {"endpoint": row["endpoint"], "title": row["title"], "group": group["group"]}
                | {name: group[name] for name in _COUNTS}
                | {f"difference_{name}": between.get(name) for name in _BETWEEN}
                | {"published": _printed(printed), "published_source": printed.get("source")}
            )


def _printed(printed: dict[str, Any]) -> str:
    return ", ".join(f"{arm} {one['met']}/{one['n']}" for arm, one in printed.get("groups", {}).items())


def _weekly(document: dict[str, Any]) -> Iterator[Row]:
    for row in document["platelets"]:
        printed = ", ".join(f"{arm} {value}" for arm, value in (row["published_medians"] or {}).items())
        for group in row["groups"]:
            yield {"week": row["week"], "within_days": row["within_days"], **group, "published_medians": printed}


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

"""The report of a cohort leaves as PDF: made from what the page says, on record with its digest before it is taken."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path

from khemon.actions.cohort import Cohort
from khemon.actions.cohort.few import refuse_small_groups
from khemon.actions.cohort_sheet import cohort_sheet
from khemon.actions.exporting import put_on_record, refuse_existing, write_files
from khemon.actions.permitted import permitted
from khemon.actions.watch.cohort.asked import CohortQuestion, answered, whom_of
from khemon.actions.watch.cohort.recomputed import recomputed
from khemon.actions.watch.cohort.view import view_of
from khemon.actions.whoami import person
from khemon.models import Actor
from khemon.reports import printed
from khemon.store import Store


@dataclass(frozen=True, slots=True)
class CohortReport:
    """A report that was printed, and the cohort it tells of."""

    content: bytes
    cohort: Cohort

    @property
    def sha256(self) -> str:
        """The digest that stands in the audit."""
        return hashlib.sha256(self.content).hexdigest()


@permitted("export")
def cohort_report(
    store: Store,
    actor: Actor,
    question: CohortQuestion,
    now: dt.datetime,
    *,
    with_ids: bool = False,
    hide_few: bool = False,
    place: Path | None = None,
    fonts: Path | None = None,
) -> CohortReport:
    """The report of a cohort, printed now (aware); into a new file where a place is given.

    with_ids: bars under hospital numbers instead of khemon's own. hide_few: nothing that fewer than five children
    stand behind; Refused where a whole group is that small. fonts: a folder with the site's own fonts.
    """
    if place is not None:
        refuse_existing(place)
    whom = whom_of(question, person(store, actor).wards)
    with store.reading() as reader:
        cohort = answered(reader, question, now)
        view = view_of(reader, cohort, question, whom, now)
        numbers = reader.patient_numbers()
    if hide_few:
        refuse_small_groups(cohort.document)
    called = {patient_id: patient_id if with_ids else str(number) for patient_id, number in numbers.items()}
    sheet = cohort_sheet(view, recomputed(), actor, now, called, hide_few=hide_few)
    made = CohortReport(printed(sheet, fonts), cohort)
    told = {"what": "report", "of": whom, "hospital_numbers": with_ids and not hide_few, "few_hidden": hide_few}
    put_on_record(store, actor, "export_cohort", "cohort", told | {"sha256": made.sha256}, now)
    if place is not None:
        write_files({place.name: (made.content, 1)}, place, folder=False)
    return made

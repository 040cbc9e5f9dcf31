"""What stands on every printed page, and a value as both pages print it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from khemon.actions.watch.cells import Cell
from khemon.actions.watch.flags import Flag
from khemon.actions.watch.setting import Setting
from khemon.figures.style import AXES
from khemon.figures.words import INTENDED_USE, MINUTE, SYNTHETIC_WORDS, date_words
from khemon.models import Actor
from khemon.reports import Heading, Latest, Said
from khemon.reports.contents import LONGEST_NAME, cut

#: A fact beside a name, such as a diagnosis, has so much room.
LONGEST_FACT = 60


def heading(
    name: str,
    facts: Sequence[str],
    setting: Setting,
    actor: Actor,
    times: tuple[dt.datetime, dt.datetime],
    damaged: Sequence[str] = (),
) -> Heading:
    """The heading of a sheet. times: as of when, and when it is printed (both aware)."""
    as_of, now = times
    notes = [SYNTHETIC_WORDS] if setting.synthetic else []
    if abs(now - as_of) >= MINUTE:
        notes.append(
            f"LOOKED BACK: results collected until {date_words(as_of, setting.zone)}. What alerts say, what people "
            "decided and what is held stand as they do at printing."
        )
    if damaged:
        told = f"Not shown, because what is stored of them is not what was written: {', '.join(damaged)}."
        notes.append(cut(told))
    return Heading(
        name=cut(name, LONGEST_NAME),
        facts=tuple(cut(fact, LONGEST_FACT) for fact in facts if fact),
        as_of=date_words(as_of, setting.zone),
        judged=f"Ward time ({setting.timezone}). Judged by {setting.protocol.called}.",
        printed=cut(f"Printed {date_words(now, setting.zone)} by {actor.name}", LONGEST_FACT),
        notes=tuple(notes),
        intended_use=INTENDED_USE,
    )


def said(flag: Flag) -> Said:
    """A flag as words."""
    return Said(flag.severity, cut(flag.word), cut(flag.why))


def latest(cell: Cell) -> Latest:
    """The latest value with flag, change and age, as on the screen."""
    axis = AXES[cell.analyte]
    told = (cell.change, cell.age, *cell.remarks)
    more = " · ".join(words for words in told if words)
    return Latest(f"{axis.title} {axis.unit}", cell.value, said(cell.flag), cut(more, LONGEST_FACT * 2), cell.stale)

"""What makes a tidy story a hospital's: versions, duplicates, spoiled samples, products, bleeding, closings."""

from __future__ import annotations

import dataclasses
import datetime as dt

from tests.reference import Event, Lab

from .pools import CLOSING, DAY, HOUR, MINUTE, POOLS, PRODUCTS, QUALITIES, SHORT_STEPS, STATUSES
from .story import Story

SUPPORT = 72 * HOUR


def add_trouble(story: Story) -> None:
    """Adds to a story, in measures drawn once per story, all that samples and wards are prone to."""
    rng = story.rng
    rate = rng.choice((0.0, 0.0, 0.05, 0.2))
    for lab in list(story.labs):
        if rng.random() < rate:
            spoil(story, lab)
        if rng.random() < rate:
            repeat(story, lab)
        if rng.random() < rate / 2:
            move_version(story, lab)
    for lab in rng.sample(story.labs, min(len(story.labs), rng.choice((0, 0, 1, 2, 4)))):
        add_product(story, lab)
    add_states(story)
    if rng.random() < 0.3:
        story.events.append(Event(rng.choice(CLOSING), some_time(story)))
        if rng.random() < 0.2:
            story.events.append(Event(rng.choice(CLOSING), some_time(story)))
    if rng.random() < 0.15:
        story.events.append(Event("response_documented", some_time(story)))


def spoil(story: Story, lab: Lab) -> None:
    """Makes a result preliminary, or sets or half sets it aside."""
    rng = story.rng
    if rng.random() < 0.5:
        changed = dataclasses.replace(lab, status=rng.choice(("preliminary", "preliminary", "corrected")))
    else:
        changed = dataclasses.replace(lab, quality=rng.choice(QUALITIES))
    if lab in story.labs:  # of two equal ones one may have been spoiled before
        story.labs[story.labs.index(lab)] = changed


def repeat(story: Story, lab: Lab) -> None:
    """Adds results of the same time: further versions, or another specimen; a basis or a comparator may differ."""
    rng = story.rng
    place = story.labs.index(lab) if lab in story.labs else None
    specimen = rng.choice((None, f"S{rng.randrange(100)}"))
    if specimen is not None and place is not None:
        story.labs[place] = dataclasses.replace(lab, specimen=specimen)
    for _ in range(rng.choice((1, 1, 2, 3))):
        other = story.result(lab.analyte, POOLS[lab.analyte]["any"], lab.collected_at)
        value = lab.value if rng.random() < 0.3 else other.value
        story.labs.append(
            dataclasses.replace(
                other,
                value=value,
                status=rng.choice(STATUSES),
                quality=rng.choice(QUALITIES) if rng.random() < 0.1 else "",
                specimen=rng.choice((specimen, specimen, None, "S1", "S2")),
            )
        )


def move_version(story: Story, lab: Lab) -> None:
    """Corrects a result's collection time: two versions of one specimen at two times."""
    if lab not in story.labs:
        return
    rng = story.rng
    named = dataclasses.replace(lab, specimen=f"M{len(story.labs)}")
    story.labs[story.labs.index(lab)] = named
    time = max(story.first, lab.collected_at + rng.choice((-1, 1)) * rng.choice(SHORT_STEPS))
    story.labs.append(dataclasses.replace(named, collected_at=time, status=rng.choice(STATUSES)))


def add_product(story: Story, lab: Lab) -> None:
    """Adds a product so that the result lies in its window, on an edge of it, or a minute outside."""
    rng = story.rng
    kind = rng.choice(PRODUCTS.get(lab.analyte, ("red_cell_transfusion", "exchange_transfusion")))
    lasting = rng.choice((None, dt.timedelta(0), HOUR, 6 * HOUR))
    into = rng.choice((dt.timedelta(0), -MINUTE, HOUR, 4 * HOUR, DAY, SUPPORT, SUPPORT + MINUTE))
    from_end = lasting is not None and into > HOUR
    start = lab.collected_at - into - (lasting if from_end and lasting is not None else dt.timedelta(0))
    story.events.append(Event(kind, start, None if lasting is None else start + lasting))


def add_states(story: Story) -> None:
    """Adds bleeding and symptoms of anemia, ended or going on."""
    rng = story.rng
    for kind in ("active_bleeding", "symptomatic_anemia"):
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
            start = some_time(story)
            lasting = rng.choice((None, dt.timedelta(0), HOUR, DAY, DAY + MINUTE, 3 * DAY))
            end = None if lasting is None else start + lasting
            if rng.random() < 0.3:
                later = [lab.collected_at for lab in story.labs if lab.collected_at >= start]
                end = rng.choice(later) if later else end
            story.events.append(Event(kind, start, end))


def some_time(story: Story) -> dt.datetime:
    """The time of a sample, or a little aside."""
    rng = story.rng
    times = [lab.collected_at for lab in story.labs]
    late = sorted(times)[-3:]
    aside = rng.choice((dt.timedelta(0), dt.timedelta(0), MINUTE, -MINUTE, 6 * HOUR, DAY + MINUTE))
    return rng.choice(rng.choice((times, late))) + aside

"""One history: the child, its samples and events, its zone, its protocol, and when it is looked at."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tests.reference import Child, Event, Lab, latest_time

from .pools import DAY, FIRST_DAYS, HOUR, MINUTE, ZONES
from .story import Story
from .trouble import add_trouble


@dataclass(frozen=True)
class History:
    """All that an evaluation of one child takes. Rows count from 2, as lines of a file with a header do."""

    seed: int
    child: Child
    labs: tuple[Lab, ...]
    events: tuple[Event, ...]
    zone: str
    protocol: str
    as_of: dt.datetime


def make_history(seed: int, zone: str | None = None, protocol: str | None = None) -> History:
    """The history of that seed: the same every time. Zone and protocol may be set, to put several into one file."""
    rng = random.Random(seed)
    zone = rng.choice(ZONES) if zone is None else zone
    protocol = rng.choice(("ward", "ward", "trial")) if protocol is None else protocol
    story = Story(rng, ZoneInfo(zone), rng.choice(FIRST_DAYS))
    story.tell()
    add_trouble(story)
    labs = in_order_of_arrival(rng, story.labs)
    events = tuple(rng.sample(story.events, len(story.events)))
    as_of = time_of_looking(rng, labs, events)
    return History(seed, make_child(rng, seed, story, as_of), labs, events, zone, protocol, as_of)


def in_order_of_arrival(rng: random.Random, labs: list[Lab]) -> tuple[Lab, ...]:
    """The results numbered as they arrive: mostly by time, sometimes in any order."""
    arriving = rng.sample(labs, len(labs))
    if rng.random() < 0.7:
        arriving.sort(key=lambda lab: lab.collected_at)
    return tuple(dataclasses.replace(lab, row=place + 2, recorded=place) for place, lab in enumerate(arriving))


def make_child(rng: random.Random, seed: int, story: Story, as_of: dt.datetime) -> Child:
    """A newborn whose age is about 29 days at a time that matters, an infant, or a child of unknown age."""
    first_day = story.first.astimezone(story.zone).date()
    diagnosis = rng.choice((None, "KHE", "KHE", "tufted angioma"))
    kind = rng.random()
    birth: dt.date | None = first_day - dt.timedelta(days=rng.randrange(40, 700))
    if kind < 0.2:
        birth = None
    elif kind < 0.45:
        birth = first_day - dt.timedelta(days=rng.randrange(0, 30))
    elif kind < 0.7:
        pivot = rng.choice([as_of, *(lab.collected_at for lab in story.labs)]).astimezone(story.zone).date()
        birth = min(first_day, pivot - dt.timedelta(days=rng.choice((28, 29))))
    return Child(f"P{seed:05d}", birth, diagnosis)


def time_of_looking(rng: random.Random, labs: tuple[Lab, ...], events: tuple[Event, ...]) -> dt.datetime:
    """Mostly the latest time of the input; else a day later, or somewhere in the middle, on or beside a sample."""
    latest = latest_time(labs, events)
    assert latest is not None
    kind = rng.random()
    if kind < 0.5:
        return latest
    aside = rng.choice((dt.timedelta(0), MINUTE, -MINUTE, HOUR, DAY, DAY + MINUTE))
    middle = rng.choice([lab.collected_at for lab in labs] + [event.start for event in events])
    return (latest if kind < 0.65 else middle) + aside

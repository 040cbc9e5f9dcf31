"""All of sections 3.1 to 3.6 for one child."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from .chart import Chart, utc
from .coagulopathy import pattern_episodes
from .points import criterion_episodes, point_episodes
from .rebound import rebound_episodes
from .records import Child, Episode, Event, Lab
from .runs import run_episodes


def latest_time(labs: Sequence[Lab], events: Sequence[Event]) -> dt.datetime | None:
    """The latest collection time, start or end in the input; None if it is empty."""
    times = [lab.collected_at for lab in labs]
    times += [time for event in events for time in (event.start, event.end) if time is not None]
    return max(map(utc, times), default=None)


def evaluate(
    labs: Sequence[Lab],
    events: Sequence[Event],
    child: Child,
    parameters: Mapping[str, int],
    zone: str,
    as_of: dt.datetime | None = None,
) -> list[Episode]:
    """The episodes of one child by rule, then onset; times in UTC. Without `as_of`: the latest time of the input."""
    as_of = as_of or latest_time(labs, events)
    if as_of is None:
        return []
    chart = Chart(labs, events, child, zone, as_of)
    gap_days = parameters["gap_days"]
    responses = run_episodes(chart, "durable_platelet_response", "platelets", gap_days)
    stabilizations = run_episodes(chart, "fibrinogen_stabilization", "fibrinogen", gap_days)
    rebounds = rebound_episodes(chart, responses)
    patterns = pattern_episodes(chart)
    louder = rebounds + [episode for episode in patterns if episode.rule == "kmp"]
    points = point_episodes(chart, louder)
    episodes = responses + stabilizations + rebounds + patterns + points + criterion_episodes(chart)
    return sorted(episodes, key=lambda episode: (episode.rule, episode.onset))

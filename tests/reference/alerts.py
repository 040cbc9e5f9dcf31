"""Section 4 read slowly: one child's acts replayed one by one, and what each makes of every alert."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from .alert_evidence import (
    LISTED,
    PATTERNS,
    band,
    evidence,
    inside,
    last_input,
    last_inside,
    opening,
    stood,
    true_limbs,
)
from .chart import RECENT, Chart
from .points import CRITERIA
from .records import Child, Episode, Event, Lab
from .runs import informative

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
LIVE = ("open", "acknowledged", "snoozed")
QUIET = ("acknowledged", "snoozed")
LOUD = ("note", "warning", "critical")
RUNS = ("durable_platelet_response", "fibrinogen_stabilization")
LEADING = {"consumptive_coagulopathy": "fibrinogen", "kmp": "platelets"}
WORSE_STATUS = {
    ("possible", "confirmed"),
    ("suspected", "confirmed"),
    ("isolated", "suspected"),
    ("isolated", "confirmed"),
}


@dataclass(frozen=True)
class Record:
    """What has been recorded of a child by now: results, when each was recorded, and events."""

    labs: tuple[Lab, ...]
    events: tuple[Event, ...]
    child: Child
    zone: str
    recorded_at: Mapping[int, dt.datetime]
    now: dt.datetime

    @cached_property
    def chart(self) -> Chart:
        """The child as of now."""
        return Chart(self.labs, self.events, self.child, self.zone, self.now)


@dataclass
class Alert:
    """One alert, the episode it tells of, and those it carries; `worst` is the worst that nobody has seen."""

    rule: str
    episode: Episode
    carried: list[Episode]
    worst: str
    state: str = "open"
    late: bool = False
    seen: bool = False
    until: dt.datetime | None = None
    acknowledged_at: dt.datetime | None = None
    gone_at: dt.datetime | None = None
    confirmation_acknowledged: bool = False
    reopened: frozenset[str] = frozenset()
    known: frozenset[int] = frozenset()
    covered: frozenset[int] = frozenset()
    floors: dict[str, int] = field(default_factory=dict)
    limbs: frozenset[str] = frozenset()

    @property
    def not_seen(self) -> bool:
        """Whether a critical ended before anybody opened it."""
        return self.state == "resolved" and self.worst == "critical" and not self.seen

    @property
    def lifted(self) -> bool:
        """Whether a transfusion ended it."""
        return self.state == "resolved" and self.episode.end_reason == "supported"


class Ledger:
    """All alerts of one child, brought up to date at each look."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def look(self, episodes: Sequence[Episode], record: Record) -> None:
        """Follows the episodes, which are those of this record as of its now."""
        chart = record.chart
        for rule in sorted({episode.rule for episode in episodes} | {alert.rule for alert in self.alerts}):
            own = sorted((e for e in episodes if e.rule == rule), key=lambda e: e.onset)
            stored = [alert for alert in self.alerts if alert.rule == rule]
            owners = self._owners(rule, stored, own, record, chart)
            for alert in self.alerts:
                carried = [e for e, owner in zip(own, owners, strict=True) if owner is alert]
                if carried and alert in stored:
                    follow(alert, carried, standing(carried[-1], own, chart), record, chart)
                elif carried:
                    begin(alert, carried, record, chart)
                elif alert.rule == rule and alert.state != "retracted":
                    alert.state, alert.gone_at, alert.reopened = "retracted", record.now, frozenset()

    def _owners(
        self, rule: str, stored: list[Alert], episodes: list[Episode], record: Record, chart: Chart
    ) -> list[Alert | None]:
        """For each episode its alert: one that carried it, that of the one within a week before, or a new one."""
        owners: list[Alert | None] = []
        # Of several that went, the one that went last is the one people knew.
        went = {id(a): a.gone_at.timestamp() for a in stored if a.state == "retracted" and a.gone_at is not None}
        order = sorted(stored, key=lambda a: (a.state not in LIVE, a.state == "retracted", -went.get(id(a), 0)))
        for place, episode in enumerate(episodes):
            owner = next((a for a in order if any(same(a, told, episode) for told in a.carried)), None)
            if owner is None and place and owners[-1] is not None and soon_after(chart, episodes[place - 1], episode):
                owner = owners[-1]
            if owner is None and standing(episode, episodes, chart) and not waiting(episode, record, chart):
                owner = Alert(rule, episode, [episode], episode.severity)
                self.alerts.append(owner)
            owners.append(owner)
        return owners

    def acknowledge(
        self, alert: Alert, record: Record, until: dt.datetime | None = None, *, snooze: bool = False
    ) -> bool:
        """Whether the alert may be acknowledged (or snoozed) until then; if so it is."""
        now = record.now
        usual, longest = lasting(alert)
        if alert.state not in LIVE or (until is not None and not now < until <= now + longest):
            return False
        alert.state, alert.reopened = "snoozed" if snooze else "acknowledged", frozenset()
        alert.until, alert.acknowledged_at, alert.seen = until or now + min(usual, longest), now, True
        alert.confirmation_acknowledged |= alert.episode.status == "confirmed"
        chart = record.chart
        alert.known = alert.covered = frozenset(record.recorded_at)
        alert.floors = {a: latest_band(alert.episode, chart, a) for a in LISTED[alert.rule]}
        alert.limbs = true_limbs(alert.rule, alert.episode, chart)
        return True

    def opened(self) -> None:
        """Somebody opens the child's page."""
        for alert in self.alerts:
            alert.seen = True

    def recorded_after_it_ended(self, episodes: Sequence[Episode], record: Record) -> list[Episode]:
        """The episodes that would have alerted, but had ended before all that opened them was recorded."""
        chart = record.chart
        found = []
        for episode in episodes:
            told = any(same(a, e, episode) for a in self.alerts if a.rule == episode.rule for e in a.carried)
            if episode.severity == "note" or episode.end is None or told:
                continue
            recorded = [record.recorded_at[reading.row] for reading in opening(episode, chart)]
            by_event = not recorded and episode.rule in CRITERIA
            if by_event or any(time >= episode.end for time in recorded):
                found.append(episode)
        return found


def lasting(alert: Alert) -> tuple[dt.timedelta, dt.timedelta]:
    """How long an acknowledgement lasts unless said otherwise, and at most."""
    if alert.rule in CRITERIA:
        return 24 * HOUR, 72 * HOUR
    if alert.rule != "kmp_rebound":
        return 7 * DAY, 30 * DAY
    first = alert.episode.status == "confirmed" and not alert.confirmation_acknowledged
    return (24 * HOUR if first else 7 * DAY), 72 * HOUR


def same(alert: Alert, told: Episode, found: Episode) -> bool:
    """Whether an episode overlaps one an alert carries; one that went was known until it went."""
    end = told.end
    if end is None and alert.state == "retracted" and alert.gone_at is not None:
        end = max(told.onset, alert.gone_at)
    return (found.end is None or told.onset <= found.end) and (end is None or found.onset <= end)


def soon_after(chart: Chart, earlier: Episode, later: Episode) -> bool:
    """Whether the later one opened within seven days of the end of the earlier one."""
    return earlier.end is not None and chart.days_between(earlier.end, later.onset) <= 7


def standing(episode: Episode, episodes: list[Episode], chart: Chart) -> bool:
    """Whether an episode alerts: more than a note and not over. A run that broke is news until the next one opens."""
    over = episode.end is not None
    if episode.rule in RUNS and episode.end_reason == "broken":
        over = episode is not episodes[-1] or chart.closed_at is not None
    return episode.severity != "note" and not over


def waiting(episode: Episode, record: Record, chart: Chart) -> bool:
    """Whether a companion is only missing so far: for four hours after the leading result was recorded."""
    return waited_until(record.now, episode, record, chart)


def waited(episode: Episode, record: Record, chart: Chart) -> bool:
    """Whether an episode waits, or ended while it did: it never had a say."""
    return waited_until(record.now if episode.end is None else min(record.now, episode.end), episode, record, chart)


def waited_until(until: dt.datetime, episode: Episode, record: Record, chart: Chart) -> bool:
    """Whether a companion was missing, and four hours had not passed by then."""
    if episode.rule not in PATTERNS or episode.status != "possible":
        return False
    looked, last = last_input(episode, chart), last_inside(episode, chart)
    known = {a: [r.time for r in chart.readings[a] if last.sees(r.time)] for a in LISTED[episode.rule]}
    missing = [analyte for analyte, times in known.items() if not any(time >= looked - RECENT for time in times)]
    leading = LEADING[episode.rule]
    led = stood(episode, chart, leading) + inside(episode, chart, leading)
    first = min((record.recorded_at[reading.row] for reading in led), default=None)
    return bool(missing) and first is not None and until < first + 4 * HOUR


def received_late(episode: Episode, record: Record, chart: Chart) -> bool:
    """Whether the newest of the evidence was older than 24 h when recorded, and no input of 24 h is known."""
    results = evidence(episode, chart)
    newest = max((reading.time for reading in results), default=None)
    recorded = [record.recorded_at[reading.row] for reading in results if reading.time == newest]
    late = newest is not None and max(recorded) - newest > RECENT
    return late and record.now - last_input(episode, chart) > RECENT


def begin(alert: Alert, carried: list[Episode], record: Record, chart: Chart) -> None:
    """A new alert tells of the last episode it carries."""
    alert.carried, alert.episode, alert.worst = carried, carried[-1], carried[-1].severity
    alert.late = received_late(alert.episode, record, chart)
    alert.limbs = true_limbs(alert.rule, alert.episode, chart)


def follow(alert: Alert, carried: list[Episode], stands: bool, record: Record, chart: Chart) -> None:
    """One alert with the episodes it carries now: met again, over, worse, expired, or as it was."""
    before = next((e for e in carried if same(alert, alert.episode, e)), None)
    stands = stands and (alert.state in LIVE or not waiting(carried[-1], record, chart))
    if alert.state == "retracted" and not stands:
        return
    told = [e for e in carried if e is before or (e.severity != "note" and not waited(e, record, chart))] or carried
    episode = carried[-1] if stands else told[-1]
    reasons = frozenset(reasons_to_open(alert, episode, before, carried, record, chart)) if stands else frozenset()
    was_live = alert.state in LIVE
    if was_live or stands:
        note_sight(alert, episode, anew=bool(reasons - {"expired"}))
    if reasons:
        if not was_live:
            alert.late = received_late(episode, record, chart)
        alert.confirmation_acknowledged &= before is episode
        alert.state, alert.reopened, alert.until, alert.acknowledged_at = "open", reasons, None, None
    elif not stands and was_live:
        alert.state, alert.reopened = "resolved", frozenset()
    alert.carried, alert.episode = carried, episode
    if alert.state in QUIET:
        alert.floors = {a: min(floor, deepest_band(episode, chart, a)) for a, floor in alert.floors.items()}
    if alert.state in LIVE:
        alert.limbs = true_limbs(alert.rule, episode, chart)
        listed = LISTED[alert.rule]
        alert.covered |= {r.row for a in listed for r in stood(episode, chart, a) + inside(episode, chart, a)}


def note_sight(alert: Alert, episode: Episode, *, anew: bool) -> None:
    """What was seen and is open anew, or severer than it was, was not seen as it is now."""
    rose = LOUD.index(episode.severity) > LOUD.index(alert.episode.severity)
    if alert.seen and (anew or rose):
        alert.seen, alert.worst = False, episode.severity
    else:
        alert.worst = max(alert.worst, episode.severity, key=LOUD.index)


def reasons_to_open(
    alert: Alert, episode: Episode, before: Episode | None, carried: list[Episode], record: Record, chart: Chart
) -> set[str]:
    """Why an alert whose episode stands is open again; empty when it stays as it is."""
    again = {"met again" if len(carried) > 1 else "met anew"}
    worse = worsened(alert, episode, chart) if alert.state in QUIET or before is episode else set()
    if alert.state == "retracted":
        return {"ground"}
    if alert.state == "resolved":
        return (worse or {"goes on"}) if before is episode else again
    if alert.state == "open" or alert.acknowledged_at is None:
        return set()
    opened_by = {reading.row for reading in opening(episode, chart)}
    if episode.onset > alert.acknowledged_at and not opened_by & alert.covered:
        return again | worse
    expired = alert.until is not None and record.now >= alert.until
    return worse or ({"expired"} if expired else set())


def worsened(alert: Alert, episode: Episode, chart: Chart) -> set[str]:
    """In which ways an episode is worse than when somebody last decided on it."""
    found = set()
    if LOUD.index(episode.severity) > LOUD.index(alert.episode.severity):
        found.add("severity")
    if (alert.episode.status, episode.status) in WORSE_STATUS:
        found.add("status")
    if true_limbs(alert.rule, episode, chart) - alert.limbs:
        found.add("limb")
    if alert.acknowledged_at is None:
        return found
    if alert.rule == "kmp_rebound" and alert.episode.status == episode.status == "suspected":
        # It was isolated in between where a good count follows a low one; one more good count changes nothing.
        counts = [sample for sample in informative(chart, "platelets") if sample.time >= episode.onset]
        mends = [later for earlier, later in pairwise(counts) if later.good and not earlier.good]
        found |= {"status"} if any(sample.reading.row not in alert.known for sample in mends) else set()
    for analyte in LISTED[alert.rule]:
        readings = stood(episode, chart, analyte) + inside(episode, chart, analyte)
        reached = [r for r in readings if r.row not in alert.known] + readings[-1:]
        if any(band(analyte, reading) > alert.floors.get(analyte, 0) for reading in reached):
            found.add("band")
    return found


def latest_band(episode: Episode, chart: Chart, analyte: str) -> int:
    """The band of the latest reading that stands in an episode."""
    readings = stood(episode, chart, analyte) + inside(episode, chart, analyte)
    return band(analyte, readings[-1]) if readings else 0


def deepest_band(episode: Episode, chart: Chart, analyte: str) -> int:
    """The deepest band among the readings that stand in an episode: what was withdrawn was never reached."""
    readings = stood(episode, chart, analyte) + inside(episode, chart, analyte)
    return max((band(analyte, reading) for reading in readings), default=0)


def muters(alert: Alert, episodes: Sequence[Episode], chart: Chart) -> frozenset[str]:
    """The rules that mute a live alert now: by an open episode of theirs with an input not older than 24 h."""
    found = set()
    for episode in episodes if alert.state in LIVE else ():
        fresh_limbs = true_limbs(episode.rule, episode, chart, fresh=True)
        possible_kmp = alert.rule == "kmp" and alert.episode.status == "possible"
        speaks = {
            "plasma_criterion": alert.rule == "severe_thrombocytopenia" and "platelets" in fresh_limbs,
            "red_cell_criterion": alert.rule == "severe_anemia" and "hemoglobin" in fresh_limbs,
            "kmp": alert.rule in ("consumptive_coagulopathy", "severe_thrombocytopenia")
            and episode.status == "confirmed",
            "kmp_rebound": alert.rule == "falling_platelets" or possible_kmp,
        }.get(episode.rule, False)
        if speaks and episode.end is None and chart.as_of - last_input(episode, chart) <= RECENT:
            found.add(episode.rule)
    return frozenset(found)

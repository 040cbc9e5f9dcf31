"""Section 4 read slowly: one child's acts replayed one by one, and what they make of each alert."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from .chart import RECENT, Chart, Moment, Reading, utc
from .points import CRITERIA, limbs
from .records import Child, Episode, Event, Lab

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
LOUD = ("note", "warning", "critical")
#: Bands, most harmless first: reaching one means being certainly below its limit.
BANDS: dict[str, tuple[Decimal, ...]] = {
    "platelets": (Decimal(100), Decimal(50), Decimal(30), Decimal(10)),
    "fibrinogen": (Decimal("1.6"), Decimal("1.0"), Decimal("0.5")),
    "hemoglobin": (Decimal(80), Decimal(60), Decimal(50)),
}
#: Rule -> the analytes whose bands speak for it.
READS: dict[str, tuple[str, ...]] = {
    "thrombocytopenia": ("platelets",),
    "severe_thrombocytopenia": ("platelets",),
    "severe_anemia": ("hemoglobin",),
    "plasma_criterion": ("platelets", "fibrinogen"),
    "red_cell_criterion": ("hemoglobin",),
    "consumptive_coagulopathy": ("fibrinogen",),
    "kmp": ("platelets", "fibrinogen"),
    "durable_platelet_response": ("platelets",),
    "kmp_rebound": ("platelets", "fibrinogen"),
}
#: Rule -> its leading analyte and the companions without which it can only be possible.
COMPANIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "consumptive_coagulopathy": ("fibrinogen", ("d_dimer",)),
    "kmp": ("platelets", ("fibrinogen", "d_dimer")),
}
SHORT_RULES = ("plasma_criterion", "red_cell_criterion")


@dataclass(frozen=True)
class Record:
    """What had been recorded of a child by a time: results with when each was recorded, and events."""

    labs: tuple[Lab, ...]
    events: tuple[Event, ...]
    child: Child
    zone: str
    recorded_at: Mapping[int, dt.datetime]

    def chart(self, now: dt.datetime) -> Chart:
        """The child as of now."""
        return Chart(self.labs, self.events, self.child, self.zone, now)


@dataclass
class Alert:
    """One alert and the episode it follows; `seen` once anybody opened it."""

    rule: str
    episode: Episode
    state: str = "open"
    met: int = 1
    late: bool = False
    after_end: bool = False
    seen: bool = False
    until: dt.datetime | None = None
    reopened: frozenset[str] = frozenset()
    muted_by: frozenset[str] = frozenset()
    confirmation_acknowledged: bool = False
    bands: dict[str, int] = field(default_factory=dict)
    known: frozenset[int] = frozenset()
    limbs: frozenset[str] = frozenset()

    @property
    def quiet(self) -> bool:
        """Whether somebody asked it to be quiet."""
        return self.state in ("acknowledged", "snoozed")

    @property
    def not_seen(self) -> bool:
        """Whether a critical ended before anybody opened it."""
        return self.state == "resolved" and self.episode.severity == "critical" and not self.seen

    @property
    def lifted(self) -> bool:
        """Whether a transfusion ended it."""
        return self.state == "resolved" and self.episode.end_reason == "supported"


class Ledger:
    """All alerts of one child, brought up to date at each act."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def review(self, episodes: Sequence[Episode], record: Record, now: dt.datetime) -> None:
        """Follows the episodes as they stand now; `episodes` are those evaluated as of now on this record."""
        chart = record.chart(now)
        for rule in sorted({episode.rule for episode in episodes} | {alert.rule for alert in self.alerts}):
            of_rule = sorted((e for e in episodes if e.rule == rule), key=lambda e: e.onset)
            self._follow(rule, of_rule, record, chart, now)
        for alert in self.alerts:
            alert.muted_by = muting(alert, episodes, chart) if alert.state not in ("resolved", "retracted") else frozenset()

    def _follow(self, rule: str, episodes: list[Episode], record: Record, chart: Chart, now: dt.datetime) -> None:
        """Gives each episode its alert, and each alert what its episodes make of it."""
        stored = [alert for alert in self.alerts if alert.rule == rule]
        carried: dict[int, list[Episode]] = {}
        previous: Alert | None = None
        before: Episode | None = None
        for episode in episodes:
            overlapped = [alert for alert in stored if overlap(alert.episode, episode)]
            alert = (live(overlapped) or overlapped or [None])[0]
            for other in overlapped:
                if other is not alert and not carried.get(id(other)):
                    other.state = "retracted"
            if alert is None and before is not None and previous is not None and soon_after(chart, before, episode):
                alert = previous
            if alert is None:
                alert = next((a for a in stored if soon_after(chart, a.episode, episode)), None)
            if alert is not None:
                carried.setdefault(id(alert), []).append(episode)
            elif speaks(episode) and not waiting(episode, record, chart, now):
                alert = self._raise(episode, record, chart, now)
            previous, before = alert or previous, episode
        for alert in stored:
            if carried.get(id(alert)):
                for episode in carried[id(alert)]:
                    step(alert, episode, record, chart, now)
            elif alert.state != "retracted":
                alert.state, alert.reopened = "retracted", frozenset()

    def _raise(self, episode: Episode, record: Record, chart: Chart, now: dt.datetime) -> Alert:
        """A new alert, or a line for what was over when it was recorded."""
        alert = Alert(episode.rule, episode)
        alert.after_end = over(episode)
        evidence = [row for role in ("onset", "confirm", "worsen") for row in episode.rows.get(role, ())]
        collected = {lab.row: utc(lab.collected_at) for lab in record.labs}
        alert.late = bool(evidence) and all(record.recorded_at[row] - collected[row] > RECENT for row in evidence)
        if alert.after_end:
            alert.state, alert.late = "resolved", False
        self.alerts.append(alert)
        return alert

    def acknowledge(
        self, alert: Alert, record: Record, now: dt.datetime, until: dt.datetime | None = None, *, snooze: bool = False
    ) -> bool:
        """Whether the alert could be acknowledged (or snoozed), and does so."""
        if alert.state in ("resolved", "retracted"):
            return False
        first_confirmation = (
            alert.rule == "kmp_rebound" and alert.episode.status == "confirmed" and not alert.confirmation_acknowledged
        )
        longest = 72 * HOUR if alert.rule in (*SHORT_RULES, "kmp_rebound") else 30 * DAY
        usual = 24 * HOUR if alert.rule in SHORT_RULES or first_confirmation else 7 * DAY
        if until is not None and not now < until <= now + longest:
            return False
        alert.until = until if until is not None else now + min(usual, longest)
        alert.state = "snoozed" if snooze else "acknowledged"
        alert.seen, alert.reopened = True, frozenset()
        alert.confirmation_acknowledged |= first_confirmation
        chart = record.chart(now)
        alert.bands = {analyte: band(analyte, chart.latest(analyte, Moment(now))) for analyte in READS[alert.rule]}
        alert.known = frozenset(lab.row for lab in record.labs)
        alert.limbs = true_limbs(alert.rule, chart, now)
        return True


def overlap(stored: Episode, found: Episode) -> bool:
    """Whether two episodes share a time; one without an end goes on."""
    return (found.end is None or stored.onset <= found.end) and (stored.end is None or found.onset <= stored.end)


def soon_after(chart: Chart, earlier: Episode, later: Episode) -> bool:
    """Whether the later one opened within seven days of the end of the earlier one."""
    return earlier.end is not None and later.onset >= earlier.end and chart.days_between(earlier.end, later.onset) <= 7


def live(alerts: list[Alert]) -> list[Alert]:
    """Those neither resolved nor retracted."""
    return [alert for alert in alerts if alert.state not in ("resolved", "retracted")]


def speaks(episode: Episode) -> bool:
    """Whether an episode is more than a note."""
    return episode.severity != "note"


def over(episode: Episode) -> bool:
    """Whether an episode has ended; a run that broke is news all the same."""
    return episode.end is not None and episode.end_reason != "broken"


def waiting(episode: Episode, record: Record, chart: Chart, now: dt.datetime) -> bool:
    """Whether a companion is only missing so far: four hours from when the leading result was recorded."""
    if episode.rule not in COMPANIONS or episode.status != "possible" or episode.end is not None:
        return False
    leading, companions = COMPANIONS[episode.rule]
    missing = [a for a in companions if not any(now - r.time <= RECENT for r in chart.readings[a])]
    if not missing:
        return False
    led = [r for r in chart.counted(leading) if r.time <= episode.onset]
    return bool(led) and now < record.recorded_at[led[-1].row] + 4 * HOUR


def step(alert: Alert, episode: Episode, record: Record, chart: Chart, now: dt.datetime) -> None:
    """One alert with one episode that it follows: met again, ended, worse, expired, or as it was."""
    was, same = alert.episode, overlap(alert.episode, episode)
    alert.episode = episode
    if not same:
        alert.met += 1
        alert.seen = False
    if over(episode) or not speaks(episode):
        alert.state, alert.reopened = "resolved", frozenset()
        return
    if not same or not live([alert]):
        alert.state, alert.until = "open", None
        alert.reopened = frozenset({"met_again"} if not same else {"returned"})
        return
    reasons = worsening(alert, was, episode, record, chart, now) if alert.quiet else set()
    if alert.quiet and alert.until is not None and now >= alert.until:
        reasons.add("expired")
    if reasons:
        alert.state, alert.until, alert.reopened = "open", None, frozenset(reasons)


def worsening(
    alert: Alert, was: Episode, episode: Episode, record: Record, chart: Chart, now: dt.datetime
) -> set[str]:
    """All reasons for which somebody has to look again."""
    reasons = set()
    if LOUD.index(episode.severity) > LOUD.index(was.severity):
        reasons.add("severity")
    if (was.status, episode.status) in {
        ("possible", "confirmed"),
        ("suspected", "confirmed"),
        ("isolated", "suspected"),
        ("isolated", "confirmed"),
    }:
        reasons.add("status")
    holding = true_limbs(alert.rule, chart, now)
    if holding - alert.limbs:
        reasons.add("limb")
    for analyte in READS[alert.rule]:
        new = [r for r in chart.readings[analyte] if r.row not in alert.known and r.time >= episode.onset]
        deepest = max((band(analyte, reading) for reading in new), default=0)
        if deepest > alert.bands[analyte]:
            reasons.add("band")
    return reasons


def band(analyte: str, reading: Reading | None) -> int:
    """How many of the analyte's limits a reading is certainly below."""
    return 0 if reading is None else sum(reading.value.below(limit) is True for limit in BANDS[analyte])


def true_limbs(rule: str, chart: Chart, now: dt.datetime) -> frozenset[str]:
    """The inputs of a criterion of 3.2 that are certainly met now."""
    if rule not in CRITERIA:
        return frozenset()
    limits, kind = CRITERIA[rule]
    names = set()
    for analyte, limit in limits.items():
        if any(answer is True for answer, _ in limbs(chart, {analyte: limit}, "", Moment(now))):
            names.add(analyte)
    if limbs(chart, {}, kind, Moment(now)):
        names.add(kind)
    return frozenset(names)


def muting(alert: Alert, episodes: Sequence[Episode], chart: Chart) -> frozenset[str]:
    """The rules that mute an alert now, each by an open episode with a fresh input."""
    now = Moment(chart.last)
    open_now = [episode for episode in episodes if episode.end is None]
    fresh = {a: chart.latest(a, now) for a in ("platelets", "fibrinogen", "d_dimer", "hemoglobin")}
    fresh = {a: r for a, r in fresh.items() if r is not None and chart.as_of - r.time <= RECENT}

    def certainly(analyte: str, limit: int) -> bool:
        return analyte in fresh and fresh[analyte].value.below(Decimal(limit)) is True

    muters = set()
    for episode in open_now:
        if episode.rule == "plasma_criterion" and alert.rule == "severe_thrombocytopenia" and certainly("platelets", 10):
            muters.add(episode.rule)
        if episode.rule == "red_cell_criterion" and alert.rule == "severe_anemia" and certainly("hemoglobin", 60):
            muters.add(episode.rule)
        quiet_by_kmp = alert.rule in ("consumptive_coagulopathy", "severe_thrombocytopenia")
        if episode.rule == "kmp" and episode.status == "confirmed" and quiet_by_kmp and "platelets" in fresh:
            muters.add(episode.rule)
        possible_kmp = alert.rule == "kmp" and alert.episode.status == "possible"
        if (
            episode.rule == "kmp_rebound"
            and (possible_kmp or alert.rule == "falling_platelets")
            and "platelets" in fresh
        ):
            muters.add(episode.rule)
    return frozenset(muters)

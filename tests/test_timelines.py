"""Children told day by day: every alert a ward has on every day, and the silence between."""

from __future__ import annotations

import re

import pytest

from khemon.actions.timelines import Timeline, WatchedTimeline, differences, load_timeline, our_timelines
from khemon.actions.timelines.form import TIMELINES
from khemon.actions.watch import timeline_sheets
from khemon.models import RulebookProblem
from khemon.rules import load_protocol
from khemon.store import Store
from khemon.ui.parts import definition_parts
from tests.shell import khemon
from tests.timeline_wards import StoredTimeline

#: What a ward asked about first.
ASKED = (
    "Well neonate with D-dimer 2.2",
    "Neonate with D-dimer 20",
    "Plasma every 12 h",
    "Transferred on plasma",
    "Fibrinogen never measured",
    "Platelets before surgery",
    "Fall on day 24 of 28",
    "Sirolimus held for infection",
    "Slow responder at 95-105",
    "FEU to DDU",
    "Corrected 8 to 80",
    "Result two days late",
    "History upload",
    "Never below 100",
    "Thrombocytosis settling",
    "Clumped three times",
    "`>20`",
    "`<0.6`",
    "Relapse on the sparse grid",
    "Bleeding without an end",
    "Isolated 95 after response",
)
#: Of a dozen days at most: everything that can happen happens in one of them.
BRIEF = [timeline for timeline in our_timelines() if timeline.last_day <= 12]
#: How often alerts of one child come before the ward, at most: more is a finding about the definitions.
BEARABLE_CALLS = 5
HOUR_MS = 3_600_000
DAY_1 = '["1", "open severe_thrombocytopenia confirmed warning", "open thrombocytopenia confirmed warning"]'
SHORT = """
title = "A count of 20"
story = "One count."
start = 2026-03-02
calls = 2
happens = [["0 07:00", "platelets 20, fibrinogen 2.2, d_dimer 0.4"]]
expect = [
  ["0", "open severe_thrombocytopenia confirmed warning", "open thrombocytopenia confirmed warning"],
  ["1", "open severe_thrombocytopenia confirmed warning", "open thrombocytopenia confirmed warning"],
]
"""


def named(title: str) -> Timeline:
    return next(timeline for timeline in our_timelines() if timeline.title == title)


def written(tmp_path, text: str):
    path = tmp_path / "short.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("timeline", our_timelines(), ids=lambda timeline: timeline.title)
def test_the_ward_has_the_alerts_told_on_every_day(timeline):
    assert differences(timeline) == []


@pytest.mark.parametrize("timeline", our_timelines(), ids=lambda timeline: timeline.title)
def test_a_store_has_the_same_alerts(timeline, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'khemon.db'}")
    assert differences(timeline, StoredTimeline(timeline, store)) == []
    store.close()


@pytest.mark.postgres
@pytest.mark.parametrize("timeline", BRIEF, ids=lambda timeline: timeline.title)
def test_a_store_on_postgresql_has_the_same_alerts(timeline, new_postgres):
    store = Store(new_postgres)
    assert differences(timeline, StoredTimeline(timeline, store)) == []
    store.close()


@pytest.mark.parametrize("title", ASKED)
def test_every_child_that_was_asked_about_is_told(title):
    assert named(title).story


def test_titles_are_given_once():
    titles = [timeline.title for timeline in our_timelines()]
    assert len(set(titles)) == len(titles) == len(list(TIMELINES.glob("*.toml")))


def test_every_rule_that_can_alert_does_so_in_some_timeline():
    alerting = {
        name
        for name, rule in load_protocol("ward").rules.items()
        if any(getattr(rule, field, None) in ("warning", "critical") for field in vars(rule) if "severity" in field)
        or any(getattr(rule, field, None) for field in ("raised", "breaks"))
    }
    told = {alert.rule for timeline in our_timelines() for day in timeline.expect for alert in day.alerts}
    assert told == alerting


def test_the_alerts_of_each_child_are_ones_a_ward_can_live_with():
    loud = {timeline.title: timeline.calls for timeline in our_timelines() if timeline.calls > BEARABLE_CALLS}
    assert not loud


class Hourly(WatchedTimeline):
    """Looks at the clock every hour and counts by itself how often an alert comes before the ward."""

    calls = 0
    shown: frozenset[int] = frozenset()

    def clock(self, now_ms: int) -> None:
        for hour_ms in range(self.now_ms or now_ms, now_ms, HOUR_MS):
            self._look(hour_ms)
        self._look(now_ms)

    def _look(self, now_ms: int) -> None:
        super().clock(now_ms)
        shown = frozenset(alert.alert_id for alert in self.found if alert.state == "open" and alert.muted_by is None)
        self.calls += len(shown - self.shown)
        self.shown = shown


@pytest.mark.parametrize("title", ["Neonate with D-dimer 20", "Transferred on plasma", "Bleed into the lesion"])
def test_a_clock_that_looks_every_hour_sees_the_same_calls(title):
    timeline = named(title)
    ward = Hourly(timeline)
    assert differences(timeline, ward) == []
    assert ward.calls == timeline.calls


# ---- the runner bites ------------------------------------------------------------------------------------------------


def test_the_short_timeline_is_right(tmp_path):
    assert differences(load_timeline(written(tmp_path, SHORT))) == []


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("confirmed warning", "possible warning", "day 0: expected, not found: open severe_thrombocytopenia possible"),
        ("confirmed warning", "confirmed critical", "day 0: expected, not found"),
        ("open severe", "acknowledged severe", "day 0: expected, not found: acknowledged severe"),
        ("confirmed warning", "confirmed warning, muted by kmp", "day 0: expected, not found"),
        ("confirmed warning", "confirmed warning (met again)", "expected because 'met again', found 'no reason'"),
        ('"open severe_thrombocytopenia confirmed warning", ', "", "day 0: found, not expected: open severe"),
        (DAY_1, '["1", "nothing"]', "day 1: found, not expected"),
        ('warning"],\n]', 'warning", { notes = ["kmp"] }],\n]', "day 1: notes: expected ['kmp'], found []"),
        ('warning"],\n]', 'warning", { ended = ["kmp"] }],\n]', "day 1: recorded after it ended: expected ['kmp']"),
        (
            'warning"],\n]',
            'warning", { says = { thrombocytopenia = "is 21" } }],\n]',
            "thrombocytopenia says: expected",
        ),
        ("calls = 2", "calls = 3", "calls: expected 3, found"),
        ('"]]\nexpect', '"], ["0 09:00", "acknowledge kmp"]]\nexpect', "there is no live alert of this rule"),
    ],
)
def test_one_wrong_expectation_is_told_with_its_day(tmp_path, right, wrong, says):
    assert right in SHORT
    lines = differences(load_timeline(written(tmp_path, SHORT.replace(right, wrong, 1))))
    assert any(says in line for line in lines), lines


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "where", "found"),
    [
        ('["0", "open', '["1", "open', "timeline short.toml", "day 0 is missing"),
        ('["1", "open', '["2", "open', "timeline short.toml", "day 1 is missing"),
        ('["1", "open', '["0", "open', "timeline short.toml", "day 0 is told twice"),
        ('["1", "open', '["3-2", "open', "timeline short.toml, expect, 3-2", "are no days"),
        ('["1", "open severe', '["1", "loud severe', "timeline short.toml, expect, 1", "is no alert"),
        ("open thrombocytopenia", "open thrombocytosis", "timeline short.toml", "no rule 'thrombocytosis'"),
        ('["1", "open', '["1", "nothing", "open', "timeline short.toml, expect, 1", "'nothing' beside an alert"),
        ('["1", "open severe', '["1"], ["2", "open severe', "timeline short.toml, expect, 1", "a day is"),
        ("0 07:00", "0 7:00", "timeline short.toml, happens, 0 7:00", "is no time of a timeline"),
        ("0 07:00", "1 13:00", "timeline short.toml", "after the last day that is told"),
        ("platelets 20", "platelets twenty", "timeline short.toml, happens, 0 07:00", "no number"),
        ("platelets 20", "thrombocytes 20", "timeline short.toml, happens, 0 07:00", "no rule reads"),
        ('0.4"]', '0.4"], ["0 06:00", "plasma"]', "timeline short.toml", "0 06:00: what happens is told in order"),
        ('0.4"]', '0.4"], ["0 09:00", "take back 0 08:00"]', "timeline short.toml", "nothing was told at 0 08:00"),
        ('0.4"]', '0.4", "more"]', "timeline short.toml, happens, 0 07:00", "what happens is [time, what]"),
        ("calls", "cals", "timeline short.toml", ""),
        ("story", "tale", "timeline short.toml", ""),
        ("start = 2026-03-02", 'start = "soon"', "timeline short.toml, start", ""),
        ("calls = 2", 'calls = 2\ntimezone = "Mars"', "timeline short.toml, timezone", "unknown time zone"),
        ("calls = 2", 'calls = 2\nprotocol = "none"', "timeline short.toml", "none"),
        ("calls = 2", "calls = ", "timeline short.toml", "not TOML"),
    ],
)
def test_a_timeline_that_cannot_be_read_is_refused_with_file_and_place(tmp_path, right, wrong, where, found):
    assert right in SHORT
    with pytest.raises(RulebookProblem) as refused:
        load_timeline(written(tmp_path, SHORT.replace(right, wrong, 1)))
    assert str(refused.value).startswith(where), refused.value
    assert found in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RulebookProblem, match="cannot be read"):
        load_timeline(tmp_path / "none.toml")


# ---- by command and on the page --------------------------------------------------------------------------------------


def test_conformance_runs_timelines_beside_cases(tmp_path):
    said = khemon("conformance", TIMELINES / "corrected-8-to-80.toml", TIMELINES.parent / "kmp.toml", "--json")
    assert said.code == 0
    assert said.document["files"][0]["cases"][0]["name"] == "Corrected 8 to 80"


def test_conformance_says_day_and_difference(tmp_path):
    wrong = SHORT.replace('["1", "open severe', '["1", "snoozed severe')
    said = khemon("conformance", written(tmp_path, wrong), "--json")
    assert said.code == 1
    assert "short.toml: A count of 20: day 1: expected, not found: snoozed severe_thrombocytopenia" in said.err


def test_conformance_refuses_a_timeline_with_a_day_missing(tmp_path):
    said = khemon("conformance", written(tmp_path, SHORT.replace('["1",', '["2",')), "--json")
    assert (said.code, "short.toml" in said.err, "day 1 is missing" in said.err) == (2, True, True)


def test_the_page_tells_every_day_and_everything_that_happens():
    sheets = timeline_sheets()
    assert len(sheets) == len(our_timelines())
    by_title = {timeline.title.replace("`", ""): timeline for timeline in our_timelines()}
    for sheet in sheets:
        timeline = by_title[sheet.title]
        assert [line.days for line in sheet.lines] == [expected.days for expected in timeline.expect]
        assert sum(len(line.happens) for line in sheet.lines) == len(timeline.happens)
        assert all(line.alerts for line in sheet.lines)


def test_the_page_shows_titles_stories_and_days():
    shown = str(definition_parts.timelines(timeline_sheets()))
    for words in ("Corrected 8 to 80", "&gt;20", "The ward hears nothing.", "0-9", "nothing", "muted by"):
        assert words in shown


def test_stories_are_short_sentences():
    for timeline in our_timelines():
        sentences = re.findall(r"[.!](?=\s|$)", timeline.story)
        assert 1 <= len(sentences) <= 3, timeline.title

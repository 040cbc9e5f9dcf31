"""The synthetic cohort shows the published counts, the demonstration ward shows its stories, the dirty set every fate.

The judge is the slow reading of the definitions in tests/reference, which knows nothing of the simulation.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import re
import statistics
from collections import Counter, defaultdict
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from khemon.importers import ReadOptions, read
from khemon.models import EVENT_KINDS, Actor
from khemon.simulate import (
    Cohort,
    demo_ward,
    simulate_cohort,
    simulate_dirty,
    simulate_parts,
    write_cohort,
    write_parts,
)
from khemon.simulate.numbers import LAW
from khemon.store import ImportMeta, Store
from tests.reference import PROTOCOLS, Child, Episode, Event, Lab, evaluate
from tests.shell import khemon

END = dt.datetime(2026, 11, 21, 8, 30, tzinfo=dt.UTC)
ZONE = "Europe/Berlin"
RULED = {"platelets", "fibrinogen", "d_dimer", "hemoglobin", "sirolimus"}
#: Durable responses by weeks 1-4 and ever, literal rebounds, fibrinogen stabilized by week 4 (Blood 2022;139(11):1619).
PUBLISHED = {"combination": ([9, 22, 31, 35], 37, 2, 27), "monotherapy": ([4, 12, 20, 24], 30, 6, 16)}
MEDIANS = {"combination": (29, 270), "monotherapy": (22, 208)}


@cache
def cohort(seed: int = 1, zone: str = ZONE) -> Cohort:
    return simulate_cohort(seed, END, timezone=zone)


@cache
def ward() -> Cohort:
    return demo_ward(END, 1, timezone=ZONE)


def time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def episodes(
    made: Cohort, protocol: str = "ward", zone: str = ZONE, as_of: dt.datetime = END
) -> dict[str, list[Episode]]:
    """What the definitions say about each child, read slowly."""
    labs: dict[str, list[Lab]] = defaultdict(list)
    events: dict[str, list[Event]] = defaultdict(list)
    for number, row in enumerate(made.labs):
        comparator, value = re.fullmatch(r"([<>]=?)?(.+)", row.value).groups()
        basis = ("FEU" if "{FEU}" in row.unit else "unknown") if row.analyte == "d_dimer" else ""
        labs[row.patient_id].append(
            Lab(
                number,
                row.analyte,
                time(row.collected_at),
                comparator or "",
                Decimal(value),
                basis,
                row.status,
                row.quality,
                row.specimen_id or None,
                number,
            )
        )
    for event in made.events:
        end = time(event.end) if event.end else None
        events[event.patient_id].append(Event(event.kind, time(event.start), end))
    said = {}
    for patient in made.patients:
        child = Child(patient.patient_id, dt.date.fromisoformat(patient.birth_date), patient.diagnosis or None)
        mine, happened = labs[patient.patient_id], events[patient.patient_id]
        said[patient.patient_id] = evaluate(mine, happened, child, PROTOCOLS[protocol], zone, as_of)
    return said


def week_of(onset: dt.datetime, day0: str, zone: str) -> float:
    days = onset.astimezone(ZoneInfo(zone)).date() - time(day0).astimezone(ZoneInfo(zone)).date()
    return days.days / 7


def counts(made: Cohort, protocol: str, zone: str) -> dict[str, tuple[list[int], int, int, int]]:
    """Durable responses by weeks 1-4, ever, children with a rebound, fibrinogen stabilized by week 4, by arm."""
    said = episodes(made, protocol, zone)
    found = {}
    for arm in PUBLISHED:
        weeks, ever, rebound, stabilized = [0, 0, 0, 0], 0, 0, 0
        for patient in (p for p in made.patients if p.arm == arm):
            mine = [e for e in said[patient.patient_id] if e.confirmed_at is not None or e.rule == "kmp_rebound"]
            onsets = [e.onset for e in mine if e.rule == "durable_platelet_response"]
            fibrinogen = [e.onset for e in mine if e.rule == "fibrinogen_stabilization"]
            rebound += any(e.rule == "kmp_rebound" for e in mine)
            ever += bool(onsets)
            stabilized += bool(fibrinogen) and week_of(min(fibrinogen), patient.day0, zone) <= 4
            for week in range(4):
                weeks[week] += bool(onsets) and week_of(min(onsets), patient.day0, zone) <= week + 1
        found[arm] = (weeks, ever, rebound, stabilized)
    return found


@pytest.mark.parametrize("protocol", ["ward", "trial"])
def test_the_default_cohort_shows_the_published_counts(protocol):
    assert counts(cohort(), protocol, ZONE) == PUBLISHED


@pytest.mark.parametrize(
    ("seed", "written", "evaluated"), [(2, "Asia/Shanghai", "UTC"), (46, "UTC", "Pacific/Auckland")]
)
def test_another_seed_and_another_time_zone_show_the_same_counts(seed, written, evaluated):
    assert counts(cohort(seed, written), "ward", evaluated) == PUBLISHED


def test_a_rebound_is_seen_once_and_recovers_or_is_still_watched():
    said = episodes(cohort())
    rebounds = [e for mine in said.values() for e in mine if e.rule == "kmp_rebound"]
    assert len(rebounds) == 8
    assert {e.status for e in rebounds} == {"confirmed"}
    assert {e.end_reason for e in rebounds} <= {"recovered", None}


def test_no_counted_response_rests_on_a_supported_count():
    made = cohort()
    windows = defaultdict(list)
    for event in made.events:
        if event.kind in ("platelet_transfusion", "exchange_transfusion"):
            windows[event.patient_id].append((time(event.start), time(event.end) + dt.timedelta(hours=72)))
    good = [r for r in made.labs if r.analyte == "platelets" and int(r.value) >= 100]
    assert windows
    assert not [r for r in good if any(a <= time(r.collected_at) <= b for a, b in windows[r.patient_id])]


def test_no_counted_responder_is_given_up_or_treated_otherwise_before_week_four():
    made = cohort()
    said = episodes(made)
    for patient in made.patients:
        responded = any(e.rule == "durable_platelet_response" and e.confirmed_at for e in said[patient.patient_id])
        drugs = [e for e in made.events if e.patient_id == patient.patient_id and e.kind == "prednisolone"]
        if responded and patient.arm == "monotherapy":
            assert not drugs
        if patient.arm == "combination":  # one course: taper steps follow on each other
            assert drugs[0].start[:10] == patient.day0[:10]
            assert all(one.end == then.start for one, then in itertools.pairwise(drugs))
        if patient.discontinued_at:
            assert (time(patient.discontinued_at) - time(patient.day0)).days > 28


@pytest.mark.parametrize("seed", [1, 2, 63, 196])
def test_the_medians_of_weeks_one_and_four_lie_near_the_published_ones(seed):
    made = cohort(seed)
    zone = ZoneInfo(ZONE)
    for arm, published in MEDIANS.items():
        for day, target in zip((7, 28), published, strict=True):
            nearest = []
            for patient in (p for p in made.patients if p.arm == arm):
                day0 = time(patient.day0).astimezone(zone).date()
                mine = [
                    (
                        abs((time(r.collected_at).astimezone(zone).date() - day0).days - day),
                        r.collected_at,
                        int(r.value),
                    )
                    for r in made.labs
                    if r.patient_id == patient.patient_id and r.analyte == "platelets"
                ]
                nearest.append(min(mine)[2])
            assert statistics.median(nearest) == pytest.approx(target, rel=0.10)


def arm_counts(made: Cohort, kind: str, note: str = "") -> dict[str, int]:
    arms = {p.patient_id: p.arm for p in made.patients}
    children = {e.patient_id for e in made.events if e.kind == kind and note in e.note}
    return dict(Counter(arms[child] for child in children))


def last_minus_first(made: Cohort, kind: str, note: str) -> dict[str, tuple[float, float]]:
    values: dict[str, dict[str, float]] = defaultdict(dict)
    for event in made.events:
        if event.kind == kind:
            values[event.patient_id][event.note] = float(event.dose)
    return {child: (v["baseline"], v[note]) for child, v in values.items() if note in v}


def test_the_other_outcomes_have_the_published_counts():
    made = cohort()
    arms = {p.patient_id: p.arm for p in made.patients}
    assert arm_counts(made, "sequela") == {"combination": 4, "monotherapy": 12}
    assert arm_counts(made, "discontinuation", "lack of efficacy") == {"combination": 1, "monotherapy": 5}
    assert sum(arm_counts(made, "discontinuation", "family").values()) == 1
    scores = last_minus_first(made, "quality_of_life", "month 12")
    improved = Counter(arms[child] for child, (first, last) in scores.items() if last - first >= 4.5)
    assert improved == {"combination": 33, "monotherapy": 28}
    volumes = last_minus_first(made, "lesion_volume", "month 12")
    change = {child: 100 * (last - first) / first for child, (first, last) in volumes.items()}
    assert len(change) == 66
    assert Counter(arms[c] for c, x in change.items() if x <= -20) == {"combination": 34, "monotherapy": 29}
    assert Counter(arms[c] for c, x in change.items() if x <= -75) == {"combination": 30, "monotherapy": 21}
    products = Counter(arms[e.patient_id] for e in made.events if e.kind in PRODUCTS)
    assert products == {"combination": 52, "monotherapy": 90}
    sexes = Counter(p.sex for p in made.patients)
    assert (sexes["female"], sexes["male"]) == (35, 38)


def test_fifteen_children_pause_sirolimus_for_three_to_28_days_and_seven_have_their_dose_reduced():
    courses: dict[str, list] = defaultdict(list)
    for event in cohort().events:
        if event.kind == "sirolimus":
            courses[event.patient_id].append(event)
    pauses = {
        child: (time(then.start).date() - time(one.end).date()).days
        for child, mine in courses.items()
        for one, then in itertools.pairwise(mine)
        if then.start != one.end
    }
    assert len(pauses) == 15
    assert all(3 <= days <= 28 for days in pauses.values())
    assert sum(any(e.dose == "0.5" for e in mine) for mine in courses.values()) == 7


PRODUCTS = {"plasma", "cryoprecipitate", "red_cell_transfusion", "platelet_transfusion"}


def test_the_same_seed_and_end_give_the_same_bytes(tmp_path):
    first = write_cohort(demo_ward(END, 7, timezone=ZONE), tmp_path / "a")
    second = write_cohort(demo_ward(END, 7, timezone=ZONE), tmp_path / "b")
    other = write_cohort(demo_ward(END, 8, timezone=ZONE), tmp_path / "c")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert first[-1].read_bytes() != other[-1].read_bytes()


@pytest.mark.parametrize("patients", [1, 2, 10, 200])
def test_a_cohort_of_any_size_can_be_made(patients):
    made = simulate_cohort(3, END, patients)
    assert len({p.patient_id for p in made.patients}) == patients
    assert {r.patient_id for r in made.labs} == {p.patient_id for p in made.patients}


def test_an_end_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="without an offset"):
        simulate_cohort(1, dt.datetime(2026, 11, 21))  # noqa: DTZ001


@pytest.mark.parametrize("made", [cohort, ward])
def test_nothing_lies_after_the_end_or_before_birth_or_without_offset(made):
    births = {p.patient_id: p.birth_date for p in made().patients}
    for row in made().labs:
        collected, resulted = time(row.collected_at), time(row.resulted_at)
        assert collected.utcoffset() is not None
        assert collected < resulted <= END
        assert row.collected_at[:10] >= births[row.patient_id]
    for event in made().events:
        assert event.kind in EVENT_KINDS
        assert time(event.start) <= END
        assert not event.end or time(event.start) <= time(event.end) <= END
    keys = Counter((e.patient_id, e.kind, e.start) for e in made().events)
    assert max(keys.values()) == 1


def test_the_youngest_data_are_hours_old():
    latest = sorted((time(r.collected_at) for r in cohort().labs), reverse=True)
    assert dt.timedelta(hours=1) < END - latest[0] < dt.timedelta(hours=8)


def test_the_demonstration_has_a_full_ward_some_children_in_follow_up_and_an_archive():
    now = END
    on_ward = [p for p in ward().patients if not p.on_ward_until or time(p.on_ward_until) > now]
    followed = [p for p in ward().patients if p not in on_ward and time(p.followed_until) > now]
    assert 10 <= len(on_ward) <= 14
    assert 18 <= len(followed) <= 22
    assert len(ward().patients) - len(on_ward) - len(followed) > 50
    assert all(time(p.on_ward_from) <= now for p in on_ward)
    assert all("Synthetic" in p.name for p in ward().patients)
    assert not any(p.arm for p in on_ward)


#: Child, rule, what is open at the end.
STORIES = [
    ("SYN-W01", "plasma_criterion", "confirmed critical"),
    ("SYN-W01", "kmp", "confirmed critical"),
    ("SYN-W02", "kmp", "confirmed critical"),
    ("SYN-W02", "severe_thrombocytopenia", "confirmed warning"),
    ("SYN-W02", "plasma_criterion", ""),
    ("SYN-W03", "kmp", "confirmed critical"),
    ("SYN-W03", "red_cell_criterion", "confirmed critical"),
    ("SYN-W04", "durable_platelet_response", "provisional note"),
    ("SYN-W05", "kmp_rebound", "suspected warning"),
    ("SYN-W06", "kmp_rebound", "confirmed critical"),
    ("SYN-W06", "kmp", "confirmed critical"),
    ("SYN-W07", "kmp_rebound", "isolated note"),
    ("SYN-W08", "kmp", "confirmed critical"),
    ("SYN-W09", "kmp", "possible critical"),
    ("SYN-W10", "kmp", "possible critical"),
    ("SYN-W11", "plasma_criterion", "confirmed critical"),
    ("SYN-W12", "durable_platelet_response", "confirmed note"),
    ("SYN-W12", "kmp_rebound", ""),
    ("SYN-W12", "kmp", ""),
    ("000417-SYN", "kmp", "confirmed critical"),
    ("SYN-W14", "elevated_d_dimer", "confirmed note"),
    ("SYN-W14", "kmp", ""),
    ("SYN-F01", "durable_platelet_response", "confirmed note"),
]


@cache
def ward_episodes() -> dict[str, list[Episode]]:
    return episodes(ward())


@pytest.mark.parametrize(("child", "rule", "expected"), STORIES)
def test_a_child_on_the_demonstration_ward_shows_its_story(child, rule, expected):
    found = [f"{e.status} {e.severity}" for e in ward_episodes()[child] if e.rule == rule and e.end is None]
    assert found == ([expected] if expected else [])


def test_the_stories_hold_at_any_hour_of_the_day():
    for hours in (1, 7, 13, 19):
        end = END - dt.timedelta(hours=hours)
        made = demo_ward(end, hours, timezone="America/New_York")
        told = Cohort(
            tuple(p for p in made.patients if p.patient_id in {s[0] for s in STORIES}),
            tuple(r for r in made.labs if r.patient_id in {s[0] for s in STORIES}),
            tuple(e for e in made.events if e.patient_id in {s[0] for s in STORIES}),
        )
        said = episodes(told, zone="America/New_York", as_of=end)
        for child, rule, expected in STORIES:
            found = [f"{e.status} {e.severity}" for e in said[child] if e.rule == rule and e.end is None]
            assert found == ([expected] if expected else []), (hours, child, rule)


def test_the_written_files_are_read_without_a_row_held(tmp_path):
    for path in write_cohort(ward(), tmp_path):
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        assert len({len(row) for row in rows}) == 1
        reading = read(path.read_bytes(), path.name, options())
        assert not [r for r in all_rows(reading) if r.decision != "accepted"]
        assert len(all_rows(reading)) == len(rows) - 1


def options() -> ReadOptions:
    return ReadOptions(timezone=ZONE, now_ms=int(END.timestamp() * 1000))


def all_rows(reading) -> list:
    return [*reading.observations, *reading.events, *reading.patients]


def test_the_dirty_files_meet_every_fate_a_row_can_have(tmp_path):
    store, fates = Store(f"sqlite:///{tmp_path}/khemon.db"), Counter()
    paths = write_cohort(simulate_dirty(1, END, timezone=ZONE), tmp_path, "dirty_")
    assert [p.name[6:] for p in paths] == ["patients.csv", "events.csv", "labs.csv", "labs_later.csv"]
    for path in paths:
        reading = read(path.read_bytes(), path.name, options())
        meta = ImportMeta(
            file=path.name,
            content=path.read_bytes(),
            source=None,
            mapping_digest=reading.mapping_digest,
            kind=reading.kind,
            format=reading.format,
            recorded_ms=options().now_ms,
            actor=Actor(name="test", kind="system"),
        )
        rows = {"observations": reading.observations, "events": reading.events, "patients": reading.patients}
        with store.writing() as writer:
            writer.record_import(meta, **rows)
        fates.update(row.decision for row in all_rows(reading))
    store.close()
    assert set(fates) == {"accepted", "review", "rejected", "duplicate", "conflict", "no_value", "ignored"}


def test_the_dirty_runs_say_what_their_comments_say():
    made = simulate_dirty(1, END, timezone=ZONE)
    names = {"SYN-D06", "SYN-D07", "SYN-D08", "SYN-D10"}
    runs = Cohort(
        tuple(p for p in made.patients if p.patient_id in names),
        tuple(r for r in made.labs if r.patient_id in names),
        tuple(e for e in made.events if e.patient_id in names),
    )
    for protocol, expected in {
        "ward": {"SYN-D06": ["confirmed"], "SYN-D07": ["broken"], "SYN-D08": ["unproven", "confirmed"]},
        "trial": {"SYN-D08": ["confirmed"], "SYN-D10": ["confirmed"]},
    }.items():
        said = episodes(runs, protocol)
        for child, statuses in expected.items():
            mine = [e.status for e in said[child] if e.rule == "durable_platelet_response"]
            assert mine[: len(statuses)] == statuses, (protocol, child)
    rebounds = [e for e in episodes(runs)["SYN-D06"] if e.rule == "kmp_rebound"]
    assert len(rebounds) == 1


def test_parquet_holds_the_rows_of_the_csv_files_with_types(tmp_path):
    paths = write_parts(simulate_parts(3, END, 5, timezone=ZONE), tmp_path, parquet=True)
    assert [p.name for p in paths] == [
        "patients.csv", "events.csv", "labs.csv", "patients.parquet", "events.parquet", "labs.parquet"
    ]  # fmt: skip
    for name in ("patients", "events", "labs"):
        with (tmp_path / f"{name}.csv").open(newline="", encoding="utf-8") as told:
            rows = list(csv.DictReader(told))
        typed = pq.read_table(tmp_path / f"{name}.parquet").to_pylist()
        assert len(rows) == len(typed)
        for row, other in zip(rows, typed, strict=True):
            for column, text in row.items():
                assert same_cell(column, text, other), (column, text)


def same_cell(column: str, text: str, typed: dict) -> bool:
    value = typed[column]
    if not text:
        return value is None
    if isinstance(value, dt.datetime):
        return value == time(text)
    if column == "value":
        comparator, number = re.fullmatch(r"([<>]=?)?(.+)", text).groups()
        return typed["comparator"] == (comparator or "") and value == float(number)
    return value == text


def test_a_small_cohort_is_one_part_and_a_large_one_keeps_the_shares(monkeypatch):
    (one,) = simulate_parts(3, END, 10, timezone=ZONE)
    assert one == simulate_cohort(3, END, 10, timezone=ZONE)
    monkeypatch.setitem(LAW["cohort"], "at_once", 73)
    parts = list(simulate_parts(1, END, 160, timezone=ZONE))
    assert [len(part.patients) for part in parts] == [73, 73, 14]
    ids = [p.patient_id for part in parts for p in part.patients]
    assert len(set(ids)) == 160
    assert ids[0] == "SYN-001"
    assert ids[-1] == "SYN-160"
    assert parts[0] == cohort(1)
    assert [r.value for r in parts[0].labs] != [r.value for r in parts[1].labs]
    assert counts(parts[1], "ward", ZONE) == PUBLISHED


def test_the_command_writes_parquet_on_demand(tmp_path):
    said = khemon("simulate", "--out", tmp_path, "--patients", 2, "--end", END.isoformat(), "--parquet")
    assert said.code == 0
    assert pq.read_metadata(tmp_path / "patients.parquet").num_rows == 2
    assert khemon("simulate", "--out", tmp_path / "b", "--patients", 2, "--end", END.isoformat()).code == 0
    assert not list((tmp_path / "b").glob("*.parquet"))

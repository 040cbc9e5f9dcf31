"""The page of one child: its timeline as one dict against Plotly's add-methods, and the page's script as a whole."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from streamlit.testing.v1 import AppTest

from benchmarks.bench_arrival import NOW_MS, line, up_to_now
from benchmarks.data import SHARES, results
from benchmarks.timing import interleaved, ratio_line
from khemon.actions.import_files import Options, commit
from khemon.actions.watch.patient import patient_view
from khemon.figures.style import LIGHT
from khemon.figures.timeline import TimelineData, timeline_figure
from khemon.gate import running
from khemon.models import Actor
from khemon.rules.calendar import from_ms
from khemon.settings import Settings
from khemon.store import Store
from khemon.units import ANALYTE_CODES

ROOT = Path(__file__).resolve().parents[1]
ACTOR = Actor(name="benchmark", kind="demo")
CHILDREN = 200
NAMES = {code: name for name, code in ANALYTE_CODES.items()}
EVENTS = "patient_id,kind,start,end,dose,unit,note\n"
COURSES = (
    (60, 40, "sirolimus", "0.8", "mg/m2"),
    (36, 20, "sirolimus", "0.4", "mg/m2"),
    (20, 0, "sirolimus", "0.8", "mg/m2"),
    (50, 30, "prednisolone", "2", "mg/kg"),
    (30, 9, "prednisolone", "1", "mg/kg"),
    (12, 8, "infection", "", ""),
)


def ward(store: Store, rows: int, seed: int) -> None:
    """Children who are all in care today, with about so many results in all, drugs, products and an infection each."""
    data = up_to_now(results(rows, seed, draws=round(rows / CHILDREN / sum(SHARES.values()))))
    told = zip(*(column.tolist() for column in (data.patient, data.time, data.analyte, data.low)), strict=True)
    labs = "patient_id,collected_at,analyte,value,unit\n" + "".join(
        line(f"P{patient:06d}", at, NAMES[code], f"{value:g}") for patient, at, code, value in told
    )
    ids = [f"P{number:06d}" for number in range(int(data.patient[-1]) + 1)]
    patients = "patient_id,name,birth_date,sex,diagnosis,ward\n" + "".join(
        f"{name},Child {name},2025-06-01,female,KHE,W1\n" for name in ids
    )
    with store.writing() as writer:
        writer.set_setting("synthetic", "yes")
    for name, text in (("patients.csv", patients), ("events.csv", EVENTS + _events(ids)), ("labs.csv", labs)):
        commit(store, ACTOR, text.encode(), name, Options(now_ms=NOW_MS, timezone="UTC"))


def _events(ids: list[str]) -> str:
    def day(ago: int) -> str:
        return "" if ago == 0 else from_ms(NOW_MS - ago * 86_400_000).isoformat()

    rows = [
        f"{name},{kind},{day(first)},{day(last)},{dose},{unit},\n"
        for name in ids
        for first, last, kind, dose, unit in COURSES
    ]
    rows += [f"{name},plasma,{day(ago)},,,,\n" for name in ids for ago in (3, 7, 18, 25)]
    return "".join(rows)


def at_once(data: TimelineData) -> go.Figure:
    """The figure as the page hands it on: one dict, validated once."""
    return go.Figure(timeline_figure(data, LIGHT))


def added(spec: dict[str, Any]) -> go.Figure:
    """The same figure built step by step, as the library's own examples do."""
    figure = go.Figure()
    for trace in spec["data"]:
        figure.add_trace(trace)
    for shape in spec["layout"]["shapes"]:
        figure.add_shape(shape)
    for note in spec["layout"]["annotations"]:
        figure.add_annotation(note)
    figure.update_layout({name: each for name, each in spec["layout"].items() if name not in ("shapes", "annotations")})
    return figure


def figures(store: Store, number: int, rounds: int) -> None:
    """Print the ratios for a child's timeline, all of it and the usual window."""
    for window in ("30 d", "all"):
        data = patient_view(store, ACTOR, number, from_ms(NOW_MS), window).timeline
        spec = timeline_figure(data, LIGHT)
        if at_once(data).to_plotly_json() != added(spec).to_plotly_json():
            sys.exit("the figures differ")
        seconds = interleaved(
            {
                "dict": lambda d=data: timeline_figure(d, LIGHT),
                "figure": lambda d=data: at_once(d),
                "added": lambda s=spec: added(s),
            },
            rounds,
        )
        marks, shapes = sum(len(panel.marks) for panel in data.panels), len(spec["layout"]["shapes"])
        labels = len(spec["layout"]["annotations"])
        print(f"timeline, {window}: {marks} marks, {shapes} shapes, {labels} labels; {rounds} rounds")
        print("  " + ratio_line("built as one dict and validated once / add-methods", seconds, "figure", "added"))
        print("  " + ratio_line("the dict alone / add-methods", seconds, "dict", "added"))


def page(store: Store, url: str, visits: int, seed: int) -> None:
    """Print how long the page's script takes, for children drawn at random."""
    with running.over(store, Settings(mode="demo", database_url=url)) as place:
        test = AppTest.from_file(str(ROOT / "khemon" / "ui" / "main.py"), default_timeout=60)
        test.user = {"session": place.sessions.open(ACTOR)[1].reference}
        test.run()
        test.switch_page("../../pages/patient.py")
        with store.reading() as reader:
            numbers = list(reader.patient_numbers().values())
        drawn = random.Random(seed)
        took = []
        for visit in range(visits + 5):
            test.query_params["patient"] = str(drawn.choice(numbers))
            begun = time.perf_counter()
            test.run()
            if visit >= 5:
                took.append((time.perf_counter() - begun) * 1_000)
            if test.exception or not test.get("plotly_chart"):
                sys.exit(f"the page failed: {test.exception}")
    told = f"median {statistics.median(took):.0f} ms, 95th percentile {statistics.quantiles(took, n=20)[-1]:.0f} ms"
    print(f"script of the page, {visits} visits of {len(numbers)} children: {told}")


def main(rows: int, rounds: int, visits: int, seed: int = 7) -> None:
    """Print the figures for a ward of 200 children with about so many results."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'khemon.db'}"
        store = Store(url)
        ward(store, rows, seed)
        with store.reading() as reader:
            number = next(iter(reader.patient_numbers().values()))
        figures(store, number, rounds)
        page(store, url, visits, seed)
        store.close()


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [500_000, 15, 100][len(given) :]))

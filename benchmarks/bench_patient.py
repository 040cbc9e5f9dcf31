"""The page of one child: its timeline as one dict against Plotly's add-methods, and the page's script as a whole."""

from __future__ import annotations

import gc
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
#: Visits before the measured ones, and milliseconds of a second.
WARMING, MS = 5, 1_000
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


def ward(store: Store, rows: int, seed: int, now_ms: int, *, once_ill: bool) -> None:
    """Children who are all in care today, with about so many results in all, drugs, products and an infection each."""
    draws = round(rows / CHILDREN / sum(SHARES.values()))
    data = up_to_now(results(rows, seed, draws, once_ill=once_ill))
    told = zip(*(column.tolist() for column in (data.patient, data.time, data.analyte, data.low)), strict=True)
    labs = "patient_id,collected_at,analyte,value,unit\n" + "".join(
        line(f"P{patient:06d}", at - NOW_MS + now_ms, NAMES[code], f"{value:g}") for patient, at, code, value in told
    )
    ids = [f"P{number:06d}" for number in range(int(data.patient[-1]) + 1)]
    patients = "patient_id,name,birth_date,sex,diagnosis,ward\n" + "".join(
        f"{name},Child {name},2018-06-01,female,KHE,W1\n" for name in ids
    )
    with store.writing() as writer:
        writer.set_setting("synthetic", "yes")
    files = (("patients.csv", patients), ("events.csv", EVENTS + _events(ids, now_ms)), ("labs.csv", labs))
    for name, text in files:
        commit(store, ACTOR, text.encode(), name, Options(now_ms=now_ms, timezone="UTC"))


def _events(ids: list[str], now_ms: int) -> str:
    def day(ago: int) -> str:
        return "" if ago == 0 else from_ms(now_ms - ago * 86_400_000).isoformat()

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


def figures(data: TimelineData, window: str, rounds: int) -> None:
    """Print the ratios for a child's timeline."""
    spec = timeline_figure(data, LIGHT)
    if go.Figure(spec).to_plotly_json() != added(spec).to_plotly_json():
        sys.exit("the figures differ")
    sides = {
        "dict": lambda: timeline_figure(data, LIGHT),
        "checked": lambda: at_once(data),
        "added": lambda: added(spec),
    }
    seconds = interleaved(sides, rounds)
    marks, shapes = sum(len(panel.marks) for panel in data.panels), len(spec["layout"]["shapes"])
    labels = len(spec["layout"]["annotations"])
    print(f"  timeline, {window}: {marks} marks, {shapes} shapes, {labels} labels; {rounds} rounds")
    print("    " + ratio_line("built as the page does, one dict / add-methods", seconds, "dict", "added"))
    print("    " + ratio_line("the dict checked by the library as well / add-methods", seconds, "checked", "added"))


def page(store: Store, url: str, visits: int, seed: int) -> None:
    """Print how long the page's script takes, for children drawn at random: by the clock, and of processor time."""
    with running.over(store, Settings(mode="demo", database_url=url)) as place:
        test = AppTest.from_file(str(ROOT / "khemon" / "ui" / "main.py"), default_timeout=60)
        test.user = {"session": place.sessions.open(ACTOR)[1].reference}
        test.run()
        test.switch_page("../../pages/patient.py")
        with store.reading() as reader:
            numbers = list(reader.patient_numbers().values())
        drawn = random.Random(seed)
        # As the server does once it has imported what it needs.
        gc.collect()
        gc.freeze()
        clock, busy = [], []
        for visit in range(visits + WARMING):
            test.query_params["patient"] = str(drawn.choice(numbers))
            begun = time.perf_counter(), time.process_time()
            test.run()
            took = time.perf_counter() - begun[0], time.process_time() - begun[1]
            if visit >= WARMING:
                clock.append(took[0] * MS)
                busy.append(took[1] * MS)
            if test.exception or not test.get("plotly_chart"):
                sys.exit(f"the page failed: {test.exception}")
    for name, each in (("by the clock", clock), ("of processor time", busy)):
        p95 = statistics.quantiles(each, n=20)[-1]
        print(
            f"  script of the page, {visits} visits, {name}: median {statistics.median(each):.0f} ms, p95 {p95:.0f} ms"
        )


def main(rows: int, rounds: int, visits: int, seed: int = 7) -> None:
    """Print the figures for 200 children with about so many results, ill once, and ill again and again."""
    now_ms = time.time_ns() // 1_000_000
    for once_ill, words in ((True, "ill once"), (False, "ill again and again")):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'khemon.db'}"
            store = Store(url)
            ward(store, rows, seed, now_ms, once_ill=once_ill)
            with store.reading() as reader:
                number = next(iter(reader.patient_numbers().values()))
            views = {window: patient_view(store, ACTOR, number, from_ms(now_ms), window) for window in ("30 d", "all")}
            flags = views["all"].ended + len(views["all"].open)
            print(f"{CHILDREN} children {words}, {views['all'].all_results} results and {flags} flags of the first")
            for window, view in views.items():
                figures(view.timeline, window, rounds)
            page(store, url, visits, seed)
            store.close()


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [500_000, 7, 60][len(given) :]))

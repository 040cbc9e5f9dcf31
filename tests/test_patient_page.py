"""The patient page as a person meets it: what stands in its address, what is drawn only when asked for."""

import datetime as dt
import json

import pytest

from khemon.store import Store
from tests.test_pages import opened, words
from tests.wards import bring, small_ward


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('patient_page') / 'khemon.db'}"
    store = Store(url)
    bring(store, small_ward(dt.datetime.now(dt.UTC)))
    store.close()
    yield from opened(url)


def layout_of(test) -> dict:
    [chart] = test.get("plotly_chart")
    return json.loads(chart.proto.spec)["layout"]


def test_study_weeks_and_a_linear_scale_are_kept_in_the_address(ward):
    test = ward.open("patient", patient=ward.key("A-critical"), window="study weeks", scale="linear")
    layout = layout_of(test)
    assert layout["yaxis"]["type"] == "linear"
    assert layout["xaxis"]["ticktext"][-1].startswith("day 0<br>")
    assert "Weeks are counted from day 0" in words(test)
    assert layout_of(ward.open("patient", patient=ward.key("A-critical")))["yaxis"]["type"] == "log"


def test_the_chart_carries_its_text_alternative_and_the_page_says_the_same_in_sentences(ward):
    test = ward.open("patient", patient=ward.key("A-critical"))
    [chart] = test.get("plotly_chart")
    sentence = "Fibrinogen in g/L, linear scale: 2 results; lowest <0.5 on"
    assert sentence in words(test)
    assert sentence in chart.proto.SerializeToString().decode("utf-8", errors="replace")
    assert "Sirolimus: 0.8 mg/m2 from" in words(test)


def test_flags_that_ended_are_told_once_they_are_opened(ward):
    test = ward.open("patient", patient=ward.key("B-rebound"))
    [label] = [expander.label for expander in test.expander if expander.label.startswith("Flags that ended")]
    assert int(label.rpartition(" ")[2]) > 0
    assert "What it said" not in words(test)
    test.session_state["ended"] = True
    test.run()
    assert not test.exception
    assert "What it said" in words(test)


def test_grades_stand_with_what_they_are_not(ward):
    told = words(ward.open("patient", patient=ward.key("A-critical")))
    assert "Grades of laboratory values by CTCAE v4.03, not of adverse events" in told
    assert "Platelet count decreased <5 ×10⁹/L" in told

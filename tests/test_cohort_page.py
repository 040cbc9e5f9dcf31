"""The cohort page, driven without a browser; and from 35/37 to the two children who are not in it, in a real one."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from khemon.gate import running
from khemon.settings import Settings
from khemon.store import Store
from tests.browser import settled, visit
from tests.cohort_ward import cohort_ward
from tests.server import running_server
from tests.test_accounts import with_account
from tests.test_handover import Print
from tests.test_pages import Visitor, body, empty_ward, words  # noqa: F401


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    found = f"sqlite:///{tmp_path_factory.mktemp('cohort') / 'khemon.db'}"
    store = Store(found)
    cohort_ward(store, dt.datetime.now(dt.UTC))
    store.close()
    return found


@pytest.fixture
def ward(url):
    store = Store(url)
    with running.over(store, Settings(mode="demo", database_url=url)) as place:
        yield Visitor(store, place)
    store.close()


def test_the_page_tells_the_table_the_figures_whom_they_show_and_the_children_behind_a_number(ward):
    test = ward.open("cohort", count="durable_response_week_4", group="combination")
    told = words(test)
    assert "SYNTHETIC" in told and "Not cleared or certified as a medical device." in told
    assert "40 children : combination 37, monotherapy 3." in told
    assert "35/37 94.6 % (82.3 to 98.5)" in told
    assert "35/37, 24/36 27.9 (10.0 to 44.7) * Abstract; Results, Efficacy outcomes; counts from the text" in told
    assert "1 not in, and why" in told and "no day 0 by then" in told
    assert "warning: 1 row of the files not used, waiting for a person or not usable" in told
    charts = [chart.proto.spec for chart in test.get("plotly_chart")]
    assert len(charts) == 4
    assert all("Shown: children with a day 0; 40 children" in chart for chart in charts)
    assert len(set(re.findall(r'href="(download/[^"]+)"', body(test)))) == 7

    assert "Not in the count: 2" in told and "In the count: 35" in told
    assert "Lea Late C36 combination the limit was not reached response begins day 35" in told
    assert f'href="patient?patient={ward.key("C36")}&amp;window=all"' in body(test)
    assert "Printed by the trial (combination, monotherapy): 35/37, 24/36" in told
    assert 'href="cohort"' in body(test)

    test.query_params["count"], test.query_params["group"] = "rebound", ""
    test.run()
    assert "KMP rebound (literal): all groups" in words(test)
    assert "**bold** [link](http" in words(test) and "<img src=x" not in body(test)
    test.query_params["count"] = "<b>x</b>"
    assert "The table has no number of this name" in words(test.run())


def test_filters_stay_in_the_address_of_every_number_and_one_that_leaves_nobody_says_what_to_do(ward):
    test = ward.open("cohort", diagnosed="true")
    assert "diagnosis of KHE or tufted angioma recorded" in words(test)
    assert "cohort?diagnosed=true&amp;count=rebound&amp;group=combination" in body(test)
    test.multiselect(key="arm").select("monotherapy").run()
    assert "3 children : monotherapy 3." in words(test)
    assert all("arm monotherapy" in chart.proto.spec for chart in test.get("plotly_chart"))
    test.date_input(key="until").set_value(dt.date(2000, 1, 1)).run()
    assert not test.exception
    assert "Nobody is in." in words(test) and "take filters away" in words(test)
    assert not test.get("plotly_chart")


def test_the_trial_recomputed_names_rounding_and_sources(ward):
    told = words(ward.open("cohort", show="The trial, recomputed"))
    assert (
        "22 of 24 printed figures come out when khemon rounds once; the other 2 with the way the paper rounds" in told
    )
    assert "27.9279 (9.9454 to 44.7222) 27.9 (9.9 to 44.7) 27.9 (10.0* to 44.7) 27.9 (10.0 to 44.7)" in told
    assert "khemon's own: the paper prints no p for these endpoints." in told
    assert "needs each child's values: cannot be recomputed from counts" in told


def test_for_others_eyes_the_links_leave_out_single_children_and_a_group_too_small_is_named(ward):
    test = ward.open("cohort")
    assert "the whole page as a report (PDF)</a>" in body(test)
    test.checkbox(key="hide_few").check().run()
    assert "Nothing can be taken along so: monotherapy has fewer than 5 children." in words(test)
    assert "download/" not in body(test)
    test.multiselect(key="arm").select("combination").run()
    assert not test.exception
    links = re.findall(r'href="download/([^"]+)">([^<]+)<', body(test))
    assert [words for _, words in links] == [
        "the whole page as a report (PDF)", "the table (CSV)", "the platelets by week (CSV)"
    ]  # fmt: skip


def test_who_may_only_look_gets_no_files(ward):
    viewer = Visitor(ward.store, ward.place, with_account(ward.store, "Vic", roles=["viewer"]))
    assert "download/" not in body(viewer.open("cohort"))


def test_a_store_without_children_says_what_to_do_next(empty_ward):  # noqa: F811
    told = words(empty_ward.open("cohort"))
    assert "There are no children yet. Upload patients, events and results" in told


@pytest.mark.browser
def test_from_35_of_37_to_the_two_children_who_are_not_in_it_and_why(page: Page, url):
    with running_server(url) as server:
        visit(page, f"{server.url}cohort")
        week_4 = page.get_by_role("row").filter(has_text="Durable platelet response at week 4")
        week_4.get_by_role("link", name="35/37", exact=True).click()
        settled(page)
        listed = page.locator("#behind")
        expect(listed.get_by_text("Not in the count: 2")).to_be_visible()
        expect(listed.get_by_role("row").filter(has_text="Lea Late")).to_contain_text("the limit was not reached")
        row = listed.get_by_role("row").filter(has_text="Gus Given-Up")
        expect(row).to_contain_text("treatment was given up before")
        if folder := os.environ.get("KHEMON_PICTURES"):
            page.screenshot(path=Path(folder) / "cohort.png", full_page=True)
        with page.expect_download() as left:
            page.get_by_role("link", name="the table (CSV)").click()
        assert left.value.suggested_filename == "cohort-table.csv"
        assert "durable_response_week_4" in Path(left.value.path()).read_text(encoding="utf-8")
        with page.expect_download() as left:
            page.get_by_role("link", name="the whole page as a report (PDF)").click()
        assert left.value.suggested_filename == "cohort-report.pdf"
        assert Print(Path(left.value.path()).read_bytes()).says("35/37")
        row.get_by_role("link", name="Gus Given-Up").click()
        settled(page)
        expect(page.get_by_role("heading", name="Gus Given-Up")).to_be_visible()
        expect(page).to_have_url(re.compile("window=all"))

"""Pages name the protocol that the store is judged by, and the definitions page tells how it came to that."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from khemon.actions.going_live import go_live
from khemon.models import Actor, KhemonError
from khemon.rules.calendar import to_ms
from khemon.store import Store
from tests.test_pages import Visitor, opened, words
from tests.test_protocol_live import site_file
from tests.wards import bring, small_ward

HOSTILE = "<b>bold</b> [link](http://example.invalid)"


@pytest.fixture(scope="module")
def visitor(tmp_path_factory):
    """A ward that went live with numbers of its own."""
    folder: Path = tmp_path_factory.mktemp("protocols")
    url = f"sqlite:///{folder / 'khemon.db'}"
    now = dt.datetime.now(dt.UTC)
    store = Store(url)
    bring(store, small_ward(now))
    file = site_file(folder, rules__severe_anemia__limit=78, common__current_within=36)
    go_live(store, Actor(name="head nurse", kind="local"), file, HOSTILE, to_ms(now))
    store.close()
    yield from opened(url)


@pytest.mark.parametrize("page", ["ward", "alerts", "upload", "definitions"])
def test_every_page_names_the_protocol_in_use(visitor: Visitor, page):
    assert "Judged by site, version 1." in words(visitor.open(page))


def test_the_page_of_a_child_explains_by_the_protocol_in_use(visitor: Visitor):
    told = words(visitor.open("patient", patient=visitor.key("A-critical")))
    assert "site, version 1" in told
    assert "Ward protocol" not in told


def test_the_definitions_page_tells_who_decided_when_why_and_which_numbers(visitor: Visitor):
    told = words(visitor.open("definitions"))
    assert "site, version 1" in told
    assert "It changes numbers of Ward protocol, version 1" in told
    assert f"head nurse {HOSTILE}" in told
    assert "rules.severe_anemia.limit: 78 g/L instead of 60 g/L" in told
    assert "ward 1" in told
    assert "in use from the first evaluation" in told


def test_a_changed_number_is_marked_with_the_one_it_replaces(visitor: Visitor):
    told = words(visitor.open("definitions"))
    assert "Hemoglobin < 78 g/L instead of 60 g/L ward meeting" in told
    assert "current within 36 h instead of 24 h ward meeting" in told
    assert "cases that hold it to the base's numbers, not to those changed here" in told
    assert "Changed by site 1: limit 78 g/L instead of 60." in told


def test_a_store_whose_protocol_cannot_be_read_is_not_served(tmp_path):
    from khemon.gate.opening import opened as served
    from khemon.settings import Settings

    url = f"sqlite:///{tmp_path / 'khemon.db'}"
    store = Store(url)
    with store.writing() as writer:
        writer.set_setting("timezone", "UTC")
        writer.add_protocol("{}", "future", "1", actor=Actor(name="x", kind="local"), reason="newer", at_ms=1)
    store.close()
    with pytest.raises(KhemonError, match="khemon protocol live ward"), served(Settings(database_url=url)):
        pass


def test_another_protocol_stands_beside_the_one_in_use_number_by_number(visitor: Visitor):
    test = visitor.open("definitions", compare="trial")
    told = words(test)
    assert "site, version 1 is in use; beside it: Trial protocol, version 1." in told
    assert "shared by rules current within common.current_within 36 h 24 h°" in told
    assert "Severe anemia low below rules.severe_anemia.limit 78 g/L 60 g/L Ji 2022" in told
    assert "rules.durable_platelet_response.gap 14 d° 31 d°" in told


def test_what_another_protocol_would_do_to_the_alerts_is_told_when_asked(visitor: Visitor):
    test = visitor.open("definitions", compare="ward")
    assert "it would add" not in words(test)
    test.button(key="compare_alerts_ward").click().run()
    assert not test.exception
    told = words(test)
    assert "7 children: it would add 0, remove 1, change 0." in told
    assert "− removed Ada Critical ▲ warning severe anemia" in told


def test_what_is_no_listed_choice_is_not_read(visitor: Visitor, tmp_path: Path):
    site_file(tmp_path, rules__severe_anemia__limit=70)
    [file] = tmp_path.glob("*.toml")
    assert "is in use; beside it" not in words(visitor.open("definitions", compare=str(file)))


def test_a_rule_named_in_the_address_stands_first(visitor: Visitor):
    told = words(visitor.open("definitions", rule="kmp_rebound"))
    assert told.index("Platelets below 100 after a durable response") < told.index("Platelets below the limit.")

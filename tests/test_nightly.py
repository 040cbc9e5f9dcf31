"""The check at start and at night, and what a watchdog is told of it."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from starlette.requests import Request

from khemon.actions.checking import check_and_hold
from khemon.gate import running
from khemon.gate.nightly import HOUR_OF_NIGHT, seconds_to_night
from khemon.gate.routes import healthz
from khemon.models import StoreProblem
from khemon.settings import Settings
from khemon.store import Store
from tests.store_rows import bring, lab
from tests.test_store_integrity import tamper

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(("hour", "minute", "hours"), [(2, 0, 1), (3, 0, 24), (4, 0, 23), (23, 30, 3.5)])
def test_the_next_check_is_at_the_next_night(hour, minute, hours):
    now = dt.datetime(2026, 3, 2, hour, minute, tzinfo=dt.UTC)
    assert HOUR_OF_NIGHT == 3
    assert seconds_to_night(now) == hours * 3600


def health(store: Store) -> tuple[int, bytes]:
    with running.over(store, Settings(mode="demo", database_url=store.url)):
        answer = asyncio.run(healthz(Request({"type": "http", "method": "GET"})))
    return answer.status_code, bytes(answer.body)


def test_health_says_read_only_and_nothing_else_until_a_check_succeeds(store):
    bring(store, [lab(10)])
    assert check_and_hold(store, NOW_MS)["sound"]
    assert health(store) == (200, b"ok\n")
    tamper(store, "UPDATE result SET high = 11")
    assert not check_and_hold(store, NOW_MS)["sound"]
    assert health(store) == (503, b"read-only\n")
    with pytest.raises(StoreProblem, match="read-only"):
        bring(store, [lab(11)])
    tamper(store, "UPDATE result SET high = 10")
    assert check_and_hold(store, NOW_MS)["sound"]
    assert health(store) == (200, b"ok\n")
    with store.reading() as reader:
        assert [row.action for row in reader.audit_rows()] == ["check_failed"]

"""How long random tests look, and the seed they start from.

`HYPOTHESIS_PROFILE=nightly` looks longer. `KHEMON_SEED=n` repeats a run of the tests that draw their own histories;
Hypothesis prints what repeats one of its failures.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings

#: Shared machines stall; a stall is not a defect of the code under test.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}

settings.register_profile("ci", max_examples=100, **PATIENT)
settings.register_profile("nightly", max_examples=5_000, **PATIENT)
settings.register_profile("quick", max_examples=15, deadline=timedelta(seconds=5), print_blob=True)
# The same examples in every run, and none of the search for the shortest one that fails.
FIXED = {"derandomize": True, "database": None, "phases": (Phase.explicit, Phase.generate)}
settings.register_profile("mutation", max_examples=200, **(PATIENT | FIXED | {"print_blob": False}))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

SEED = pytest.StashKey[int]()
#: Whether coverage counts what a test meets.
COUNTS = pytest.StashKey[bool]()


def pytest_configure(config):
    """One seed for the whole run, the same in every worker."""
    handed_down = getattr(config, "workerinput", {}).get("khemon_seed")
    chosen = handed_down if handed_down is not None else os.environ.get("KHEMON_SEED")
    config.stash[SEED] = int(chosen) if chosen is not None else random.SystemRandom().randrange(2**32)


#: What the modules are called whose cases have to meet every branch of what judges.
JUDGING = (
    "alerts", "analytes", "calendar", "cases", "conformance", "endpoint", "engine", "explained", "further", "grades",
    "grounds", "meanings", "protocol", "questions", "reference", "rulebook", "timelines", "uncounted", "units",
)  # fmt: skip
#: Those among them that go through a store: what judges has its own cases for what they meet.
STORED = ("alerts_store", "protocol_diff", "protocol_live", "protocol_pages", "timelines")


def pytest_collection_modifyitems(items):
    """Coverage is that of what judges, by the cases about it: a branch is to be met by a case, in every run.

    Random tests, faults, browsers, stores and other rooms do not count; not traced, they take half the time.
    """
    judging, stored = (tuple(f"test_{name}" for name in names) for names in (JUDGING, STORED))
    for item in items:
        drawn = "seed" in item.fixturenames or getattr(item.obj, "is_hypothesis_test", False)
        apart = any(item.get_closest_marker(mark) for mark in ("browser", "faults", "postgres", "untraced"))
        elsewhere = item.path.name.startswith(stored) or not item.path.name.startswith(judging)
        item.stash[COUNTS] = not (drawn or apart or elsewhere)


def tracing(config):
    """What turns coverage on and off; None in a run without coverage."""
    return getattr(config.pluginmanager.get_plugin("_cov"), "cov_controller", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session):
    """Modules that judge are loaded under the eyes of coverage, and nothing else: no test, and no library."""
    controller = tracing(session.config)
    if controller is not None:
        for room in controller.cov.get_option("run:source_pkgs"):
            load(room)
        controller.pause()
    return (yield)


def load(room):
    """Imports a module and, if it is a folder, all that stands in it."""
    inside = getattr(importlib.import_module(room), "__path__", ())
    for module in pkgutil.walk_packages(inside, f"{room}."):
        importlib.import_module(module.name)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Coverage looks on from the first fixture to the last where a test counts, and is away everywhere else."""
    controller, counts = tracing(item.config), item.stash[COUNTS]
    if controller is not None and controller.started is not counts:
        controller.resume() if counts else controller.pause()
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["khemon_seed"] = node.config.stash[SEED]


def pytest_report_header(config):
    profile = settings.get_current_profile_name()
    return f"random tests: KHEMON_SEED={config.stash[SEED]} repeats them; HYPOTHESIS_PROFILE={profile}"


@pytest.fixture
def seed(request):
    """The run's seed, printed beside a failure of the test that asked for it."""
    number = request.config.stash[SEED]
    print(f"KHEMON_SEED={number}")
    return number


@pytest.fixture
def nightly():
    """Whether this run may take long."""
    return settings.get_current_profile_name() == "nightly"


def skipped(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter.stats.get("skipped", []) if reporter else []


def pytest_sessionfinish(session):
    """With KHEMON_REQUIRE=all a skipped test is a failed run: what was to be proven was not."""
    in_worker = hasattr(session.config, "workerinput")
    if os.environ.get("KHEMON_REQUIRE") == "all" and not in_worker and skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if os.environ.get("KHEMON_REQUIRE") == "all" and skipped(config):
        terminalreporter.write_line("KHEMON_REQUIRE=all: a skipped test fails the run", red=True)

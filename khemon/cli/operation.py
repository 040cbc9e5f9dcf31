"""Commands of operation: check, demo, serve."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from khemon.cli.options import Db, Json, Zone, now, now_ms, open_store, person, settings, stated_zone
from khemon.cli.output import FOUND_A_PROBLEM, print_json, say
from khemon.store import Store

Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65_535, help="Else 8501, or a free one when that is busy.")
]


def check(db: Db = None, as_json: Json = False) -> None:
    """Whether the store still says what was recorded, and its episodes follow from its results."""
    from khemon.actions.check import check as checked

    store = open_store(db)
    try:
        document = checked(store, person(), now_ms())
    finally:
        store.close()
    if as_json:
        print_json(document)
    for finding in document["findings"]:
        say(f"{finding['what']}: {finding['where']}: {finding['found']}")
    for note in document.get("notes", ()):
        say(note)
    if not document["sound"]:
        raise typer.Exit(FOUND_A_PROBLEM)
    if not as_json:
        say("sound")


def demo(
    port: Port = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another number, other children.")] = 1,
    timezone: Zone = None,
) -> None:
    """Serve the dashboard over a synthetic ward, on this machine only. The data are gone when it stops."""
    from khemon.actions.demo import load_demo
    from khemon.gate.server import run

    zone = stated_zone(timezone) or "UTC"
    with tempfile.TemporaryDirectory(prefix="khemon-demo-") as folder:
        url = f"sqlite:///{Path(folder) / 'demo.db'}"
        say("making a synthetic ward ...")
        store = Store(url)
        try:
            children = load_demo(store, now(), seed, zone)
        finally:
            store.close()
        say(f"{children} synthetic children; no real patient is shown")
        run(settings(mode="demo", database_url=url, port=port))


def serve(
    db: Db = None,
    host: Annotated[str, typer.Option("--host", help="A loopback address; others wait for accounts.")] = "127.0.0.1",
    port: Port = None,
    timezone: Zone = None,
) -> None:
    """Serve the dashboard over the store, on this machine only, as the operating-system user."""
    from khemon.gate.server import run

    url = db or settings().database_url
    run(settings(mode="serve", database_url=url, host=host, port=port, timezone=stated_zone(timezone)))


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    for command in (check, demo, serve):
        app.command()(command)

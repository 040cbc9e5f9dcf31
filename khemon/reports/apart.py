"""A page is drawn and set in a process of its own with limits on memory and time: what kills it is a clear error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from khemon.models import Refused
from khemon.reports.cohort_contents import CohortSheet
from khemon.reports.contents import PatientSheet, WardSheet

MEMORY_MB = 1_500
SECONDS = 60
#: So many pages are made at one time; who comes then waits.
AT_ONCE = 2
ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.insert(0, sys.argv[1]); from khemon.reports.setting import main; main(sys.argv[2:])"
#: The libraries' own threads take address space by the core; one page needs none of them.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
REMEDY = "try again; if it happens again, use the screen and report it"
#: The kinds of sheets: what sets each of them, and what a person calls it.
KINDS: dict[type, tuple[str, str]] = {
    PatientSheet: ("patient", "handover"),
    WardSheet: ("ward", "handover"),
    CohortSheet: ("cohort", "cohort report"),
}
_ROOM = threading.BoundedSemaphore(AT_ONCE)


def printed(sheet: PatientSheet | WardSheet | CohortSheet, fonts: Path | None = None) -> bytes:
    """The PDF of a sheet, the same bytes for the same sheet. Refused when it cannot be made.

    fonts: a folder with fonts for letters that the print does not have by itself.
    """
    kind, called = KINDS[type(sheet)]
    told: dict[str, Any] = TypeAdapter(type(sheet)).dump_python(sheet, mode="json")
    command = [sys.executable, "-I", "-c", START, str(ROOT), kind, str(MEMORY_MB), str(SECONDS), str(fonts or "")]
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ} | ONE_THREAD
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with _ROOM, subprocess.Popen(command, **pipes, env=kept, start_new_session=True) as process:
        try:
            made: bytes = process.communicate(json.dumps(told).encode(), timeout=SECONDS)[0]
        except subprocess.TimeoutExpired as problem:
            process.kill()
            raise Refused(called, f"printing it takes more than {SECONDS} s", REMEDY) from problem
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0 or not made.startswith(b"%PDF-"):
        raise Refused(called, "the page could not be printed", REMEDY)
    return made

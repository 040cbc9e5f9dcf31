"""All that a server or an importing process comes to import, imported here: the process that is copied begins so."""

from __future__ import annotations

import importlib
import pkgutil

import khemon

#: What is only meant to run, as a script or in a database.
RUN = ("khemon.ui.main", "khemon.store.migrations.")

for module in pkgutil.walk_packages(khemon.__path__, "khemon."):
    if not module.name.startswith(RUN) and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
# Libraries that are imported late, and tests whose functions run in a process of their own.
LATE = ("streamlit.web.bootstrap", "uvicorn.loops.auto", "uvicorn.lifespan.on")
TESTS = ("tests.shell", "tests.test_endurance", "tests.test_safekeeping", "tests.test_store_processes")
for name in LATE + TESTS:
    importlib.import_module(name)

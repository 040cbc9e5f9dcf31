"""What is installed is looked through once per process: every page under test would read the metadata of all of it."""

from __future__ import annotations

import functools
import sys


def pytest_collection_finish() -> None:
    """Streamlit looks for components among the installed packages; nothing is installed while tests run."""
    if "streamlit.testing.v1" in sys.modules:
        from streamlit.components.v2 import manifest_scanner

        manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)

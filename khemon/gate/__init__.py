"""The gate: everything passes here before Streamlit sees it, and the pages ask here whom they serve."""

from __future__ import annotations

import gc

# Next to nothing of what is read at the start becomes garbage: to look through it every 700 objects takes a tenth of
# the start, and Streamlit looks for garbage after every run of a page by itself.
gc.set_threshold(100_000, 50, 100)

from khemon.gate.running import current_actor, current_desk, current_settings, current_store, download_address  # noqa: E402

__all__ = ["current_actor", "current_desk", "current_settings", "current_store", "download_address"]

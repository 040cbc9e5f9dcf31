"""The gate: everything passes here before Streamlit sees it, and the pages ask here whom they serve."""

from __future__ import annotations

from khemon.gate.running import current_actor, current_desk, current_settings, current_store, download_address

__all__ = ["current_actor", "current_desk", "current_settings", "current_store", "download_address"]

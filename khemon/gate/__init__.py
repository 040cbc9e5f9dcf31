"""The gate: everything passes here before Streamlit sees it, and the pages ask here whom they serve."""

from __future__ import annotations

from khemon.gate.loads import forget_upload
from khemon.gate.running import (
    confirmed_password,
    current_actor,
    current_desk,
    current_settings,
    current_store,
    download_address,
    ready_address,
)

__all__ = [
    "confirmed_password",
    "current_actor",
    "current_desk",
    "current_settings",
    "current_store",
    "download_address",
    "forget_upload",
    "ready_address",
]

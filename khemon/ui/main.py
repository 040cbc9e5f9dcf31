"""The Streamlit script: registers the pages by path and runs the one that was asked for."""

from __future__ import annotations

from khemon.ui.parts import pages, session

session.enter()
pages.run()

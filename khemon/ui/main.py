"""The Streamlit script: registers the pages by path and runs the one that was asked for."""

from __future__ import annotations

from khemon.models import StoreProblem
from khemon.ui.parts import frame, pages, session

session.enter()
try:
    pages.run()
except StoreProblem as problem:  # what a page could not vouch for is not shown
    frame.out_of_order(problem)

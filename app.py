"""The ASGI application: Streamlit behind the gate. `khemon serve` and `khemon demo` start it."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from khemon.gate.door import Gate
from khemon.gate.opening import lifespan
from khemon.gate.routes import routes

# The script lies away from `pages/`: Streamlit runs the files of such a folder beside its script without the script.
app = st.App(
    Path(__file__).resolve().parent / "khemon" / "ui" / "main.py",
    middleware=[Middleware(Gate)],
    routes=routes(),
    lifespan=lifespan,
)

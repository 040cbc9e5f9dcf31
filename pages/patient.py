"""One child: what stands open and why, the timeline, the response clock, every result as received."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.figures.timeline import timeline_figure
from khemon.models import Refused
from khemon.ui.parts import clock, frame, grids, moving_parts, patient_parts, visit
from khemon.ui.parts.elements import el, show
from khemon.ui.parts.leaving_parts import way_out

here = frame.page_top("")
key = st.query_params.get("patient")
top = st.container()
window = frame.window_control()
try:
    since = visit.patient(here, key)
    view = watch.patient_view(here.store, here.actor, key, here.now, window, since)
except Refused as refused:
    frame.refused(refused)
    st.stop()
theme = frame.theme()

with top:
    show(patient_parts.identity_bar(view.identity))
    frame.quiet_refresh(view.revision)
    show(moving_parts.news(watch.move_notices(here.store, here.actor), view.identity.key))
    show(patient_parts.state(view))
    show(patient_parts.notices(view))
    show(patient_parts.alert_list(view.alerts))
    show(patient_parts.entering(key))

figure = timeline_figure(view.timeline, theme)
st.plotly_chart(figure, theme=None, key="timeline", config=frame.CHART, alt=view.timeline.alt)
show(patient_parts.chart_key(theme))

st.header("Response clock")
show(el("div", *(clock.clock_card(title, run) for title, run in view.clocks), class_="k k-clock"))

st.header("Why each flag stands")
for number, flag in enumerate(view.open):
    label = frame.severity_label(flag.severity, f"{flag.title}, {flag.status}")
    with st.expander(label, expanded=number == 0):
        show(patient_parts.why(flag))
if not view.open:
    show(el("div", "No flag is open.", class_="k k-muted"))
with st.expander(f"Flags that ended: {len(view.past)}"):
    show(patient_parts.past_list(view.past))

st.header("Results as received")
grids.results_grid(view.results)
st.header("Events")
grids.events_grid(view.events)
way_out(here, view.identity.patient_id)
frame.page_end(view.as_of, view.setting)

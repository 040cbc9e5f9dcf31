"""One child: what stands open and why, the timeline, the response clock, every result as received."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.figures.timeline import timeline_figure
from khemon.models import Refused
from khemon.ui.parts import charts, clock, frame, grids, moving_parts, patient_parts, visit
from khemon.ui.parts.elements import el, show
from khemon.ui.parts.handover_parts import patient_link
from khemon.ui.parts.leaving_parts import way_out

here = frame.page_top("", looks_back=True)
key = st.query_params.get("patient")
top = st.container()
with st.container(horizontal=True):
    window, scale = frame.window_control(), frame.scale_control()
try:
    before = visit.patient(here, key)
    seen = {"since_ms": before.mine_ms, "anyone_ms": before.anyone_ms}
    view = watch.patient_view(here.store, here.actor, key, here.now, window, scale=scale, **seen)
except Refused as refused:
    frame.refused(refused)
    st.stop()
theme = frame.theme()

with top:
    show(patient_parts.identity_bar(view.identity))
    frame.quiet_refresh(view.revision, view.identity.patient_id)
    show(moving_parts.news(watch.move_notices(here.store, here.actor), view.identity.key))
    show(patient_parts.state(view))
    show(patient_parts.news(view))
    show(patient_parts.notices(view))
    show(patient_parts.alert_list(view.alerts, before.unseen))
    with st.container(horizontal=True, gap="large"):
        show(patient_link(here, view.identity, window))
        show(patient_parts.entering(key))
    show(patient_parts.sections())
    st.header("Timeline")

figure = charts.Ready(timeline_figure(view.timeline, theme))
st.plotly_chart(figure, theme=None, key="timeline", config=frame.CHART, alt=view.timeline.alt)
show(patient_parts.chart_key(theme), patient_parts.chart_words(view.timeline))

st.header("Response clock")
show(el("div", *(clock.clock_card(title, run) for title, run in view.clocks), class_="k k-clock"))

st.header("Why each flag stands")
for number, flag in enumerate(view.open):
    label = frame.severity_label(flag.severity, f"{flag.title}, {flag.status}")
    with st.expander(label, expanded=number == 0):
        show(patient_parts.why(flag))
if not view.open:
    show(el("div", "No flag is open.", class_="k k-muted"))
past = st.expander(f"Flags that ended: {view.ended}", key="ended", on_change="rerun")
if past.open:
    past.html(patient_parts.past_list(watch.ended_flags(here.store, here.actor, key, here.now)))

st.header("Laboratory grades")
show(patient_parts.grades(view.grades))
st.header("Results as received")
grids.results_grid(view.results, view.all_results, window)
st.header("Events")
grids.events_grid(view.events)
way_out(here, view.identity.patient_id)
frame.page_end(view.as_of, view.setting)

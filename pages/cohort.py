"""The cohort: the trial's table from this center's children, its figures, and the children behind every number."""

from __future__ import annotations

import streamlit as st

from khemon.actions import watch
from khemon.actions.watch.cohort import cohort_choices, cohort_view, recomputed
from khemon.actions.whoami import person
from khemon.figures.cohort import curves_figure, weekly_figure
from khemon.figures.words import date_words
from khemon.models import Refused
from khemon.ui.parts import cohort_asking, cohort_leaving, cohort_parts, cohort_trial, frame
from khemon.ui.parts.elements import show

here = frame.page_top("Cohort")
setting = watch.setting(here.store, here.actor)
theme = frame.theme()

if cohort_asking.part() == cohort_asking.PARTS[1]:
    told = recomputed()
    show(cohort_trial.summary(told))
    show(cohort_trial.differences(told))
    st.subheader("What else the trial printed")
    show(cohort_trial.others(told))
    show(cohort_trial.numbers(told))
    frame.page_end(date_words(here.now, setting.zone), setting)
    st.stop()

who = person(here.store, here.actor)
choices = cohort_choices(here.store, here.actor)
if not choices.patients:
    show(cohort_parts.no_patients(who.may("import")))
    frame.page_end(date_words(here.now, setting.zone), setting)
    st.stop()
question = cohort_asking.question(choices, here.now.astimezone(setting.zone).date())
asked, group = cohort_asking.opened()
try:
    view = cohort_view(here.store, here.actor, question, here.now, asked, group)
except Refused as refused:
    frame.refused(refused)
    st.stop()
frame.quiet_refresh(view.revision)
show(cohort_parts.who_is_in(view, who.may("review")))
if asked:
    show(cohort_parts.behind(view.people, view))

if view.count:
    st.subheader("Beside the trial")
    show(cohort_parts.numbers(view.proportions, view, "Endpoints beside the published ones"))
    show(cohort_parts.reading_the_table())
    show(cohort_parts.numbers(view.amounts, view, "Numbers per child, and times"))
    show(cohort_parts.numbers(view.lesions, view, "Classes of volume change"))
    st.subheader("Platelets by week: median and quartiles")
    st.plotly_chart(
        weekly_figure(view.weekly, theme), theme=None, key="weekly", config=frame.CHART, alt=view.weekly.alt
    )
    with st.expander("The numbers of this figure"):
        show(cohort_parts.numbers(view.weeks, view, "Platelets by week"))
    for key, curves in (("response", view.response), ("rebound", view.rebound)):
        st.subheader(curves.title)
        st.plotly_chart(curves_figure(curves, theme), theme=None, key=key, config=frame.CHART, alt=curves.alt)
    st.subheader("One bar for each child")
    cohort_parts.swimmer(view.swimmer, theme)
    cohort_leaving.take_along(here, question, view)
else:
    show(cohort_parts.nobody(view))
frame.page_end(view.as_of, view.setting)

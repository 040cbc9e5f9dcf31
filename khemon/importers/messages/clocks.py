"""The times of messages and resources: their form is the standard's, what it leaves out is asked for."""

from __future__ import annotations

import re

from khemon.importers.staging import ACCEPTED, REVIEW
from khemon.importers.times import Clock, Moment

#: Year, month, day, hour, minute, second and its fraction, offset; and the offset of the whole message behind it.
HL7_TIME = re.compile(
    r"(?P<date>\d{4}(?:\d\d(?:\d\d)?)?)(?P<time>\d{4}(?:\d\d(?:\.\d{1,4})?)?)?(?P<zone>[+-]\d{4})?"
    r"(?: \(MSH-7: (?P<sender>[+-]\d{4})\))?",
    re.ASCII,
)
HL7_HOUR = re.compile(r"\d{10}(?:[+-]\d{4})?(?: \(MSH-7: [+-]\d{4}\))?", re.ASCII)
FHIR_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII)
FHIR_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?", re.ASCII)
WHOLE_DATE = 8
NO_TIME_OF_DAY = Moment(None, REVIEW, ("no_time_of_day: a date without hour and minute",))
NO_DATE = Moment(None, REVIEW, ("no_time_of_day: a date without its day",))


class Hl7Clock(Clock):
    """Reads times such as 20250106081200+0100; without an offset in the ward's time zone."""

    def _read(self, text: str) -> Moment:
        if not text:
            return super()._read("")
        match = HL7_TIME.fullmatch(text)
        # Ten figures are a date with an hour, not a time without a day.
        if HL7_HOUR.fullmatch(text):
            return NO_TIME_OF_DAY
        if match is None or (match["time"] and len(match["date"]) != WHOLE_DATE):
            return Moment(None, "rejected", ("unreadable_time: not a time of HL7 v2 (YYYYMMDDHHMM[SS][+ZZZZ])",))
        if not match["time"]:
            return NO_TIME_OF_DAY if len(match["date"]) == WHOLE_DATE else NO_DATE
        date, time = match["date"], match["time"]
        seconds = f":{time[4:]}" if len(time) > 4 else ""
        plain = f"{date[:4]}-{date[4:6]}-{date[6:]}T{time[:2]}:{time[2:4]}{seconds}"
        if match["zone"] or not match["sender"]:
            return self._iso(plain + (match["zone"] or ""))
        return self._of_sender(plain, match["sender"])

    def _of_sender(self, plain: str, zone: str) -> Moment:
        """A time without an offset in a message that has one: held where the ward's time zone says otherwise."""
        here, there = self._iso(plain), self._iso(plain + zone)
        if here.decision != ACCEPTED or here.ms == there.ms:
            return here
        reason = "zone_in_doubt: the offset in MSH-7 is not that of the ward's time zone at this time"
        return Moment(there.ms, REVIEW, (*there.reasons, reason))


class FhirClock(Clock):
    """Reads the dateTime and instant of FHIR; one with a time of day needs its offset."""

    def _read(self, text: str) -> Moment:
        match = FHIR_TIME.fullmatch(text)
        if not text:
            return super()._read("")
        if match is None:
            if FHIR_DATE.fullmatch(text):
                return NO_TIME_OF_DAY if text.count("-") > 1 else NO_DATE
            return Moment(None, "rejected", ("unreadable_time: not a dateTime of FHIR",))
        moment = self._iso(text)
        if match["zone"] or moment.ms is None:
            return moment
        reason = "no_zone: FHIR states a time with its offset; this one was read in the ward's time zone; confirm"
        return Moment(moment.ms, REVIEW, (*moment.reasons, reason))

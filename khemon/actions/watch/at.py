"""The moment of a look: by which protocol, on which clock, at which time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol as Interface
from zoneinfo import ZoneInfo

from khemon.rules import Protocol


class Looking(Interface):
    """Whatever is looked at as of a moment."""

    @property
    def protocol(self) -> Protocol:
        """The protocol in use."""

    @property
    def zone(self) -> ZoneInfo:
        """The ward's zone."""

    @property
    def now(self) -> dt.datetime:
        """As of when; aware."""


@dataclass(frozen=True, slots=True)
class At:
    """A moment without anything looked at yet."""

    protocol: Protocol
    zone: ZoneInfo
    now: dt.datetime

    @property
    def midnight(self) -> dt.datetime:
        """When the ward's calendar turns the page."""
        tomorrow = self.now.astimezone(self.zone).date() + dt.timedelta(days=1)
        return dt.datetime.combine(tomorrow, dt.time.min, self.zone).astimezone(dt.UTC)

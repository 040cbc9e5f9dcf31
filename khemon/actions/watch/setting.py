"""What a store says about itself: its zone, its protocol, and whether everything in it is made up."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.actions.live import live_protocol
from khemon.rules import Protocol
from khemon.store import Reader


@dataclass(frozen=True, slots=True)
class Setting:
    """The ward's zone (and its name), the protocol, and whether the data are synthetic."""

    timezone: str
    protocol: Protocol
    synthetic: bool

    @property
    def zone(self) -> ZoneInfo:
        """The ward's zone."""
        return ZoneInfo(self.timezone)


def setting_of(reader: Reader) -> Setting:
    """The settings as they stand; UTC until a zone was chosen."""
    protocol = live_protocol(reader)
    return Setting(reader.setting("timezone") or "UTC", protocol, reader.setting("synthetic") is not None)

"""What a store says about itself: its zone, its protocol, and whether everything in it is made up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from khemon.rules import Protocol, load_protocol
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


@lru_cache(maxsize=8)
def _protocol(name: str) -> Protocol:
    return load_protocol(name)


def setting_of(reader: Reader) -> Setting:
    """The settings as they stand; UTC until a zone was chosen."""
    protocol = _protocol(reader.setting("protocol") or "ward")
    return Setting(reader.setting("timezone") or "UTC", protocol, reader.setting("synthetic") is not None)

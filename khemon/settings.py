"""What a site sets: keyword arguments first, then the environment (`KHEMON_…`), then defaults."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platformdirs import user_data_path
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

#: The store's own setting that marks its children as invented. Any value counts; absent means real.
SYNTHETIC = "synthetic"

#: Where the dashboard listens when nobody says otherwise, if that port is free.
USUAL_PORT = 8501


def default_database_url() -> str:
    """URL of the SQLite file in the user's data folder."""
    return f"sqlite:///{Path(user_data_path('khemon', appauthor=False)) / 'khemon.db'}"


class Settings(BaseSettings):
    """Settings of one process."""

    model_config = SettingsConfigDict(env_prefix="KHEMON_", env_ignore_empty=True, frozen=True, extra="forbid")

    database_url: str = Field(default_factory=default_database_url)
    #: The ward's time zone (IANA name); None leaves it to the store.
    timezone: str | None = None
    #: Whether no file makes a patient: rows of an id that nobody has wait for a person.
    closed_patient_list: bool = False
    #: A folder of fonts for letters that the print does not have by itself, such as Chinese ones.
    print_fonts: Path | None = None
    #: `demo` signs in by itself over synthetic data; `serve` asks for the link it printed.
    mode: Literal["demo", "serve"] = "serve"
    host: str = "127.0.0.1"
    #: The address people type when a TLS proxy on this machine stands before the server: https://khemon.hospital.example
    public_origin: str | None = None
    #: None: the usual port, or any free one if it is taken. 0: any free one. Otherwise exactly this one.
    port: int | None = Field(default=None, ge=0, le=65535)

    @field_validator("public_origin")
    @classmethod
    def _plain_origin(cls, origin: str | None) -> str | None:
        if origin is not None and not re.fullmatch(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?", origin):
            raise ValueError(
                "use https:// and a host name in lower case, without a path: https://khemon.hospital.example"
            )
        return origin

    @field_validator("print_fonts")
    @classmethod
    def _folder_of_fonts(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError("there is no such folder; name one that holds .ttf, .otf or .ttc files")
        return folder

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
                raise ValueError(
                    "unknown time zone; use an IANA name, for example Europe/Berlin or Asia/Shanghai"
                ) from unknown
        return name


def operating_system_user() -> str:
    """The name of the user this process runs as, by the system's own account, not by the environment."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, OSError):
        return getpass.getuser()

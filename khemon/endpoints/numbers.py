"""The numbers the endpoints use, as they stand in endpoints.toml, each with its unit and where it comes from."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from khemon.models import Frozen, RulebookProblem
from khemon.rules.parameters import Number

FOLDER = Path(__file__).parent


class Statistics(Frozen):
    """What intervals and quartiles are made with."""

    confidence: Number
    half: Number
    quartile: Number


class Printing(Frozen):
    """How figures are rounded: khemon's own in one step, the paper's in two."""

    paper_first_decimals: Number
    percent_decimals: Number


class EndpointNumbers(Frozen):
    """The whole of endpoints.toml."""

    name: str
    version: str
    statistics: Statistics
    printing: Printing


@cache
def endpoint_numbers() -> EndpointNumbers:
    """The numbers that come with khemon. RulebookProblem names the field that is wrong."""
    path = FOLDER / "endpoints.toml"
    try:
        return EndpointNumbers.model_validate(tomllib.loads(path.read_text("utf-8"), parse_float=Decimal))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RulebookProblem(f"{path.name}, {field}", first["msg"], "mend it") from error

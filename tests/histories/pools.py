"""What values, times and places the histories are made of: each limit of the definitions, and one step either side."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

ZONES = ("UTC", "Europe/Berlin", "Asia/Shanghai", "America/Chicago")
#: First days; those with a change of clock in Berlin or Chicago a few days or weeks later come first.
FIRST_DAYS = (
    dt.date(2024, 3, 8),
    dt.date(2024, 3, 29),
    dt.date(2024, 10, 25),
    dt.date(2024, 11, 2),
    dt.date(2024, 2, 27),
    dt.date(2023, 12, 30),
    dt.date(2024, 6, 3),
)
#: Times of day, minutes after midnight: the edges of a day, the hours that clocks skip or repeat, the ward's rounds.
MINUTES_OF_DAY = (0, 1, 30, 90, 150, 360, 480, 600, 720, 1080, 1410, 1439)

PLATELETS = "5 9 9.9 10 10.1 11 29 29.9 30 31 49 49.9 50 51 80 99 99.9 100 100.1 101 150 249 250 251 400"
FIBRINOGEN = "0.3 0.49 0.5 0.51 0.9 0.99 1.0 1.01 1.2 1.59 1.6 1.61 1.8 2.5"
D_DIMER = "0.2 0.24 0.25 0.26 0.3 0.5 0.51 0.52 1.0 1.4 2.79 2.8 2.81 5 20"
HEMOGLOBIN = "48 59 59.9 60 60.1 61 80 100"


def numbers(text: str) -> tuple[Decimal, ...]:
    """The numbers of a line, exact."""
    return tuple(Decimal(word) for word in text.split())


#: Analyte -> phase of the illness -> values that fit it. "any" holds all.
POOLS: dict[str, dict[str, tuple[Decimal, ...]]] = {
    "platelets": {
        "any": numbers(PLATELETS),
        "low": numbers("5 9 10 20 29 30 49 49.9 50 60 80 99 99.9"),
        "slightly_low": numbers("50 51 70 88 95 99 99.9"),
        "good": numbers("100 100.1 101 120 150 250 300 400"),
    },
    "fibrinogen": {
        "any": numbers(FIBRINOGEN),
        "low": numbers("0.3 0.5 0.8 1.0 1.5 1.59 1.6"),
        "slightly_low": numbers("1.2 1.59 1.6 1.61 2.0"),
        "good": numbers("1.61 1.7 2.0 2.5 3.1"),
        "mended": numbers("1.6 1.61 2.0"),
    },
    "d_dimer": {
        "any": numbers(D_DIMER),
        "low": numbers("0.51 1.0 2.8 2.81 5 12 20"),
        "slightly_low": numbers("0.5 0.51 1.0 2.8"),
        "good": numbers("0.2 0.25 0.3 0.5 0.51"),
        "mended": numbers("0.2 0.25 0.25 0.26 0.5"),
    },
    "hemoglobin": {
        "any": numbers(HEMOGLOBIN),
        "low": numbers("48 59 59.9 60 61"),
        "slightly_low": numbers("60 61 80"),
        "good": numbers("80 100 115"),
    },
}
COMPARATORS = ("<", "<=", ">", ">=")
BASES = ("FEU", "FEU", "DDU", "unknown")
QUALITIES = ("clumped", "clotted", "contaminated", "wrong_patient", "insufficient", "hemolyzed", "lipemic")
STATUSES = ("preliminary", "final", "final", "corrected", "corrected", "cancelled", "entered_in_error")
PRODUCTS = {
    "platelets": ("platelet_transfusion", "exchange_transfusion"),
    "fibrinogen": ("plasma", "cryoprecipitate", "fibrinogen_concentrate", "exchange_transfusion"),
}
CLOSING = ("death", "transfer_out", "follow_up_end")

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
#: Elapsed steps between samples in the dense stretches: around 12 h, 24 h and 72 h.
SHORT_STEPS = (
    HOUR,
    6 * HOUR,
    11 * HOUR + 59 * MINUTE,
    12 * HOUR,
    18 * HOUR,
    24 * HOUR,
    24 * HOUR + MINUTE,
    30 * HOUR,
    72 * HOUR,
)
#: Calendar steps of the runs, and the lengths runs aim at.
LONG_STEPS = (1, 2, 3, 4, 7, 7, 7, 9, 10, 12, 13, 14, 14, 14, 15, 28, 31, 32)
RUN_LENGTHS = (3, 6, 7, 8, 20, 27, 27, 28, 28, 28, 28, 29, 35, 42, 60)

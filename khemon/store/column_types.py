"""The five column types of the store: STRICT tables refuse what SQLAlchemy's usual ones compile to."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MILLISECOND = dt.timedelta(milliseconds=1)


def ms_of(time: dt.datetime) -> int:
    """Milliseconds since 1970 UTC of an aware time; a naive one is refused."""
    return (time - EPOCH) // MILLISECOND


def time_of(ms: int) -> dt.datetime:
    """The aware UTC time of milliseconds since 1970."""
    return EPOCH + ms * MILLISECOND


class Text(sa.types.TypeDecorator[str]):
    """Text as received: never trimmed, never folded."""

    impl = sa.Text
    cache_ok = True


class Integer(sa.types.TypeDecorator[int]):
    """A 64-bit integer on both databases."""

    impl = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")
    cache_ok = True


class Utc(sa.types.TypeDecorator[int]):
    """A moment as integer milliseconds since 1970 UTC: order of numbers is order of events, in every zone."""

    impl = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")
    cache_ok = True


class Real(sa.types.TypeDecorator[float]):
    """A 64-bit float; infinity is allowed (the open end of `>20`), not-a-number is refused by the tables."""

    impl: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
    cache_ok = True


class Blob(sa.types.TypeDecorator[bytes]):
    """Bytes."""

    impl = sa.LargeBinary
    cache_ok = True

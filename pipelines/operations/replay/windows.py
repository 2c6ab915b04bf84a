"""Hours of measurements, as conditions on silver.metrics and on gold.metric_rollup."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What one commit replaces at most.
_MOST_HOURS = 24


@dataclass(frozen=True)
class Windows:
    """The windows of some hours (UTC), in order: those of the hours themselves and those of their minutes."""

    hours: tuple[datetime, ...]

    def within(self, column: str) -> str:
        """SQL: `column` (timestamp) is in one of the hours; as few ranges as can be, by which files can be told."""
        ranges: list[tuple[datetime, datetime]] = []
        for hour in self.hours:
            if ranges and ranges[-1][1] == hour:
                ranges[-1] = (ranges[-1][0], hour + _HOUR)
            else:
                ranges.append((hour, hour + _HOUR))
        return " OR ".join(
            f"(`{column}` >= {_literal(start)} AND `{column}` < {_literal(end)})" for start, end in ranges
        )


def hours_of(rows: DataFrame) -> frozenset[datetime]:
    """The hours that rows of silver.metrics are measured in."""
    # As numbers: a datetime of Python would be local time, which has an hour twice in the year.
    micros = F.unix_micros(F.date_trunc("hour", "event_time")).alias("at")
    return frozenset(_EPOCH + timedelta(microseconds=row["at"]) for row in rows.select(micros).distinct().collect())


def in_parts(hours: Iterable[datetime], lost: Collection[date]) -> tuple[Windows, ...]:
    """In order, without those of the days `lost`, so many at a time as one commit replaces."""
    kept = sorted(hour for hour in hours if hour.date() not in lost)
    return tuple(Windows(tuple(kept[at : at + _MOST_HOURS])) for at in range(0, len(kept), _MOST_HOURS))


def _literal(moment: datetime) -> str:
    return f"TIMESTAMP'{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"

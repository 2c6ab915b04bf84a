"""The times of syslog: RFC 3339, or by RFC 3164 the month's name, a day and the clock, without year and zone."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.times import to_time_of_any_format

# The clocks of senders may be ahead: a time up to so long after the arrival is of the year in which that is.
_AHEAD = "INTERVAL 1 DAY"
# The years that it may be of, from the arrival's, latest first: 29 February is not in each.
_YEARS = (1, 0, -1, -2, -3, -4)


def time_of(written: Column, arrival: Column) -> Column:
    """Text → timestamp, UTC where it names no zone. Of the years that make it a date, the last before the arrival."""
    single_spaced = F.regexp_replace(written, " +", " ")
    whole = F.regexp_extract(single_spaced, r"^[^.]*", 0)
    dated = F.try_to_timestamp(whole, F.lit("MMM d yyyy HH:mm:ss"))
    candidates = [
        F.try_to_timestamp(
            F.concat((F.year(arrival) + years).cast("string"), F.lit(" "), whole), F.lit("yyyy MMM d HH:mm:ss")
        )
        for years in _YEARS
    ]
    latest = arrival + F.expr(_AHEAD)
    undated = F.coalesce(*(F.when(each <= latest, each) for each in candidates))
    fraction = F.rpad(F.substring(F.regexp_extract(single_spaced, r"\.(\d+)", 1), 1, 6), 6, "0")
    micros = F.coalesce(fraction.try_cast("bigint"), F.lit(0))
    named = F.timestamp_micros(F.unix_micros(F.coalesce(dated, undated)) + micros)
    is_named = F.rlike(single_spaced, F.lit("^[A-Z][a-z]{2} "))
    return F.coalesce(F.when(is_named, named), to_time_of_any_format(written))

"""Times as our sources write them → timestamp: eleven formats, told by their shape.

The two formats of the families that send most are read in `values`, which is faster.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.values import EARLIEST_MS, LATEST_MS, to_time

_US = r"^(\d{1,2}/\d{1,2}/\d{4})[ T,]+(\d{1,2}:\d\d)(:\d\d)?([.]\d{1,9})?\s*([AaPp][Mm])?\s*(?:Z|([+-]\d\d:\d\d))?$"


def to_time_of_any_format(text: Column) -> Column:
    """A time as any of our sources writes it → timestamp (µs), null if it is none. UTC where it names no zone.

    ISO 8601 (also with a comma, `+0000`, ` UTC`, ` +0000 UTC`, or a date alone), seconds, milli-, micro- or nanoseconds
    since 1970, US month-first with or without AM and PM, RFC 1123, and the month's name as syslog and Java write it.
    """
    # Nearly all are in the one format that needs no regular expression. The others are read in a lambda, which Spark
    # interprets: written into the code of every family, they would be most of it, and often more than Java allows.
    return F.coalesce(to_time(text), once(F.btrim(text), _of_another_format))


def _of_another_format(bare: Column) -> Column:
    is_number = F.rlike(bare, F.lit(r"^\d{9,19}(\.\d+)?$"))
    is_iso = F.rlike(bare, F.lit(r"^\d{4}-\d\d-\d\d"))
    is_basic = F.rlike(bare, F.lit(r"^\d{8}T\d{6}"))
    is_us = F.rlike(bare, F.lit(r"^\d{1,2}/\d{1,2}/\d{4}"))
    return (
        F.when(is_iso, _iso(bare))
        .when(is_number, epoch_to_time(bare))
        .when(is_us, _us(bare))
        .when(is_basic, F.try_to_timestamp(F.substring(bare, 1, 15), F.lit("yyyyMMdd'T'HHmmss")))
        .otherwise(_named_month(bare))
    )


def epoch_to_time(text: Column) -> Column:
    """Digits since 1970, their unit told by how many there are: up to 11 seconds, 14 ms, 17 µs, else ns → timestamp."""
    number = text.try_cast("decimal(38,9)")
    digits = F.length(F.substring_index(text, ".", 1))
    micros = number * F.when(digits <= 11, 1_000_000).when(digits <= 14, 1_000).when(digits <= 17, 1).otherwise(
        F.lit("0.001").cast("decimal(4,3)")
    )
    whole = F.floor(micros).try_cast("bigint")
    return F.when(F.floor(whole / 1000).between(EARLIEST_MS, LATEST_MS), F.timestamp_micros(whole))


def _iso(text: Column) -> Column:
    with_seconds = F.regexp_replace(text, r"^(\S{10}[T ]\d\d:\d\d)(Z|$)", "$1:00$2")
    without_zone_name = F.regexp_replace(with_seconds, r"( [+-]\d{4})? (UTC|GMT)$", "Z")
    spaced = F.regexp_replace(without_zone_name, r" ?([+-]\d\d):?(\d\d)$", "$1:$2")
    dotted = F.when(F.contains(spaced, F.lit(",")), F.replace(spaced, F.lit(","), F.lit("."))).otherwise(spaced)
    # `-05` at the end of a bare date is its day.
    date = F.when(F.rlike(text, F.lit(r"^\d{4}-\d\d-\d\d$")), text.try_cast("timestamp"))
    return F.coalesce(date, to_time(dotted))


def _us(text: Column) -> Column:
    date, minutes, seconds, fraction, half, zone = (F.regexp_extract(text, _US, group) for group in range(1, 7))
    offset = F.when(zone == "", "+00:00").otherwise(zone)
    clock = F.concat_ws(" ", date, F.concat(minutes, F.when(seconds == "", ":00").otherwise(seconds)), offset)
    exact = F.when(half == "", F.try_to_timestamp(clock, F.lit("M/d/yyyy H:mm:ss xxx"))).otherwise(
        F.try_to_timestamp(F.concat(clock, F.lit(" "), F.upper(half)), F.lit("M/d/yyyy h:mm:ss xxx a"))
    )
    micros = F.coalesce(F.floor(F.concat(F.lit("0"), fraction).try_cast("decimal(12,9)") * 1_000_000), F.lit(0))
    with_fraction = F.timestamp_micros(F.unix_micros(exact) + micros.cast("bigint"))
    date_alone = F.when(F.rlike(text, F.lit(r"^[\d/]+$")), F.try_to_timestamp(text, F.lit("M/d/yyyy")))
    return F.coalesce(F.when(date != "", with_fraction), date_alone)


def _named_month(text: Column) -> Column:
    """`Mon, 02 Jan 2006 15:04:05 GMT`, `02/Jan/2006:15:04:05 +0000`, `Jan 2, 2006 3:04:05 PM`."""
    without_day = F.regexp_replace(text, r"^[A-Z][a-z]{2,8}, ", "")
    utc = F.regexp_replace(without_day, r" (GMT|UTC|Z)$", " +0000")
    formats = ("d MMM yyyy HH:mm:ss Z", "dd/MMM/yyyy:HH:mm:ss Z", "MMM d, yyyy h:mm:ss a", "MMM d HH:mm:ss yyyy")
    return F.coalesce(*(F.try_to_timestamp(utc, F.lit(form)) for form in formats))

"""Text → numbers and times, strictly: null where the text is not one, never an error that stops a stream."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_EARLIEST_MS, _LATEST_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999


def to_number(text: Column) -> Column:
    """A decimal or exponent number, NaN or ±Inf in any case → double. Not Java's `5d`, `1.5f` or hexadecimal."""
    javaism = F.right(text, F.lit(1)).isin("d", "D", "f", "F") & ~F.lower(text).endswith("inf")
    return F.when(~javaism & ~F.contains(F.lower(text), F.lit("0x")), text.try_cast("double"))


def to_time(text: Column) -> Column:
    """ISO 8601 date and time, up to nine fraction digits, UTC where it names no zone → timestamp (µs)."""
    # Spark also takes a year alone, or a time alone, which it would put on today's date.
    whole = (F.length(text) >= 19) & (F.substring(text, 5, 1) == "-") & (F.substring(text, 8, 1) == "-")
    return F.when(whole, text.try_cast("timestamp"))


def epoch_ms_to_time(text: Column) -> Column:
    """Whole milliseconds since 1970 → timestamp, null outside the years 1 to 9999."""
    milliseconds = text.try_cast("bigint")
    return F.when(milliseconds.between(_EARLIEST_MS, _LATEST_MS), F.timestamp_millis(milliseconds))

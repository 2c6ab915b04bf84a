"""Text → numbers and times, strictly: null where the text is not one, never an error that stops a stream.

Every record passes here, so the tests are those that allocate nothing where there is a choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999


def to_number(text: Column) -> Column:
    """A decimal or exponent number, NaN or ±Inf in any case → double. Not Java's `5d`, `1.5f` or hexadecimal."""
    suffixed = _any(F.endswith(text, F.lit(letter)) for letter in "dDfF") & ~F.lower(text).endswith("inf")
    hexadecimal = _any(F.contains(text, F.lit(prefix)) for prefix in ("0x", "0X"))
    return F.when(~suffixed & ~hexadecimal, text.try_cast("double"))


def finite(number: Column) -> Column:
    """null for ±Inf: what a JSON number that no double can hold is read as."""
    return F.when(~is_infinite(number), number)


def is_infinite(number: Column) -> Column:
    return F.abs(number) == float("inf")


def to_time(text: Column) -> Column:
    """ISO 8601 date and time, up to nine fraction digits, UTC where it names no zone → timestamp (µs)."""
    # Spark also takes a year alone, or a time alone, which it would put on today's date.
    whole = (F.octet_length(text) >= 19) & (F.substring(text, 5, 1) == "-") & (F.substring(text, 8, 1) == "-")
    return F.when(whole, text.try_cast("timestamp"))


def epoch_ms_to_time(milliseconds: Column) -> Column:
    """Milliseconds since 1970 → timestamp, null outside the years 1 to 9999."""
    return F.when(milliseconds.between(EARLIEST_MS, LATEST_MS), F.timestamp_millis(milliseconds))


def _any(conditions: Iterable[Column]) -> Column:
    return reduce(lambda one, other: one | other, conditions)

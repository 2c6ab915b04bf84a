"""Octet counting, as syslog goes over TCP and TLS: before each message its count of octets, and nothing between them.

RFC 6587, section 3.4.1; RFC 5425, section 4.3. A value of Kafka that a relay filled from a connection looks so.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import once

_FRAMES = "struct<at: int, frames: array<struct<start: int, octets: int>>>"
# The longest count and the blank behind it.
_COUNT_OCTETS = 7
_BREAKS = "\r\n"
# Where there is no count; what follows is nothing.
_LOST = 0


def frames_of(text: Column) -> Column:
    """The messages as array<string>, without their counts; null unless the counts tell where each ends."""
    counted = F.when(F.rlike(text, F.lit(r"^\d{1,6} <")), F.rtrim(text, F.lit(_BREAKS)))
    return once(counted.cast("binary"), _cut)


def _cut(octets: Column) -> Column:
    # At most so many messages as there are counts before a priority.
    most = F.size(F.split(octets.cast("string"), r"\d <"))

    def next_frame(state: Column, _: Column) -> Column:
        count = F.regexp_extract(F.substring(octets, state["at"], F.lit(_COUNT_OCTETS)).cast("string"), r"^(\d+) ", 1)
        start = state["at"] + F.length(count) + 1
        end = start + count.try_cast("int")
        frame = F.array(F.struct(start.alias("start"), count.try_cast("int").alias("octets")))
        found = F.struct(end.alias("at"), F.concat(state["frames"], frame).alias("frames")).cast(_FRAMES)
        lost = F.struct(F.lit(_LOST).alias("at"), state["frames"].alias("frames")).cast(_FRAMES)
        is_end = (state["at"] == _LOST) | (state["at"] > F.length(octets))
        return F.when(is_end, state).when(count == "", lost).otherwise(found)

    start = F.struct(F.lit(1).alias("at"), F.array().alias("frames")).cast(_FRAMES)
    return once(F.aggregate(F.sequence(F.lit(1), most), start, next_frame), lambda state: _messages(octets, state))


def _messages(octets: Column, state: Column) -> Column:
    """Only if the last ends with the text. Its count may have the line break that was taken off."""
    is_whole = (state["at"] - F.length(octets)).between(1, 1 + len(_BREAKS))
    messages = F.transform(
        state["frames"],
        lambda frame: F.rtrim(
            F.substring(octets, frame["start"], frame["octets"]).cast("string"), F.lit(_BREAKS + "\x00")
        ),
    )
    return F.when(is_whole, messages)

"""The names of members that tell what a record is or holds: one with none of them is of no family."""

from __future__ import annotations

import re
from functools import cache

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.catalogue import RECORD_FAMILIES
from pipelines.sources.reading.hoist import Hoisted, hoisting
from pipelines.sources.reading.variant import member
from pipelines.sources.record_family import RecordFamily

# Members in which a function or a queue is handed others' bytes, or several records: not claimed, but opened.
HOLDING_BYTES = ("awslogs.data", "kinesis.data", "data")
HOLDING_RECORDS = ("Records", "records")
# `$['a']['b']`, as `variant.path` writes it: the member of the record itself, or of what it holds.
_FIRST_STEP = re.compile(r"^\$\['([^']+)'\]")


@cache
def names_of(families: tuple[RecordFamily, ...]) -> frozenset[str]:
    record = F.col("record")
    with hoisting(Hoisted((record,))) as every:
        for family in families:
            family.claims(record, F.col("topic"))
        member(record, *HOLDING_BYTES, *HOLDING_RECORDS)
    steps = map(_FIRST_STEP.match, every.paths)
    return frozenset(step.group(1) for step in steps if step is not None)


def is_foreign(entries: Column) -> Column:
    """Whether a record, as a map of its members, has none of a name that is asked for."""
    names = sorted(names_of(RECORD_FAMILIES))
    return ~F.exists(F.map_keys(entries), lambda name: name.isin(names))

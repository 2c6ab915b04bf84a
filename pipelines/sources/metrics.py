"""What follows from a metric's columns, of any family."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def series_id() -> Column:
    return F.xxhash64("resource_id", "namespace", "metric", in_order("dimensions"))


def in_order(map_name: str) -> Column:
    """The entries of a map, in an order that does not depend on how they were sent."""
    entries = F.map_entries(map_name)
    return F.when(F.size(map_name) > 1, F.sort_array(entries)).otherwise(entries)


def derive_metric() -> dict[str, Column]:
    return {"series_id": series_id()}

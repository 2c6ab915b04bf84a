"""Every record with the facts of its resource: as they are now, or as they were when it was recorded."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.inventory.columns import IS_KNOWN, JOINED


def with_resource(rows: DataFrame, inventory: DataFrame) -> DataFrame:
    """Rows of a silver table, each with the current facts of its resource; null where it is not known."""
    return _joined(rows, inventory.where("is_current"), F.expr("true"))


def with_resource_as_of(rows: DataFrame, inventory: DataFrame) -> DataFrame:
    """The same with the facts that held at the event time of each row."""
    held = (F.col("r.event_time") >= F.col("i.valid_from")) & (
        F.col("i.valid_to").isNull() | (F.col("r.event_time") < F.col("i.valid_to"))
    )
    return _joined(rows, inventory, held)


def _joined(rows: DataFrame, versions: DataFrame, when: Column) -> DataFrame:
    same = F.col("r.resource_id") == F.col("i.resource_id")
    return (
        rows.alias("r")
        .join(versions.alias("i"), same & when, "left")
        .select(
            *(F.col(f"r.`{name}`") for name in rows.columns),
            *(F.col(f"i.{theirs}").alias(ours) for theirs, ours in JOINED),
            F.col("i.resource_id").isNotNull().alias(IS_KNOWN),
        )
    )

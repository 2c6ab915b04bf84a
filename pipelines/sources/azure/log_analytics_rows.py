"""Azure Log Analytics data export: how a row tells its table, and what the rows of all tables share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.variant import text, word

# What has a column in every silver table.
SHARED = ("Type", "TimeGenerated", "Computer", "_ItemId", "_ResourceId", "ResourceId")


class Shared(TypedDict):
    source: Column
    native_id: Column
    resource_id: Column
    host_name: Column


def shared(table: str, record: Column) -> Shared:
    """A machine that Azure does not manage has no resource id; its host name is what identifies it."""
    return Shared(
        source=F.lit(f"azure.log_analytics.{table.lower()}"),
        native_id=word(record, "_ItemId"),
        resource_id=F.lower(word(record, "_ResourceId", "ResourceId", "Computer")),
        host_name=F.lower(word(record, "Computer")),
    )


def is_row_of(table: str) -> Callable[[Column, Column], Column]:
    """Whether a record (variant) of a topic is an exported row of that table."""
    return is_row_of_any(table)


def is_row_of_any(*tables: str) -> Callable[[Column, Column], Column]:
    """The same of several tables."""
    wanted = [table.lower() for table in tables]

    def claims(record: Column, topic: Column) -> Column:
        is_exported = text(record, "TimeGenerated").isNotNull() | text(record, "_ItemId").isNotNull()
        named = F.lower(table_name(record, topic))
        return is_exported & (named.isin(*wanted) if len(wanted) > 1 else named == wanted[0])

    return claims


def table_name(record: Column, topic: Column) -> Column:
    """`Type` is left out of some exports."""
    return F.coalesce(word(record, "Type"), F.regexp_extract(topic, r"^am-(\w+)", 1))

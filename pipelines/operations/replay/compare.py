"""Which rows differ between what a table has and what it should have."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import MapType


@dataclass(frozen=True)
class Change:
    """Rows of a table in the span `before` and `after`; of those `gone` and `came`, of both one for a changed row."""

    table: str
    before: int
    after: int
    gone: int
    came: int

    @property
    def is_none(self) -> bool:
        return not self.gone and not self.came


def change_of(table: str, old: DataFrame, new: DataFrame) -> Change:
    """Compares all columns, and how often a row is there."""
    one, other = (_texts(rows).localCheckpoint() for rows in (old, new.select(*old.columns)))
    return Change(table, one.count(), other.count(), one.exceptAll(other).count(), other.exceptAll(one).count())


def _texts(rows: DataFrame) -> DataFrame:
    content = F.struct(*(_comparable(rows, name) for name in rows.columns))
    return rows.select(F.md5(F.to_json(content).cast("binary")).alias("row"))


def _comparable(rows: DataFrame, name: str) -> Column:
    """A map has no order; bytes are told apart by their hex digits."""
    kind = rows.schema[name].dataType
    if isinstance(kind, MapType):
        return F.sort_array(F.map_entries(name)).alias(name)
    return F.hex(name).alias(name) if kind.simpleString() == "binary" else F.col(name)

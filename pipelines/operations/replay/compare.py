"""Which rows differ between what a table has and what it should have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, MapType, StructField

_TOLERANCE = 1e-9


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


def change_of_windows(
    table: str, keys: tuple[str, ...], ours: tuple[str, ...], old: DataFrame, new: DataFrame
) -> Change:
    """Of tables that have a row a key; all but columns `ours` are compared.

    Doubles that were added in another order differ in their last digits, which is no difference.
    """
    compared = [field for field in old.schema if field.name not in (*keys, *ours)]
    same = reduce(Column.__and__, map(_alike, compared))
    sides = [rows.withColumn("is_there", F.expr("true")).alias(name) for rows, name in ((old, "l"), (new, "r"))]
    joined = sides[0].join(sides[1], [F.col(f"l.{key}") == F.col(f"r.{key}") for key in keys], "full")
    is_old, is_new = (F.col(f"{side}.is_there").isNotNull() for side in ("l", "r"))
    kept = is_old & is_new & same
    found = joined.agg(*(F.count_if(one) for one in (is_old, is_new, is_old & ~kept, is_new & ~kept))).first()
    assert found is not None
    return Change(table, *map(int, found))


def _alike(field: StructField) -> Column:
    one, other = F.col(f"l.{field.name}"), F.col(f"r.{field.name}")
    if isinstance(field.dataType, MapType):
        one, other = (F.sort_array(F.map_entries(side)) for side in (one, other))
    if not isinstance(field.dataType, DoubleType):
        return one.eqNullSafe(other)
    near = F.abs(one - other) <= F.greatest(F.abs(one), F.abs(other)) * _TOLERANCE
    return one.eqNullSafe(other) | F.coalesce(near, F.expr("false"))


def _texts(rows: DataFrame) -> DataFrame:
    content = F.struct(*(_comparable(rows, name) for name in rows.columns))
    return rows.select(F.md5(F.to_json(content).cast("binary")).alias("row"))


def _comparable(rows: DataFrame, name: str) -> Column:
    """A map has no order; bytes are told apart by their hex digits."""
    kind = rows.schema[name].dataType
    if isinstance(kind, MapType):
        return F.sort_array(F.map_entries(name)).alias(name)
    return F.hex(name).alias(name) if kind.simpleString() == "binary" else F.col(name)

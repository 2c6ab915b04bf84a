"""How far a table that is worked out by the day has followed its sources: noted in the commits that it is true of.

A refresh of many days makes several commits. Each says the same of the sources, and which days are still to be done:
after a refresh that was killed, the next one goes on with those.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.settings import Settings
from pipelines.tables import Table, delta_table

_READ, _LEFT = "read_up_to", "left"


@dataclass(frozen=True)
class ReadUpTo:
    """A version of a table; one that was made anew has another `table_id`."""

    table_id: str
    version: int


@dataclass(frozen=True)
class Bookmark:
    """`read_up_to`: of each source what all days of the table have taken in, but for the days that are `left`."""

    read_up_to: dict[str, ReadUpTo]
    left: frozenset[date] = frozenset()

    def to_json(self) -> str:
        read = {name: asdict(one) for name, one in self.read_up_to.items()}
        return json.dumps({_READ: read, _LEFT: [day.isoformat() for day in sorted(self.left)]})

    @classmethod
    def from_json(cls, text: str) -> Bookmark:
        noted = json.loads(text)
        left = frozenset(date.fromisoformat(day) for day in noted.get(_LEFT, ()))
        return cls({name: ReadUpTo(**one) for name, one in noted[_READ].items()}, left)


def bookmark(spark: SparkSession, settings: Settings, table: Table) -> Bookmark:
    """The newest; of nothing where there was no refresh, or its note is older than the table's log."""
    history = delta_table(spark, settings, table).history()
    noted = history.where(F.col("userMetadata").contains(f'"{_READ}"')).orderBy(F.desc("version")).first()
    return Bookmark({}) if noted is None else Bookmark.from_json(noted["userMetadata"])


def newest(spark: SparkSession, settings: Settings, table: Table) -> ReadUpTo:
    """The version that a table is at."""
    delta = delta_table(spark, settings, table)
    version = delta.history(1).select("version").collect()[0][0]
    return ReadUpTo(str(delta.detail().select("id").collect()[0][0]), int(version))

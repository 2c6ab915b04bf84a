"""Judged rows on their way to the silver tables: the good ones by table, the bad ones to quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.quality import reasons
from pipelines.quality.row_rules import broken_counts, broken_rule
from pipelines.quality.tally import Tally
from pipelines.routing.tables import QUARANTINE, RECORD_TABLES
from pipelines.settings import Settings
from pipelines.sources.decode import ARRIVAL, POSITION
from pipelines.tables import Table

# What every judged row has: `why` it goes to quarantine, and why it is `ignored`; both null in a good row.
JUDGED = (*POSITION, "part", *ARRIVAL, "event_id", "source", "why", "ignored", "raw")


@dataclass
class Routed:
    """Judged rows: by the table that the good ones belong to, and those that belong to none."""

    tables: dict[str, list[DataFrame]] = field(default_factory=dict)
    none: list[DataFrame] = field(default_factory=list)
    cached: list[DataFrame] = field(default_factory=list)

    def of(self, table: Table) -> DataFrame | None:
        """The good rows of a table, with its columns."""
        found = [rows.where(is_good()).select(*table.column_names) for rows in self.tables.get(table.name, ())]
        return union(found)

    def tally(self, parameters: Mapping[str, str]) -> Tally:
        """Rows by table, reason and rule. Runs a job over all of them."""
        frames = [
            *(
                _verdicts(rows, table, parameters)
                for table in RECORD_TABLES
                for rows in self.tables.get(table.name, ())
            ),
            *(_verdicts(rows, QUARANTINE, parameters) for rows in self.none),
        ]
        found, counted = Tally(), union(frames)
        by_name = {table.full_name: table for table in (*RECORD_TABLES, QUARANTINE)}
        for row in counted.collect() if counted is not None else ():
            if row["why"] is not None:
                found.bad[row["table"], row["why"]] += row["rows"]
            else:
                found.add_good(by_name[row["table"]], row["rows"], row["broken"])
        return found

    def add(self, more: Routed) -> None:
        for name, frames in more.tables.items():
            self.tables.setdefault(name, []).extend(frames)
        self.none.extend(more.none)
        self.cached.extend(more.cached)

    def keep(self, rows: DataFrame) -> DataFrame:
        """The rows, to be worked out once by whatever job comes first, and without the plan that leads to them.

        What is persisted is found again by its plan, and of two parts of a union that come from the same rows Spark
        changes one's plan: it would be worked out anew by each job.
        """
        kept = rows.localCheckpoint(eager=False)
        self.cached.append(kept)
        return kept

    def release(self) -> None:
        for rows in self.cached:
            rows._jdf.queryExecution().analyzed().rdd().toJavaRDD().unpersist()

    def all(self) -> Iterator[DataFrame]:
        """Every row, with the columns of JUDGED."""
        for rows in (*(rows for several in self.tables.values() for rows in several), *self.none):
            yield rows.select(*JUDGED)

    def bad(self) -> DataFrame | None:
        """The rows for quarantine, with its columns."""
        found = union([rows.where(F.col("why").isNotNull()) for rows in self.all()])
        if found is None:
            return None
        renamed = found.withColumnsRenamed({"why": "reason"}).withColumn("raw", F.col("raw").cast("binary"))
        explained = renamed.withColumn("message", reasons.message(F.col("reason")))
        return explained.withColumn("resolved_at", F.lit(None).cast("timestamp")).select(*QUARANTINE.column_names)


def _verdicts(rows: DataFrame, table: Table, parameters: Mapping[str, str]) -> DataFrame:
    """How many rows of the table there are of each verdict, and how many of the good ones break a rule."""
    known = rows.where(F.col("ignored").isNull()).groupBy("why")
    counted = known.agg(F.count(F.lit(1)).alias("rows"), broken_counts(table, is_good(), parameters).alias("broken"))
    return counted.withColumn("table", F.lit(table.full_name))


def is_good() -> Column:
    return F.col("why").isNull() & F.col("ignored").isNull()


def judge(decoded: DataFrame, table: Table, parameters: Mapping[str, str]) -> DataFrame:
    """Rows of `table` with `unusable`, `ignored` and `raw` → the same with `why`, by the table's row rules too."""
    why = F.when(F.col("ignored").isNull(), F.coalesce("unusable", broken_rule(table, parameters)))
    # The text of what is good is never asked for; so it is not even made.
    raw = F.when(why.isNotNull(), F.col("raw"))
    return decoded.select(*table.column_names, why.alias("why"), "ignored", raw.alias("raw"))


def union(frames: list[DataFrame]) -> DataFrame | None:
    """None if there are none."""
    union = None
    for frame in frames:
        union = frame if union is None else union.unionByName(frame)
    return union


def parameters(settings: Settings) -> dict[str, str]:
    """What stands for the names in row rules."""
    return {"future_tolerance": f"INTERVAL '{settings.silver.future_tolerance}'"}

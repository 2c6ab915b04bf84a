"""Whether two lakehouses that read the same topics hold the same, row for row."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, MapType

from pipelines import bronze
from pipelines.detection import stream as scoring
from pipelines.gold import agent_health, metric_rollup
from pipelines.inventory import store
from pipelines.quality import ledger
from pipelines.routing import RECORD_TABLES, TABLES, to_items
from pipelines.settings import Settings
from pipelines.sources.decode import POSITION
from pipelines.tables import Table, read_table

_EXAMPLES = 5
_TOLERANCE = 1e-9
# When and by which batch a row was written is the run's own affair.
_OWN = {"ingest_time", "sketch", "updated_at"}
# An agent is judged at the present moment, which is another one in each run.
_JUDGED = {"as_of", "state", "state_since", "day", "downtime_seconds", "closed_downtime_seconds"}


def differences(spark: SparkSession, left: Settings, right: Settings) -> dict[str, list[str]]:
    """Table → some of the rows that only one of both has; empty if they agree."""
    repeated = _delivered_repeatedly(spark, right)
    found: dict[str, list[str]] = {}
    for table in (bronze.TABLE, *TABLES, store.TABLE, metric_rollup.TABLE, agent_health.TABLE):
        sides = [_comparable(read_table(spark, settings, table), table, repeated) for settings in (left, right)]
        compare = _unlike_in_sums if table is metric_rollup.TABLE else _only_in_one
        examples = compare(*sides)
        if examples:
            found[table.full_name] = examples
    scored = _only_in_one(*(_scored(spark, settings) for settings in (left, right)))
    found |= {scoring.TABLE.full_name: scored} if scored else {}
    counted = _only_in_one(*(_counted(spark, settings) for settings in (left, right)))
    return found | ({ledger.TABLE.full_name: counted} if counted else {})


def _scored(spark: SparkSession, settings: Settings) -> DataFrame:
    """Which measurements were scored, each once. How high a late one scores depends on the batch that it came in."""
    rows = read_table(spark, settings, scoring.TABLE).where("detector = 'univariate'")
    return rows.select("score_id", "series_id", "resource_id", "metric", "event_time", "value")


def _counted(spark: SparkSession, settings: Settings) -> DataFrame:
    """What all batches of a run together were found to be: how the records were cut into batches is its own affair."""
    rows = read_table(spark, settings, ledger.TABLE).groupBy("table_name", "rule", "action")
    # A reason of the decoder has a row in the batches alone that have such a record.
    checked = F.sum(F.when(F.col("action") == "warn", F.col("checked")))
    return rows.agg(checked.alias("checked"), F.sum("broken").alias("broken")).where("action = 'warn' OR broken > 0")


def _delivered_repeatedly(spark: SparkSession, settings: Settings) -> DataFrame:
    """The event ids that came more than once: which delivery of them is kept is open."""
    items = to_items(read_table(spark, settings, bronze.TABLE), settings)
    return items.where("reason IS NULL").groupBy("event_id").count().where("count > 1").select("event_id").cache()


def _comparable(rows: DataFrame, table: Table, repeated: DataFrame) -> DataFrame:
    kept = rows.drop(*_OWN, *(_JUDGED if table is agent_health.TABLE else ()))
    kept = kept.select(*(_canonical(kept, name) for name in kept.columns))
    if table not in RECORD_TABLES:
        return kept
    marked = kept.join(repeated.withColumn("is_repeated", F.expr("true")), "event_id", "left")
    hidden = {name: F.when(F.col("is_repeated").isNull(), F.col(name)) for name in (*POSITION, "kafka_timestamp")}
    return marked.withColumns(hidden).drop("is_repeated")


def _canonical(rows: DataFrame, name: str) -> Column:
    """A map has no order, and cannot be compared."""
    if name == "told":
        return store.comparable(rows, name)
    if isinstance(rows.schema[name].dataType, MapType):
        return F.sort_array(F.map_entries(name)).alias(name)
    return F.col(name)


def _only_in_one(left: DataFrame, right: DataFrame) -> list[str]:
    sides = [
        side.select(F.to_json(F.struct(*sorted(side.columns)), {"ignoreNullFields": "false"}).alias("row"))
        for side in (left, right)
    ]
    found = []
    for name, (one, other) in {"first": (0, 1), "second": (1, 0)}.items():
        rows = sides[one].exceptAll(sides[other]).limit(_EXAMPLES).collect()
        found += [f"only in the {name}: {row['row'][:1000]}" for row in rows]
    return found


def _unlike_in_sums(left: DataFrame, right: DataFrame) -> list[str]:
    """Doubles that were added in another order differ in their last digits."""
    keys = ["granularity", "window_start", "series_id"]
    same = F.expr("true")
    for field in left.schema:
        one, other = F.col(f"l.{field.name}"), F.col(f"r.{field.name}")
        if isinstance(field.dataType, DoubleType):
            limit = F.greatest(F.abs(one), F.abs(other), F.lit(1.0)) * _TOLERANCE
            same = same & (one.eqNullSafe(other) | F.coalesce(F.abs(one - other) <= limit, F.expr("false")))
        else:
            same = same & one.eqNullSafe(other)
    matches = [F.col(f"l.{key}") == F.col(f"r.{key}") for key in keys]
    joined = left.alias("l").join(right.alias("r"), matches, "full").where(~same)
    rows = joined.select(F.struct("l.*").alias("left"), F.struct("r.*").alias("right")).limit(_EXAMPLES)
    return [str(row.asDict(recursive=True)) for row in rows.collect()]

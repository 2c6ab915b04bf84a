"""Which rows of silver.metrics gold.metric_rollup has counted.

The stream notes its batch in each of its commits, and its checkpoint has where a batch ended in silver.metrics. So this
is exact for a version of the table, whatever the stream is at.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from pipelines.errors import StorageError
from pipelines.gold import metric_rollup
from pipelines.gold.bookmark import newest
from pipelines.gold.metric_rollup import Counted
from pipelines.operations.maintenance.readers import Position, positions_after, query_id
from pipelines.routing import METRICS
from pipelines.settings import Settings
from pipelines.sources.decode import POSITION
from pipelines.tables import delta_table, load_table

PLACE = (*POSITION, "part")
# Maintenance and replays commit too, but not so often in a row.
_COMMITS = 100
_CATCH_UP = f"let stream {metric_rollup.QUERY} catch up (`lakehouse run gold --trigger available-now`)"


def counted_at(spark: SparkSession, settings: Settings) -> tuple[int, Position | None]:
    """The newest version of gold.metric_rollup, and how far into silver.metrics it reaches; None: it has no batch yet.

    Raises StorageError if that cannot be told.
    """
    history = delta_table(spark, settings, metric_rollup.TABLE).history(_COMMITS).select("version", "userMetadata")
    commits = sorted(((int(row["version"]), row["userMetadata"]) for row in history.collect()), reverse=True)
    version = commits[0][0]
    if not version:
        return version, None
    noted = next((found for _, text in commits if (found := Counted.from_json(text)) is not None), None)
    if noted is None:
        raise StorageError(f"gold.metric_rollup: none of its last commits says which batch it is of; {_CATCH_UP}")
    table_id = newest(spark, settings, METRICS).table_id
    checkpoint = settings.checkpoint_path(metric_rollup.QUERY)
    after = positions_after(checkpoint, noted.batch) if query_id(checkpoint) == noted.query_id else ()
    position = next((one for one in after if one.table_id == table_id), None)
    if position is None:
        raise StorageError(
            f"gold.metric_rollup is of another checkpoint than {checkpoint}, or of another silver.metrics: rebuild it "
            "(docs/operations.md, Checkpoints)"
        )
    if position.is_first or position.is_within:
        raise StorageError(f"gold.metric_rollup has counted a part of a commit of silver.metrics; {_CATCH_UP}")
    return version, position


def uncounted(spark: SparkSession, settings: Settings, position: Position, until: int) -> DataFrame:
    """The rows (PLACE, `ingest_time`) that were appended to silver.metrics from `position` to its version `until`."""
    nothing = load_table(spark.read, settings, METRICS).select(*PLACE, "ingest_time").limit(0)
    if position.version > until:
        return nothing
    feed = spark.read.option("readChangeFeed", "true").option("startingVersion", position.version)
    changes = load_table(feed.option("endingVersion", until), settings, METRICS)
    # Commits that remove rows are skipped by the stream (`streams.read_appends`), with what they add.
    removes = F.bool_or(F.col("_change_type") != "insert").over(Window.partitionBy("_commit_version"))
    changes = changes.select(*PLACE, "ingest_time", removes.alias("removes"))
    return changes.where("NOT removes").drop("removes").localCheckpoint()

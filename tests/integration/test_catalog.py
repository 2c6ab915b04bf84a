"""The same code with tables in a catalog: `<catalog>.<layer>.<table>`, in the catalog that every Spark has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze
from pipelines.errors import ContractError, StorageError
from pipelines.gold import agent_health, metric_rollup
from pipelines.gold.bookmark import ReadUpTo
from pipelines.gold.daily import Source, changed_days
from pipelines.operations import late_duplicates
from pipelines.settings import Settings
from pipelines.streams import Trigger, start_appends
from pipelines.tables import (
    LAYERS,
    Table,
    contract,
    delta_table,
    ensure_table,
    load_table,
    read_table,
    save_table,
    table_exists,
)
from tests.conftest import SettingsFactory

METRICS = contract("silver.metrics")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def settings(spark: SparkSession, make_settings: SettingsFactory) -> Iterator[Settings]:
    """Settings with Spark's own catalog, and the schemas in it that a workspace has for us."""
    for layer in LAYERS:
        spark.sql(f"CREATE SCHEMA spark_catalog.{layer}")
    yield make_settings(LAKEHOUSE_CATALOG="spark_catalog")
    for layer in LAYERS:
        spark.sql(f"DROP SCHEMA spark_catalog.{layer} CASCADE")


def filled(spark: SparkSession, table: Table, columns: str, *rows: tuple[Any, ...]) -> DataFrame:
    """Rows of a table with what is given, the rest null."""
    given = spark.createDataFrame(rows, columns)
    missing = {
        column.name: F.lit(None).cast(column.type) for column in table.columns if column.name not in given.columns
    }
    return given.withColumns(missing).select(*table.column_names)


def from_kafka(spark: SparkSession, folder: Path) -> DataFrame:
    """A stream of two records in the columns of the Kafka source."""
    schema = (
        "topic string, partition int, offset bigint, value binary, timestamp timestamp, key binary, "
        "headers array<struct<key: string, value: binary>>"
    )
    frame = spark.createDataFrame([("am-Perf", 0, place, b"{}", NOON, None, None) for place in range(2)], schema)
    frame.coalesce(1).write.parquet(str(folder))
    return spark.readStream.schema(frame.schema).parquet(str(folder))


@pytest.mark.timeout(300)
def test_tables_are_made_streamed_merged_overwritten_and_read_by_name(
    spark: SparkSession, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not table_exists(spark, settings, bronze.TABLE)

    # A stream that appends.
    ensure_table(spark, settings, bronze.TABLE)
    rows = bronze.to_bronze(from_kafka(spark, tmp_path / "kafka"))
    start_appends(rows, settings, bronze.TABLE, "bronze", Trigger.AVAILABLE_NOW, "1 second").awaitTermination()
    assert spark.table("spark_catalog.bronze.telemetry").count() == 2

    # A batch that appends, and a stream that reads and replaces by what it has read.
    columns = (
        "event_id string, topic string, partition int, offset bigint, item int, series_id bigint, source string, "
        "resource_id string, namespace string, metric string, value double, event_time timestamp, "
        "kafka_timestamp timestamp, ingest_time timestamp"
    )
    for offset, event in enumerate(("a", "b", "b")):
        time = NOON + timedelta(days=offset)
        row = (event, "t", 0, offset, 0, 1, "test", "vm", "n", "load", 1.0, time, time, time)
        ensure_table(spark, settings, METRICS)
        save_table(filled(spark, METRICS, columns, row).coalesce(1).write.mode("append"), settings, METRICS)
    metric_rollup.start(spark, settings, Trigger.AVAILABLE_NOW).awaitTermination()
    rollup = read_table(spark, settings, metric_rollup.TABLE).where("granularity = 'PT1M'")
    assert [row.points for row in rollup.collect()] == [1, 1, 1]

    # A merge, older versions, and the feed of changes.
    monkeypatch.setattr(late_duplicates, "RECORD_TABLES", (METRICS,))
    assert late_duplicates.remove_late_duplicates(spark, settings) == {"silver.metrics": 1}
    assert read_table(spark, settings, METRICS).count() == 2
    assert load_table(spark.read.option("versionAsOf", 0), settings, METRICS).count() == 0
    changed = changed_days(spark, settings, Source(METRICS), ReadUpTo("metrics", 2), ReadUpTo("metrics", 4))
    assert changed == {(NOON + timedelta(days=2)).date()}

    # Written anew as a whole, it is the table that it was.
    ensure_table(spark, settings, agent_health.TABLE)
    agent_health.refresh(spark, settings, NOON)
    health = delta_table(spark, settings, agent_health.TABLE)
    (detail,) = health.detail().collect()
    assert tuple(detail["clusteringColumns"]) == agent_health.TABLE.cluster_by
    assert detail["description"] == agent_health.TABLE.question
    assert [row.operation for row in health.history().collect()] == ["WRITE", "CREATE TABLE"]

    # The root has the checkpoints, and nothing of a table.
    assert {path.name for path in settings.root.iterdir()} & {*LAYERS, "_checkpoints"} == {"_checkpoints"}


def test_a_table_of_a_catalog_evolves_with_its_contract(spark: SparkSession, settings: Settings) -> None:
    name = METRICS.sql_name(settings)
    spark.sql(f"CREATE TABLE {name} (event_id string) USING delta")

    ensure_table(spark, settings, METRICS)

    assert set(spark.table(name).columns) == set(METRICS.column_names)
    spark.sql(f"DROP TABLE {name}")
    spark.sql(f"CREATE TABLE {name} (event_id int) USING delta")
    with pytest.raises(ContractError, match=r"silver\.metrics at spark_catalog\.silver\.metrics: column event_id is"):
        ensure_table(spark, settings, METRICS)


def test_what_works_on_files_says_that_a_catalog_has_none(settings: Settings) -> None:
    with pytest.raises(StorageError, match=r"silver\.metrics is in catalog spark_catalog \(setting catalog\)"):
        METRICS.path(settings)

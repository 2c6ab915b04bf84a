"""The same code with tables in a catalog: `<catalog>.<layer>.<table>`, in the catalog that every Spark has."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines import bronze, silver
from pipelines.errors import ContractError, StorageError
from pipelines.gold import agent_health, metric_rollup
from pipelines.inventory import store
from pipelines.operations.run import Job, run_available, streams_of
from pipelines.settings import Settings
from pipelines.streams import Trigger, start_appends
from pipelines.tables import LAYERS, contract, delta_table, ensure_table, load_table, read_table, table_exists
from tests.conftest import NO_SCHEMAS, SettingsFactory

METRICS = contract("silver.metrics")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def settings(spark: SparkSession, make_settings: SettingsFactory) -> Iterator[Settings]:
    """Settings with Spark's own catalog, and the schemas in it that a workspace has for us."""
    for layer in LAYERS:
        spark.sql(f"CREATE SCHEMA spark_catalog.{layer}")
    yield make_settings(LAKEHOUSE_CATALOG="spark_catalog")
    for layer in LAYERS:
        spark.sql(f"DROP SCHEMA spark_catalog.{layer} CASCADE")


def from_kafka(spark: SparkSession, folder: Path) -> DataFrame:
    """A stream of two Prometheus samples of one machine, in the columns of the Kafka source."""
    times = [(NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z") for minutes in (1, 2)]
    samples = [{"labels": {"instance": "a:1"}, "name": "load", "timestamp": time, "value": "1"} for time in times]
    rows = [("prometheus.metrics", 0, place, json.dumps(one).encode(), NOW) for place, one in enumerate(samples)]
    schema = (
        "topic string, partition int, offset bigint, value binary, timestamp timestamp, key binary, "
        "headers array<struct<key: string, value: binary>>"
    )
    frame = spark.createDataFrame([(*row, None, None) for row in rows], schema)
    frame.write.parquet(str(folder))
    return spark.readStream.schema(frame.schema).parquet(str(folder))


@pytest.mark.timeout(300)
def test_tables_are_made_streamed_merged_overwritten_and_read_by_name(
    spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    assert not table_exists(spark, settings, bronze.TABLE)
    ensure_table(spark, settings, bronze.TABLE)
    rows = bronze.to_bronze(from_kafka(spark, tmp_path / "kafka"))
    start_appends(
        rows, settings, bronze.TABLE, bronze.QUERY, Trigger.AVAILABLE_NOW, settings.bronze.trigger_interval
    ).awaitTermination()
    for job in (Job.SILVER, Job.INVENTORY, Job.GOLD):
        run_available(spark, settings, streams_of(job, None, NO_SCHEMAS), lambda _: None, threading.Event())

    assert spark.table("spark_catalog.bronze.telemetry").count() == 2
    assert read_table(spark, settings, METRICS).count() == 2
    assert read_table(spark, settings, store.TABLE).count() == 1
    minutes = read_table(spark, settings, metric_rollup.TABLE).where("granularity = 'PT1M'")
    assert [row.points for row in minutes.collect()] == [1, 1]
    assert load_table(spark.read.option("versionAsOf", 0), settings, METRICS).count() == 0

    # Written anew as a whole, by the judgement of all agents; it is the table it was.
    health = delta_table(spark, settings, agent_health.TABLE)
    (detail,) = health.detail().collect()
    assert tuple(detail["clusteringColumns"]) == agent_health.TABLE.cluster_by
    assert detail["description"] == agent_health.TABLE.question
    assert "REPLACE" not in " ".join(row.operation for row in health.history().collect())

    # Nothing of a table went to the root, which has the checkpoints.
    assert sorted(path.name for path in settings.root.iterdir() if path.name in (*LAYERS, "_checkpoints")) == [
        "_checkpoints"
    ]
    assert silver.QUERY in {path.name for path in (settings.root / "_checkpoints").iterdir()}


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

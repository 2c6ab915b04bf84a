"""gold.quality as the silver stream fills it: after a kill, after a repeated batch, and after an invariant broke."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze, routing, silver
from pipelines.errors import StreamError
from pipelines.operations.run import Job, run_available, streams_of
from pipelines.quality import ledger
from pipelines.settings import Settings
from pipelines.tables import contract, ensure_table, read_table
from tests.conftest import NO_SCHEMAS

NOW = datetime.now(UTC).replace(microsecond=0)
METRICS = contract("silver.metrics")


def send(spark: SparkSession, settings: Settings, offset: int, *values: str) -> None:
    """Values in bronze, as if Kafka had sent them."""
    ensure_table(spark, settings, bronze.TABLE)
    rows = [("prometheus.metrics", 0, offset + place, value.encode(), NOW, NOW) for place, value in enumerate(values)]
    columns = (
        "topic string, partition int, offset bigint, value binary, kafka_timestamp timestamp, ingest_time timestamp"
    )
    frame = spark.createDataFrame(rows, columns)
    frame.write.format("delta").mode("append").save(bronze.TABLE.path(settings))


def sample(name: str, **changes: Any) -> str:
    time = (NOW - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    return json.dumps({"labels": {"instance": "a:1"}, "name": name, "timestamp": time, "value": "1", **changes})


def run_silver(spark: SparkSession, settings: Settings) -> None:
    run_available(spark, settings, streams_of(Job.SILVER, None, NO_SCHEMAS), lambda _: None, threading.Event())


def counts(spark: SparkSession, settings: Settings) -> dict[tuple[str, str, str], list[tuple[int, int]]]:
    """By table, rule and action: checked and broken of each batch that broke it."""
    rows = read_table(spark, settings, ledger.TABLE).where("broken > 0").orderBy("batch_id").collect()
    found: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for row in rows:
        found.setdefault((row.table_name, row.rule, row.action), []).append((row.checked, row.broken))
    return found


@pytest.mark.timeout(300)
def test_every_batch_is_counted_once_and_a_repeated_one_not_again(spark: SparkSession, settings: Settings) -> None:
    old = (NOW - timedelta(days=3)).isoformat().replace("+00:00", "Z")
    localhost = sample("c", labels={"instance": "localhost:9100"})
    send(spark, settings, 0, sample("a"), sample("b", timestamp=old), sample("d", timestamp="x"), "nonsense")
    run_silver(spark, settings)
    send(spark, settings, 10, localhost, localhost, sample("e", value="NaN"))
    run_silver(spark, settings)
    expected = {
        ("silver.metrics", "stale_time", "warn"): [(2, 1)],
        ("silver.metrics", "bad_time", "quarantine"): [(3, 1)],
        ("silver.quarantine", "malformed_json", "quarantine"): [(1, 1)],
        # The second delivery of it is a repeat.
        ("silver.metrics", "shared_resource", "warn"): [(2, 1)],
        ("silver.metrics", "not_finite", "warn"): [(2, 1)],
    }
    assert counts(spark, settings) == expected
    before = read_table(spark, settings, ledger.TABLE).count()

    # Killed between the write of the last batch and its commit.
    commits = settings.checkpoint_path("silver") / "commits"
    last = max(int(path.name) for path in commits.iterdir() if path.name.isdigit())
    for path in (commits / str(last), commits / f".{last}.crc"):
        path.unlink(missing_ok=True)
    run_silver(spark, settings)

    assert (commits / str(last)).exists(), "the batch was not repeated"
    assert counts(spark, settings) == expected
    assert read_table(spark, settings, ledger.TABLE).count() == before


@pytest.mark.timeout(300)
def test_a_defect_of_ours_stops_the_stream_and_after_its_correction_nothing_is_missing(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(spark, settings, 0, sample("a"), sample("b"))

    def defective(rows: DataFrame, settings: Settings) -> DataFrame:
        return routing.to_items(rows, settings).withColumn("series_id", F.lit(None).cast("bigint"))

    with monkeypatch.context() as before_the_fix:
        before_the_fix.setattr(silver, "to_items", defective)
        with pytest.raises(StreamError) as told:
            run_silver(spark, settings)
    assert str(told.value).startswith("stream silver failed: table silver.metrics, rule no_series: 2 rows break it, ")
    assert "for example topic prometheus.metrics, partition 0, offset " in str(told.value)
    assert "start the job again" in str(told.value)
    assert "Traceback" not in str(told.value)
    assert read_table(spark, settings, METRICS).count() == 0

    run_silver(spark, settings)

    assert read_table(spark, settings, METRICS).where("series_id IS NOT NULL").count() == 2
    assert counts(spark, settings) == {}
    assert read_table(spark, settings, ledger.TABLE).where("rule = 'no_series'").select("checked").collect() == [(2,)]

"""A crash between the write of a micro-batch and its commit file: the batch comes again, and changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.local.simulator import FleetSize, Simulation, SimulationConfig
from pipelines.operations.reconcile import reconcile
from pipelines.settings import Settings
from pipelines.tables import all_contracts, read_table
from tests.conftest import NO_SCHEMAS, Kafka, SettingsFactory, catch_up, score_all

QUERIES = (
    "bronze", "silver", "silver_anomaly_scores", "silver_peer_scores", "silver_log_patterns", "silver_inventory",
    "gold_metric_rollup", "gold_agent_health",
)  # fmt: skip
# When a row was judged, which is told anew each time.
_VOLATILE = ("as_of", "downtime_seconds", "state", "state_since", "day", "closed_downtime_seconds")


def forget_last_commit(settings: Settings, query: str) -> int:
    """Delete the newest `commits/N` of a checkpoint, as a crash just before it would leave it; its N."""
    commits = settings.checkpoint_path(query) / "commits"
    last = max(int(path.name) for path in commits.iterdir() if path.name.isdigit())
    for path in (commits / str(last), commits / f".{last}.crc"):
        path.unlink(missing_ok=True)
    return last


def last_commit(settings: Settings, query: str) -> Path:
    commits = settings.checkpoint_path(query) / "commits"
    return max((path for path in commits.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def contents(spark: SparkSession, settings: Settings) -> dict[str, list[Any]]:
    found = {}
    for table in all_contracts():
        if not DeltaTable.isDeltaTable(spark, table.path(settings)):
            continue  # no stream writes it
        rows = read_table(spark, settings, table).drop(*_VOLATILE)
        texts = rows.select(F.to_json(F.struct("*"), {"ignoreNullFields": "false"}).alias("row"))
        found[table.full_name] = sorted(row["row"] for row in texts.collect())
    return found


@pytest.fixture
def processed(spark: SparkSession, kafka: Kafka, make_settings: SettingsFactory) -> Settings:
    """A lakehouse that took a simulation in two rounds, so that the last batch of each query is not its first."""
    settings = make_settings(**kafka.environ)
    start = datetime.now(UTC) - timedelta(minutes=10)
    simulation = Simulation(
        SimulationConfig(
            start=start,
            duration=timedelta(minutes=8),
            seed=11,
            fleet=FleetSize.of(8),
            interval_seconds=20,
            bad_share=0.02,
            duplicate_share=0.05,
            late_share=0.02,
            control_share=0.05,
        )
    )
    messages = list(simulation.messages())
    half = len(messages) // 2
    for part in (messages[:half], messages[half:]):
        kafka.publish(part)
        catch_up(spark, settings, kafka.bootstrap)
        score_all(spark, settings)
    return settings


@pytest.mark.timeout(900)
def test_a_repeated_batch_changes_nothing(spark: SparkSession, kafka: Kafka, processed: Settings) -> None:
    before = contents(spark, processed)
    for query in QUERIES:
        number = forget_last_commit(processed, query)

        catch_up(spark, processed, kafka.bootstrap)
        score_all(spark, processed)

        assert int(last_commit(processed, query).name) >= number, f"{query} did not repeat its batch"
        after = contents(spark, processed)
        for table, rows in before.items():
            assert after[table] == rows, f"{table} changed when {query} repeated its last batch"
    assert all(balance.holds for balance in reconcile(spark, processed, NO_SCHEMAS))

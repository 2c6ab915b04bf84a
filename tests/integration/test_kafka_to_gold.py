"""From Kafka to gold: what the simulator says it sent is what the tables hold, and running again changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze, routing
from pipelines.gold import agent_health, metric_rollup
from pipelines.inventory import store
from pipelines.local.simulator import FleetSize, IncidentKind, Simulation, SimulationConfig, Summary
from pipelines.local.simulator.incidents import AWS, HEARTBEAT, PERF, PROMETHEUS, TOPICS
from pipelines.operations import query
from pipelines.operations.reconcile import TopicBalance, reconcile
from pipelines.settings import Settings
from pipelines.tables import Table, all_contracts, read_table
from tests.conftest import NO_SCHEMAS, Kafka, SettingsFactory, catch_up

REASONS = {
    "missing_time": "bad_time",
    "future_time": "future_time",
    "non_numeric_value": "bad_value",
    "missing_value": "no_value",
    "truncated_json": "malformed_json",
    "wrong_shape": "wrong_shape",
    "invalid_utf8": "invalid_utf8",
    "unknown_envelope": "unknown_envelope",
    "empty_value": "empty_value",
    "tombstone": "null_value",
}


class Lakehouse:
    """The tables after one simulation went through, and the truth about it."""

    def __init__(self, spark: SparkSession, settings: Settings, kafka: Kafka, simulation: Simulation) -> None:
        self.spark, self.settings, self.kafka, self.simulation = spark, settings, kafka, simulation

    @property
    def sent(self) -> Summary:
        return self.simulation.summary()

    def table(self, contract: Any) -> DataFrame:
        return read_table(self.spark, self.settings, contract)

    def versions(self) -> dict[str, int]:
        """Rows of every table, and when those of gold last changed (µs): no second run may add to it."""
        made = [table for table in all_contracts() if DeltaTable.isDeltaTable(self.spark, table.path(self.settings))]
        tables = [table for table in made if table.full_name != "gold.quality_checks"]  # of no stream
        counts = {table.full_name: self.table(table).count() for table in tables}
        changed = self.table(metric_rollup.TABLE).agg(F.unix_micros(F.max("updated_at"))).first()
        assert changed is not None
        counts["rollup changed"] = changed[0]
        return counts


@pytest.fixture(scope="module")
def lakehouse(spark: SparkSession, broker: str, tmp_path_factory: pytest.TempPathFactory) -> Lakehouse:
    from pipelines.settings import load_settings

    kafka = Kafka(broker)
    root = tmp_path_factory.mktemp("kafka-to-gold")
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(root), **kafka.environ})
    now = datetime.now(UTC)
    simulation = Simulation(
        SimulationConfig(
            start=now - timedelta(minutes=30),
            duration=timedelta(minutes=30),
            seed=5,
            fleet=FleetSize.of(20),
            bad_share=0.02,
            duplicate_share=0.05,
            late_share=0.03,
            control_share=0.05,
        )
    )
    kafka.publish(simulation.messages())
    for job in ("bronze", "silver", "inventory", "gold"):
        catch_up(spark, settings, kafka.bootstrap, job)
    return Lakehouse(spark, settings, kafka, simulation)


@pytest.fixture(scope="module")
def balances(lakehouse: Lakehouse) -> dict[str, TopicBalance]:
    return {balance.topic: balance for balance in reconcile(lakehouse.spark, lakehouse.settings, NO_SCHEMAS)}


def test_the_simulation_has_everything_that_is_to_be_told_apart(lakehouse: Lakehouse) -> None:
    for name in TOPICS:
        counts = lakehouse.sent[name]
        assert counts.unique > 0
        assert counts.bad
    assert sum(lakehouse.sent[name].duplicates for name in TOPICS) > 0
    assert sum(lakehouse.sent[name].late for name in TOPICS) > 0
    assert sum(lakehouse.sent[name].ignored for name in TOPICS) > 0
    assert {reason for name in TOPICS for reason in lakehouse.sent[name].bad} == set(REASONS)


@pytest.mark.parametrize("name", TOPICS)
def test_each_topic_is_accounted_for_to_the_item(
    name: str, lakehouse: Lakehouse, balances: dict[str, TopicBalance]
) -> None:
    sent, found = lakehouse.sent[name], balances[lakehouse.kafka.topic(name)]

    assert found.holds
    assert (found.values, found.items) == (sent.values, sent.items)
    assert (found.silver, found.duplicates, found.ignored) == (sent.unique, sent.duplicates, sent.ignored)
    assert found.quarantined == sum(sent.bad.values())
    assert (found.missing, found.unexpected, found.late_duplicates) == (0, 0, 0)


@pytest.mark.parametrize("name", TOPICS)
def test_each_bad_record_is_in_quarantine_for_what_is_wrong_with_it(name: str, lakehouse: Lakehouse) -> None:
    quarantine = lakehouse.table(routing.QUARANTINE).where(F.col("topic") == lakehouse.kafka.topic(name))
    found = {row["reason"]: row["count"] for row in quarantine.groupBy("reason").count().collect()}

    assert found == {REASONS[fault]: count for fault, count in lakehouse.sent[name].bad.items()}


def test_each_record_is_in_the_table_of_its_kind(lakehouse: Lakehouse) -> None:
    sources = {
        name: {row["source"] for row in lakehouse.table(table).select("source").distinct().collect()}
        for name, table in (("metrics", routing.METRICS), ("heartbeats", routing.HEARTBEATS))
    }

    assert sources["metrics"] == {"azure.log_analytics.perf", "aws.metric_stream", "prometheus"}
    assert sources["heartbeats"] == {"azure.log_analytics.heartbeat"}
    assert lakehouse.table(routing.HEARTBEATS).count() == lakehouse.sent[HEARTBEAT].unique
    metrics = sum(lakehouse.sent[name].unique for name in (PERF, AWS, PROMETHEUS))
    assert lakehouse.table(routing.METRICS).count() == metrics


@pytest.mark.parametrize("table", [routing.METRICS, routing.HEARTBEATS], ids=lambda table: table.name)
def test_the_inventory_has_each_resource_once_as_it_is_now(table: Table, lakehouse: Lakehouse) -> None:
    seen = lakehouse.table(table).groupBy("resource_id").agg(F.min("event_time").alias("first"))
    inventory = lakehouse.table(store.TABLE).where("is_current")

    found = seen.join(inventory, "resource_id", "left").select("first", "first_seen", "sources").collect()

    assert len(found) == seen.count() > 0
    assert all(row["first_seen"] is not None and row["first_seen"] <= row["first"] for row in found)
    assert inventory.select("resource_id").distinct().count() == inventory.count()


def test_sql_shows_records_with_their_resource(lakehouse: Lakehouse) -> None:
    total = lakehouse.table(routing.HEARTBEATS).count()

    answer = query.answer(
        lakehouse.settings,
        "SELECT count(*), count_if(resource_is_known), count(resource_os_type), count(resource_host_name) "
        "FROM silver.heartbeats_with_resource",
    )

    assert answer.rows == ((total,) * 4,)


def test_bronze_holds_every_value_once(lakehouse: Lakehouse) -> None:
    telemetry = lakehouse.table(bronze.TABLE)

    assert telemetry.count() == sum(lakehouse.sent[name].values for name in TOPICS)
    assert telemetry.select("topic", "partition", "offset").distinct().count() == telemetry.count()


@pytest.mark.parametrize("granularity", ["PT1M", "PT1H"])
def test_the_rollup_counts_each_silver_row_in_one_window(granularity: str, lakehouse: Lakehouse) -> None:
    rollup = lakehouse.table(metric_rollup.TABLE).where(F.col("granularity") == granularity)
    metrics = lakehouse.table(routing.METRICS)
    keys = ["window_start", "series_id"]
    unit = "minute" if granularity == "PT1M" else "hour"
    expected = metrics.groupBy(F.date_trunc(unit, "event_time").alias("window_start"), "series_id").agg(
        F.count(F.lit(1)).alias("rows")
    )

    wrong = (
        rollup.select(*keys, "points").join(expected, keys, "full").where(~F.col("points").eqNullSafe(F.col("rows")))
    )

    assert wrong.collect() == []
    assert rollup.select(*keys).distinct().count() == rollup.count()


def test_the_agents_that_fell_silent_are_found(lakehouse: Lakehouse) -> None:
    silent_at_end = {
        incident.host
        for incident in lakehouse.simulation.incidents
        if incident.kind is IncidentKind.AGENT_SILENT and incident.end_ms is None
    }
    health = {row["host_name"]: row["state"] for row in lakehouse.table(agent_health.TABLE).collect()}

    assert silent_at_end
    assert {host for host, state in health.items() if state == "silent"} >= {host.lower() for host in silent_at_end}
    assert "connected" in health.values() or "late" in health.values()


def test_every_job_run_a_second_time_changes_nothing(lakehouse: Lakehouse) -> None:
    before = lakehouse.versions()

    for job in ("bronze", "silver", "inventory", "gold"):
        catch_up(lakehouse.spark, lakehouse.settings, lakehouse.kafka.bootstrap, job)

    assert lakehouse.versions() == before


def test_a_new_checkpoint_of_the_rollup_is_not_mistaken_for_the_old_one(
    spark: SparkSession, kafka: Kafka, make_settings: SettingsFactory
) -> None:
    """Its batches are numbered from 0 again: what says they were written already must not hold for them."""
    settings = make_settings(**kafka.environ)
    sample = '{{"labels":{{"instance":"a:1"}},"name":"m","timestamp":"{}","value":"{}"}}'
    now = datetime.now(UTC).replace(microsecond=0)
    kafka.produce("prometheus.metrics", sample.format(now.isoformat(), 1))
    catch_up(spark, settings, kafka.bootstrap)
    for path in (settings.checkpoint_path("gold_metric_rollup"), settings.table_path("gold", "metric_rollup")):
        path.rename(path.with_name(f"{path.name}.old"))

    catch_up(spark, settings, kafka.bootstrap)

    assert read_table(spark, settings, metric_rollup.TABLE).select("points").collect() == [(1,), (1,)]

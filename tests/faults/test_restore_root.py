"""The root is gone: restored from a backup that was taken beside all streams, it ends as one clean run does."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.local.simulator import FleetSize, Simulation, SimulationConfig
from pipelines.operations.backup.create import back_up
from pipelines.operations.backup.restore import restore
from pipelines.operations.reconcile import reconcile
from tests.conftest import NO_SCHEMAS, Kafka, Launcher, SettingsFactory, catch_up, score_all, wait_until
from tests.faults.comparison import differences
from tests.faults.test_kill import QUERIES, SEED, START_SECONDS, Feed, numbers

pytestmark = pytest.mark.faults


@pytest.mark.timeout(1500)
def test_a_backup_beside_the_streams_replaces_a_root_that_is_gone(
    spark: SparkSession, kafka: Kafka, make_settings: SettingsFactory, launch: Launcher, tmp_path: Path
) -> None:
    lost = make_settings(**kafka.environ)
    clean = make_settings(**kafka.environ, LAKEHOUSE_ROOT=str(tmp_path / "clean"))
    config = SimulationConfig(
        start=datetime.now(UTC) - timedelta(hours=2),
        duration=timedelta(hours=2),
        seed=SEED,
        fleet=FleetSize.of(60),
        bad_share=0.01,
        duplicate_share=0.05,
    )
    kafka.create("am-Heartbeat", "am-Perf", "aws.metrics", "prometheus.metrics")
    with Feed(kafka, Simulation(config).messages()) as feed:
        program = launch("lakehouse", "run", "all", environ={"LAKEHOUSE_ROOT": str(lost.root), **kafka.environ})
        for query in QUERIES:
            commits = lost.checkpoint_path(query) / "commits"
            wait_until(
                lambda folder=commits: len(numbers(folder)) >= 3,  # type: ignore[misc]
                START_SECONDS,
                f"{query} has ended three batches",
                program,
            )
        for _ in range(2):
            manifest = back_up(lost, tmp_path / "backups").manifest
        taken = numbers(lost.checkpoint_path("silver") / "commits")
        wait_until(
            lambda: max(numbers(lost.checkpoint_path("silver") / "commits")) > max(taken) + 2,
            START_SECONDS,
            "silver has gone on since",
            program,
        )
    program.kill_group()
    shutil.rmtree(lost.root)

    restore(tmp_path / "backups", lost.root)
    for settings in (lost, clean):
        catch_up(spark, settings, kafka.bootstrap)
        score_all(spark, settings)

    assert set(QUERIES) <= set(manifest.queries)
    balances = reconcile(spark, lost, NO_SCHEMAS)
    assert all(balance.holds and not balance.late_duplicates for balance in balances), balances
    assert sum(balance.items for balance in balances) == feed.sent
    assert differences(spark, lost, clean) == {}

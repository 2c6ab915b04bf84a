"""A backup that is taken while the streams run: restored, they go on, and each item is there once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines import silver
from pipelines.gold import metric_rollup
from pipelines.operations.backup.create import back_up
from pipelines.operations.backup.restore import restore
from pipelines.operations.reconcile import reconcile
from pipelines.routing import METRICS
from pipelines.settings import Settings
from pipelines.streams import Trigger
from pipelines.tables import ensure_table, read_table
from tests.conftest import NO_SCHEMAS, SettingsFactory, catch_up, wait_until
from tests.integration.test_replay import arrive

BATCHES, VALUES = 8, 30


def committed(settings: Settings, query: str) -> int:
    return len(list((settings.checkpoint_path(query) / "commits").glob("[0-9]*")))


@pytest.mark.timeout(600)
def test_what_is_restored_goes_on_where_it_was(
    spark: SparkSession, make_settings: SettingsFactory, tmp_path: Path
) -> None:
    one_file = {"LAKEHOUSE_SILVER__MAX_FILES_PER_TRIGGER": "1", "LAKEHOUSE_GOLD__MAX_FILES_PER_TRIGGER": "1"}
    settings = make_settings(**one_file)
    arrive(spark, settings, BATCHES, VALUES)
    ensure_table(spark, settings, METRICS)
    queries = [silver.start(spark, settings, NO_SCHEMAS, Trigger.CONTINUOUS)]
    queries.append(metric_rollup.start(spark, settings, Trigger.CONTINUOUS))
    try:
        wait_until(lambda: committed(settings, metric_rollup.QUERY) >= 2, 240, "the rollup has two batches")
        manifest = back_up(settings, tmp_path / "backups").manifest
    finally:
        for query in queries:
            query.stop()
    assert 0 < manifest.queries["silver"] < BATCHES - 1, "it was taken in the middle"
    shutil.rmtree(settings.root)

    restored = make_settings(**one_file, LAKEHOUSE_ROOT=str(tmp_path / "restored"))
    restore(tmp_path / "backups", restored.root)
    before = read_table(spark, restored, METRICS).count()
    catch_up(spark, restored, "none", "silver")
    metric_rollup.start(spark, restored, Trigger.AVAILABLE_NOW).awaitTermination(240)

    balances = reconcile(spark, restored, NO_SCHEMAS)
    assert sum(balance.values for balance in balances) == BATCHES * VALUES + 5 * (BATCHES - 1)
    assert all(balance.holds and not balance.late_duplicates for balance in balances), balances
    metrics = read_table(spark, restored, METRICS).count()
    assert 0 < before < metrics
    points = read_table(spark, restored, metric_rollup.TABLE).where("granularity = 'PT1H'").agg({"points": "sum"})
    assert points.collect()[0][0] == metrics

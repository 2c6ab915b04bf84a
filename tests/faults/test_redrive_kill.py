"""A redrive that is killed between its append and its marking: run again, each record is there once, and marked."""

from __future__ import annotations

import json

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.operations.reconcile import reconcile
from pipelines.operations.redrive import redrive
from pipelines.routing import METRICS, QUARANTINE
from pipelines.settings import Settings
from pipelines.tables import read_table
from tests.conftest import NO_SCHEMAS, Launcher, catch_up, wait_until
from tests.integration.test_redrive import arrive, before_the_fix, perf

pytestmark = pytest.mark.faults

VALUES = 50


def version(settings: Settings, name: str) -> int:
    return DeltaTable(str(settings.table_path("silver", name))).version()


@pytest.mark.timeout(600)
def test_what_was_appended_before_the_kill_is_not_appended_again(
    spark: SparkSession, settings: Settings, launch: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with before_the_fix(monkeypatch):
        rows = (json.dumps({"records": [perf(number)]}).replace('"', "'") for number in range(VALUES))
        arrive(spark, settings, perf(1_000), *rows)
        catch_up(spark, settings, "none", "silver")
    metrics, quarantine = version(settings, "metrics"), version(settings, "quarantine")

    program = launch(
        "lakehouse", "redrive", "--reason", "malformed_json", environ={"LAKEHOUSE_ROOT": str(settings.root)}
    )
    wait_until(lambda: version(settings, "metrics") > metrics, 240, "it has appended", program)
    program.kill_group()
    assert version(settings, "quarantine") == quarantine, "it was killed too late, after the marking"
    assert read_table(spark, settings, METRICS).count() == VALUES + 1

    done = redrive(spark, settings, NO_SCHEMAS, "malformed_json")

    assert (done.tried, done.resolved, done.still_bad, done.written) == (VALUES, VALUES, 0, {})
    assert read_table(spark, settings, METRICS).count() == VALUES + 1
    assert read_table(spark, settings, QUARANTINE).where(F.col("resolved_at").isNull()).isEmpty()
    (balance,) = reconcile(spark, settings, NO_SCHEMAS)
    assert balance.holds
    assert (balance.items, balance.silver, balance.quarantined) == (VALUES + 1, VALUES + 1, 0)

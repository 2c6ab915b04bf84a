"""`lakehouse check` over real Delta tables: what fails, what is kept of it, and the exit code."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.quality.validate import RESULTS, CheckResult, Status, check_tables
from pipelines.quality.window import Window
from pipelines.routing import parameters
from pipelines.rules import Freshness
from pipelines.settings import Settings
from pipelines.tables import Table, contract, ensure_table, read_table
from tests.conftest import Launcher

HEARTBEATS, ROLLUP, METRICS = contract("silver.heartbeats"), contract("gold.metric_rollup"), contract("silver.metrics")
UNTIL = datetime(2026, 3, 30, 12, tzinfo=UTC)
WINDOW = Window(UNTIL - timedelta(hours=3), UNTIL)


def heartbeats(spark: SparkSession, first: datetime, minutes: int) -> DataFrame:
    """One a minute, complete and right."""
    time = F.timestamp_seconds(F.lit(int(first.timestamp())) + F.col("id") * 60)
    given = {
        "event_id": F.concat(F.lit(f"{first}"), F.col("id")), "event_time": time, "kafka_timestamp": time,
        "ingest_time": time, "source": F.lit("s"), "resource_id": F.lit("r"), "host_name": F.lit("h"),
        "topic": F.lit("t"), "partition": F.lit(0), "offset": F.col("id"), "item": F.lit(0),
    }  # fmt: skip
    absent = F.lit(None)
    return spark.range(minutes).select(
        *(given.get(column.name, absent).cast(column.type).alias(column.name) for column in HEARTBEATS.columns)
    )


def append(settings: Settings, table: Table, rows: DataFrame) -> None:
    rows.write.format("delta").mode("append").save(table.path(settings))


def check(
    spark: SparkSession, settings: Settings, *tables: Table, window: Window = WINDOW
) -> dict[tuple[str, str], CheckResult]:
    results = check_tables(spark, settings, tables, window, parameters(settings), lambda _: None)
    return {(result.table, result.check): result for result in results}


@pytest.fixture
def history(spark: SparkSession, settings: Settings) -> Settings:
    """Heartbeats of three hours, and of the same hours a week before."""
    ensure_table(spark, settings, HEARTBEATS)
    for start in (WINDOW.since, WINDOW.since - timedelta(weeks=1)):
        append(settings, HEARTBEATS, heartbeats(spark, start, 180))
    return settings


def test_what_is_right_passes(spark: SparkSession, history: Settings) -> None:
    found = check(spark, history, HEARTBEATS)

    assert {result.status for result in found.values()} == {Status.PASSED}
    assert found["silver.heartbeats", "fresh"].observed == "60 s old"
    assert found["silver.heartbeats", "usual_volume"].observed == "0 of 3 hours outside"
    assert {result.rows for result in found.values()} == {180}


def test_each_kind_of_fault_is_found_and_kept(spark: SparkSession, history: Settings) -> None:
    """A null, a key that is there twice, a rule that is broken, too many rows in an hour, and old rows."""
    again = heartbeats(spark, WINDOW.since, 180).where("offset < 90")
    append(history, HEARTBEATS, again)
    wrong = heartbeats(spark, UNTIL - timedelta(minutes=59), 1)
    append(history, HEARTBEATS, wrong.withColumns({"source": F.lit(None).cast("string"), "event_id": F.lit("new")}))
    append(history, HEARTBEATS, wrong.withColumns({"resource_id": F.lit(""), "event_id": F.lit("newer")}))
    late = Window(WINDOW.since, UNTIL + timedelta(hours=1))

    found = check(spark, history, HEARTBEATS, window=late)

    failed = {name: result for (_, name), result in found.items() if result.status is not Status.PASSED}
    assert {name: (result.status, result.severity.value) for name, result in failed.items()} == {
        "required_source": (Status.FAILED, "critical"),
        "no_resource": (Status.FAILED, "critical"),
        "fresh": (Status.FAILED, "critical"),
        "unique_key": (Status.FAILED, "warning"),
    }
    assert failed["fresh"].observed == "3,660 s old"
    assert failed["required_source"].observed == "99.6324%"
    kept = read_table(spark, history, RESULTS).where("status = 'failed'").select("check_name", "observed", "expected")
    assert {(row.check_name, row.observed) for row in kept.collect()} == {
        (name, result.observed) for name, result in failed.items()
    }
    index = history.quality_dir / "data_docs" / "index.html"
    assert "silver.heartbeats" in index.read_text()
    pages = list((history.quality_dir / "data_docs" / "validations").rglob("*.html"))
    assert any("is never null" in page.read_text() or "expect_column" in page.read_text() for page in pages)


def test_an_hour_with_too_few_rows_and_one_with_none_are_unusual(spark: SparkSession, settings: Settings) -> None:
    ensure_table(spark, settings, HEARTBEATS)
    append(settings, HEARTBEATS, heartbeats(spark, WINDOW.since - timedelta(weeks=1), 180))
    append(settings, HEARTBEATS, heartbeats(spark, WINDOW.since, 70))

    volume = check(spark, settings, HEARTBEATS)["silver.heartbeats", "usual_volume"]

    assert volume.status is Status.FAILED
    assert volume.observed is not None
    assert volume.observed.startswith("2 of 3 hours outside: ")
    assert set(volume.observed.partition(": ")[2].split(", ")) == {"17%", "0%"}


def test_where_there_is_nothing_nothing_has_passed(spark: SparkSession, settings: Settings) -> None:
    not_made = check(spark, settings, HEARTBEATS)
    ensure_table(spark, settings, HEARTBEATS)
    empty = check(spark, settings, HEARTBEATS)
    append(settings, HEARTBEATS, heartbeats(spark, UNTIL - timedelta(days=2), 10))
    silent = check(spark, settings, HEARTBEATS)

    assert {result.status for result in not_made.values()} == {Status.NO_DATA}
    assert {name for (_, name), result in empty.items() if result.status is not Status.NO_DATA} == {"usual_volume"}
    assert empty["silver.heartbeats", "usual_volume"].status is Status.NO_HISTORY
    # It had rows once, so that it has none now is known to be wrong.
    assert silent["silver.heartbeats", "fresh"].status is Status.FAILED
    assert silent["silver.heartbeats", "required_source"].status is Status.NO_DATA


def test_a_reference_to_nothing_is_found(spark: SparkSession, settings: Settings) -> None:
    only = replace(ROLLUP, rules=(), checks=tuple(one for one in ROLLUP.checks if not isinstance(one, Freshness)))
    for table in (ROLLUP, METRICS):
        ensure_table(spark, settings, table)

    def write(table: Table, series: int, **given: object) -> None:
        values = {"series_id": series, **given}
        columns = [F.lit(values.get(c.name)).cast(c.type).alias(c.name) for c in table.columns]
        append(settings, table, spark.range(1).select(*columns))

    for series in (1, 2):
        write(ROLLUP, series, granularity="PT1M", window_start=WINDOW.since)
    write(METRICS, 1, event_time=WINDOW.since + timedelta(seconds=30))

    found = check(spark, settings, only)

    assert found["gold.metric_rollup", "series_measured"].status is Status.FAILED
    assert found["gold.metric_rollup", "series_measured"].observed == "1 not found"
    assert found["gold.metric_rollup", "unique_key"].status is Status.PASSED


@pytest.mark.timeout(300)
def test_the_command_ends_with_1_if_a_critical_check_fails(
    launch: Launcher, spark: SparkSession, history: Settings
) -> None:
    environ = {"LAKEHOUSE_ROOT": str(history.root)}
    asked = ("check", "--table", "silver.heartbeats", "--window", "3 hours")

    good = launch("lakehouse", *asked, "--until", "2026-03-30T12:00:00", environ=environ)
    assert good.wait(120) == 0, good.output
    assert "Traceback" not in good.output
    assert str(history.quality_dir / "data_docs" / "index.html") in good.output.replace("\n", "")

    bad = launch("lakehouse", *asked, "--until", "2026-03-30T13:30:00", environ=environ)
    assert bad.wait(120) == 1, bad.output
    assert "Traceback" not in bad.output
    assert "fresh" in bad.output
    assert "5,460 s old" in bad.output
    assert "not older than 30" in bad.output

    assert read_table(spark, history, RESULTS).select("run_id").distinct().count() == 2


def test_a_window_that_is_none_is_refused(launch: Launcher, settings: Settings) -> None:
    environ = {"LAKEHOUSE_ROOT": str(settings.root)}

    program = launch("lakehouse", "check", "--window", "yesterday", environ=environ)

    assert program.wait(60) == 1
    assert "--window is 'yesterday': should be a number and a unit" in program.output
    assert "Traceback" not in program.output

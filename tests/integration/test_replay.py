"""Silver made anew from bronze, and the rollup from that, are what the streams made; what was spoilt is repaired."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze
from pipelines.errors import SettingsError, StorageError
from pipelines.gold import metric_rollup
from pipelines.local.simulator import FleetSize, Simulation
from pipelines.operations.reconcile import reconcile
from pipelines.operations.replay import rollup, swap
from pipelines.operations.replay.chosen import chosen
from pipelines.operations.replay.compare import change_of, change_of_windows
from pipelines.operations.replay.run import Plan, replay
from pipelines.operations.replay.span import Span
from pipelines.routing import HEARTBEATS, METRICS, QUARANTINE, TABLES
from pipelines.settings import Settings
from pipelines.streams import Trigger, read_appends, start_query
from pipelines.tables import ensure_table, read_table
from tests.conftest import NO_SCHEMAS, SettingsFactory, catch_up
from tests.unit.simulated_fleet import DIRTY

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_COLUMNS = (
    "topic string, partition int, offset bigint, key binary, value binary, "
    "headers array<struct<key: string, value: binary>>, kafka_timestamp timestamp, ingest_time timestamp"
)


def arrive(spark: SparkSession, settings: Settings, batches: int, values: int) -> None:
    """Simulated values in bronze, a commit for each minute of arrival, some of them sent twice a minute apart."""
    messages = Simulation(replace(DIRTY, fleet=FleetSize.of(8), duration=timedelta(minutes=10))).messages()
    ensure_table(spark, settings, bronze.TABLE)
    before: list[tuple[str, bytes | None]] = []
    offset = itertools.count()
    for batch in range(batches):
        some = [(message.topic, message.value) for message in itertools.islice(messages, values)]
        at = NOON + timedelta(minutes=batch)
        rows = [(topic, 0, next(offset), None, value, None, at, at) for topic, value in (*some, *before[:5])]
        spark.createDataFrame(rows, _COLUMNS).coalesce(1).write.format("delta").mode("append").save(
            bronze.TABLE.path(settings)
        )
        before = some


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Bronze of four minutes of arrival, and what the streams made of it: silver a micro-batch a minute, the rollup."""
    from pipelines.settings import load_settings

    root = tmp_path_factory.mktemp("replay")
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(root), "LAKEHOUSE_SILVER__MAX_FILES_PER_TRIGGER": "1"})
    arrive(spark, settings, batches=4, values=120)
    catch_up(spark, settings, "none", "silver")
    roll_up(spark, settings)
    return settings


def roll_up(spark: SparkSession, settings: Settings) -> None:
    metric_rollup.start(spark, settings, Trigger.AVAILABLE_NOW).awaitTermination(120)


def minutes(first: int, last: int) -> Span:
    return Span(NOON + timedelta(minutes=first), NOON + timedelta(minutes=last))


def rows_of(spark: SparkSession, settings: Settings) -> dict[str, DataFrame]:
    return {table.full_name: read_table(spark, settings, table).localCheckpoint() for table in TABLES}


def windows(spark: SparkSession, settings: Settings) -> DataFrame:
    return read_table(spark, settings, metric_rollup.TABLE).localCheckpoint()


def differ(one: DataFrame, other: DataFrame) -> int:
    """The windows that two states of the rollup do not have alike."""
    table = metric_rollup.TABLE
    change = change_of_windows(table.full_name, table.keys, ("updated_at", "sketch"), one, other)
    assert change.before
    return max(change.gone, change.came)


def again(spark: SparkSession, settings: Settings, span: Span, *names: str) -> Plan:
    return replay(spark, settings, NO_SCHEMAS, span, chosen(names))


def versions(settings: Settings) -> dict[str, int]:
    tables = (*TABLES, metric_rollup.TABLE)
    return {table.full_name: len(list((Path(table.path(settings)) / "_delta_log").glob("*.json"))) for table in tables}


@pytest.mark.timeout(600)
def test_a_replay_gives_what_the_stream_gave_and_repairs_what_was_spoilt_since(
    spark: SparkSession, made: Settings
) -> None:
    original = rows_of(spark, made)
    assert all(original[table.full_name].count() for table in (METRICS, HEARTBEATS, QUARANTINE))

    # A reader that has all of it, and must not take repairs for news.
    def read_by_a_stream() -> int:
        rows = read_appends(spark, made, METRICS, made.gold).writeStream.format("delta")
        query = start_query(
            rows.option("path", str(made.root / "read")), made, "reader", Trigger.AVAILABLE_NOW, "1 second"
        )
        query.awaitTermination(120)
        return int(spark.read.format("delta").load(str(made.root / "read")).count())

    known = read_by_a_stream()
    path, within = METRICS.path(made), minutes(1, 2).condition
    spark.sql(f"UPDATE delta.`{path}` SET value = -1, host_name = NULL WHERE {within} AND offset % 2 = 0")
    spark.sql(f"DELETE FROM delta.`{path}` WHERE {within} AND offset % 2 = 1")
    spark.sql(f"DELETE FROM delta.`{QUARANTINE.path(made)}` WHERE {within}")

    before = versions(made)

    plan = replay(spark, made, NO_SCHEMAS, minutes(1, 3), chosen(()), lambda _plan: False)
    assert versions(made) == before, "a dry run changes nothing"
    spoilt = {METRICS.full_name, QUARANTINE.full_name}
    assert {change.table for change in plan.changes if not change.is_none} == spoilt
    again(spark, made, minutes(1, 3))

    assert {name for name, commits in versions(made).items() if commits != before[name]} == spoilt
    for name, rows in rows_of(spark, made).items():
        assert change_of(name, original[name], rows).is_none, name
    assert read_by_a_stream() == known
    assert all(balance.holds for balance in reconcile(spark, made, NO_SCHEMAS))


@pytest.mark.timeout(600)
def test_a_replay_that_was_killed_between_two_tables_is_repeated_and_no_other_comes_before(
    spark: SparkSession, made: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, rolled_up = rows_of(spark, made), windows(spark, made)
    for table in (METRICS, HEARTBEATS):
        assert original[table.full_name].where(minutes(2, 3).condition).count() > 0, "there is something to lose"
        spark.sql(f"DELETE FROM delta.`{table.path(made)}` WHERE {minutes(2, 3).condition}")
    put, swapped = swap.put_in_place, []

    def swap_one(*arguments: object) -> None:
        if swapped:
            raise KeyboardInterrupt
        swapped.append(arguments[3])
        put(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(swap, "put_in_place", swap_one)
        with pytest.raises(KeyboardInterrupt):
            again(spark, made, minutes(2, 3))
    assert swapped == [METRICS]

    with pytest.raises(StorageError, match=r"a replay of 2026-03-02T12:02.* was interrupted"):
        again(spark, made, minutes(0, 1))
    plan = again(spark, made, minutes(2, 3))

    assert plan.was_interrupted
    assert [change.table for change in plan.changes if not change.is_none] == [HEARTBEATS.full_name]
    for name, rows in rows_of(spark, made).items():
        assert change_of(name, original[name], rows).is_none, name
    # All measurements of the minute were gone: that they are back is no news to the stream, which has counted them.
    roll_up(spark, made)
    assert differ(rolled_up, windows(spark, made)) == 0


@pytest.mark.timeout(600)
def test_a_rollup_made_anew_is_what_the_stream_made_and_the_stream_goes_on_with_it(
    spark: SparkSession, made: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, original = metric_rollup.TABLE.full_name, windows(spark, made)
    (untouched,) = again(spark, made, minutes(0, 4), name).changes
    assert untouched.is_none
    assert untouched.before == original.count()
    sql_name = metric_rollup.TABLE.sql_name(made)
    spark.sql(f"UPDATE {sql_name} SET maximum = maximum + 1 WHERE granularity = 'PT1H'")
    spark.sql(f"DELETE FROM {sql_name} WHERE granularity = 'PT1M' AND series_id % 2 = 0")
    spoilt = differ(original, windows(spark, made))

    (repaired,) = again(spark, made, minutes(0, 4), name).changes

    assert repaired.came == spoilt > repaired.gone > 0
    assert differ(original, windows(spark, made)) == 0

    # More measurements of those hours arrive, which the stream has not read when the windows are worked out ...
    columns = ", ".join(
        {"offset": "`offset` + 1000000", "ingest_time": "ingest_time + INTERVAL 1 hour"}.get(one, f"`{one}`")
        for one in METRICS.column_names
    )
    spark.sql(f"INSERT INTO {METRICS.sql_name(made)} SELECT {columns} FROM {METRICS.sql_name(made)}")
    with pytest.raises(StorageError, match=r"stream gold_metric_rollup has not read [\d,]+ measurements of"):
        again(spark, made, minutes(59, 65), name)
    spark.sql(f"DELETE FROM {sql_name} WHERE granularity = 'PT1M'")
    save, attempts = rollup.save_table, []

    def save_after_the_stream(*arguments: object) -> None:
        if not attempts:
            roll_up(spark, made)
        attempts.append(None)
        save(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(rollup, "save_table", save_after_the_stream)
        again(spark, made, minutes(0, 4), name)

    # ... and are counted before these are in place: each once all the same.
    assert len(attempts) == 2
    twice = windows(spark, made).withColumns({"points": F.expr("points / 2").cast("bigint")})
    assert (
        differ(
            original.select("granularity", "window_start", "series_id", "points"),
            twice.select("granularity", "window_start", "series_id", "points"),
        )
        == 0
    )


def test_a_span_that_silver_has_not_read_is_refused(spark: SparkSession, make_settings: SettingsFactory) -> None:
    settings = make_settings()
    arrive(spark, settings, batches=1, values=3)

    with pytest.raises(StorageError, match="stream silver has not read 3 values"):
        again(spark, settings, minutes(0, 1))
    with pytest.raises(StorageError, match="is not over yet"):
        again(spark, settings, Span(NOON, datetime.now(UTC) + timedelta(hours=1)))


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--to is .* should be after --from"):
        minutes(2, 2)

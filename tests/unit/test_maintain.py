"""Maintenance: fewer files, the same rows; old rows gone, and what was worked out from them kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.exceptions import ConcurrentDeleteReadException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines import routing
from pipelines.errors import StorageError
from pipelines.gold import daily
from pipelines.gold.daily import Days
from pipelines.operations.late_duplicates import remove_late_of
from pipelines.operations.maintenance import compaction, record
from pipelines.operations.maintenance import run as maintenance
from pipelines.operations.maintenance.files import remove_old_files
from pipelines.operations.maintenance.readers import Position, oldest_need, positions
from pipelines.operations.maintenance.record import Action, Done
from pipelines.operations.maintenance.retention import delete_old, horizon, time_columns
from pipelines.operations.maintenance.run import Rules, maintain
from pipelines.operations.maintenance.vacuum import keep_for
from pipelines.settings import Settings
from pipelines.streams import Trigger, read_appends, start_query
from pipelines.tables import Column, Table, all_contracts, contract, delta_table, read_table
from tests.unit.gold.silver_rows import silver
from tests.unit.gold.test_daily import DAILY, Estate

HEARTBEATS = routing.HEARTBEATS
NOW = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
# Kept from the tenth of March.
SHORT = replace(HEARTBEATS, retention_days=10)
WEEK = timedelta(days=7)


@pytest.fixture
def estate(spark: SparkSession, settings: Settings) -> Estate:
    return Estate(spark, settings)


def done_by(estate: Estate, *actions: Action) -> dict[Action, Done]:
    return {one.action: one for one in maintain(estate.spark, estate.settings, [HEARTBEATS], actions, Rules())}


def arrived_when_they_happened(estate: Estate) -> None:
    path = HEARTBEATS.path(estate.settings)
    estate.spark.sql(f"UPDATE delta.`{path}` SET ingest_time = event_time")


class Reader:
    """A stream of silver.heartbeats that keeps what it is given."""

    def __init__(self, estate: Estate) -> None:
        self.estate, self.path = estate, str(estate.settings.root / "read")

    def catch_up(self) -> int:
        """Process what is there; how many rows the stream has been given in its life."""
        rows = read_appends(self.estate.spark, self.estate.settings, HEARTBEATS, self.estate.settings.gold)
        writer = rows.writeStream.format("delta").option("path", self.path)
        start_query(writer, self.estate.settings, "reader", Trigger.AVAILABLE_NOW, "1 second").awaitTermination(60)
        return int(self.estate.spark.read.format("delta").load(self.path).count())


def test_a_stream_goes_on_after_maintenance_and_reads_each_row_once(estate: Estate) -> None:
    reader = Reader(estate)
    for _ in range(4):
        estate.hear(11)
    assert reader.catch_up() == 4
    for _ in range(4):  # not read yet when their files are replaced
        estate.hear(12)

    done = done_by(estate, Action.RETENTION, Action.COMPACT, Action.VACUUM)
    estate.hear(13)

    assert reader.catch_up() == 9
    compacted = done[Action.COMPACT].effect
    assert (compacted.before.files, compacted.after.files) == (8, 1)
    assert not any(one.has_failed for one in done.values())
    noted = read_table(estate.spark, estate.settings, record.TABLE).where("action = 'compact'").collect()
    assert [(row["table_name"], row["files_before"], row["files_after"]) for row in noted] == [
        ("silver.heartbeats", 8, 1)
    ]


def test_rows_go_that_happened_and_arrived_before_the_horizon(estate: Estate) -> None:
    estate.hear(1, 2, 9, 10, 11)
    arrived_when_they_happened(estate)
    estate.hear(1)  # arrives now, long after it happened

    effect = delete_old(estate.spark, estate.settings, SHORT, NOW)

    assert effect.rows_deleted == 3
    left = read_table(estate.spark, estate.settings, HEARTBEATS).select(F.dayofmonth("event_time")).collect()
    assert sorted(row[0] for row in left) == [1, 10, 11]
    assert delete_old(estate.spark, estate.settings, SHORT, NOW).outcome == record.NOTHING


def test_gold_of_days_that_silver_no_longer_has_stays(estate: Estate) -> None:
    estate.hear(1, 1, 9, 11)
    arrived_when_they_happened(estate)
    estate.refresh()

    delete_old(estate.spark, estate.settings, SHORT, NOW)
    estate.hear(1, 11)  # late, and of a day that silver has nothing else of

    assert estate.refresh() == [(11, 11)]
    assert estate.beats == {1: 2, 9: 1, 11: 2}
    # Nor when the change feed is gone, and all is worked out again.
    path = HEARTBEATS.path(estate.settings)
    estate.spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false')")
    estate.hear(12)
    estate.spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    assert estate.refresh() == [(11, 12)]
    assert estate.beats == {1: 2, 9: 1, 11: 2, 12: 1}
    with pytest.raises(StorageError, match="2026-03-09 to 2026-03-09 cannot be worked out again"):
        daily.replace(
            estate.spark, estate.settings, DAILY, Days(datetime(2026, 3, 2).date(), datetime(2026, 3, 12).date())
        )


def test_what_a_stream_is_faster_at_each_time_is_told_and_stops_nothing_else(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConcurrentDeleteReadException("an overwrite", None)

    estate.hear(1)
    estate.hear(1)
    monkeypatch.setattr(compaction, "_PAUSE_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(SparkSession, "sql", refuse)
        steps: Iterator[Done] = maintain(
            estate.spark, estate.settings, [HEARTBEATS], (Action.COMPACT, Action.FILES), Rules()
        )
        refused = next(steps)
    others = list(steps)

    assert refused.has_failed
    assert "silver.heartbeats: another commit was faster 5 times" in refused.effect.outcome
    assert [one.action for one in others] == [Action.FILES]


def deliver(estate: Estate, *deliveries: tuple[int, int]) -> None:
    """Heartbeats of days of March, each with its offset: the second of a day is a second delivery of the first."""
    rows = [
        {"event_id": f"e{day}", "event_time": datetime(2026, 3, day, 12, tzinfo=UTC), "offset": offset,
         "source": "x", "resource_id": "x"}
        for day, offset in deliveries
    ]  # fmt: skip
    frame = silver(estate.spark, HEARTBEATS, rows)
    frame.write.format("delta").mode("append").save(HEARTBEATS.path(estate.settings))


def test_late_duplicates_are_looked_for_on_days_that_something_came_to_since_the_last_run(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[set[int] | None] = []

    def noted(spark: SparkSession, settings: Settings, table: Table, days: set[date] | None) -> int:
        compared.append(None if days is None else {day.day for day in days})
        return remove_late_of(spark, settings, table, days)

    monkeypatch.setattr(maintenance, "remove_late_of", noted)
    deliver(estate, (1, 0), (2, 1), (9, 2), (9, 3))
    assert done_by(estate, Action.DUPLICATES)[Action.DUPLICATES].effect.rows_deleted == 1
    deliver(estate, (2, 4), (10, 5))
    assert done_by(estate, Action.DUPLICATES)[Action.DUPLICATES].effect.rows_deleted == 1
    # What was deleted is a change too, and then all is quiet.
    for _ in range(2):
        assert done_by(estate, Action.DUPLICATES)[Action.DUPLICATES].effect.outcome == record.NOTHING

    assert compared == [None, {2, 9, 10}, {2}]
    left = read_table(estate.spark, estate.settings, HEARTBEATS).select("offset").collect()
    assert sorted(row["offset"] for row in left) == [0, 1, 2, 5]


def test_vacuum_prints_nothing_and_leaves_the_terminal_as_it_was(estate: Estate) -> None:
    jvm: Any = estate.spark.sparkContext._jvm
    console = getattr(getattr(jvm.scala, "Console$"), "MODULE$")
    before, printed = console.out(), jvm.java.io.ByteArrayOutputStream()
    console.setOutDirect(jvm.java.io.PrintStream(printed))
    try:
        estate.hear(1)
        done_by(estate, Action.VACUUM)
        assert printed.size() == 0
        delta_table(estate.spark, estate.settings, HEARTBEATS).vacuum()
        assert printed.size() > 0
    finally:
        console.setOutDirect(before)


def test_each_contract_says_how_long_and_by_which_column() -> None:
    kept = {table.full_name: table for table in all_contracts()}

    assert kept["bronze.telemetry"].retention_days == 90
    assert time_columns(kept["bronze.telemetry"]) == ("ingest_time",)
    silver = {table.retention_days for table in kept.values() if table.layer == "silver"}
    assert silver == {730, contract("silver.anomaly_feedback").retention_days}
    assert time_columns(kept["silver.metrics"]) == ("event_time", "ingest_time")
    assert time_columns(kept["silver.costs"]) == ("event_time", "ingest_time")
    assert time_columns(kept["silver.anomaly_scores"]) == ("event_time", "ingest_time", "scored_at")
    assert time_columns(kept["gold.quality_checks"]) == ("checked_at",)
    assert time_columns(kept["silver.inventory"]) == ()
    assert time_columns(replace(kept["silver.inventory"], columns=(Column("day", "date", "", True, None),))) == ("day",)


def test_the_horizon_is_a_midnight() -> None:
    assert horizon(SHORT, NOW) == datetime(2026, 3, 10).date()


def note_read(settings: Settings, query: str, committed: int, *versions: int) -> None:
    """A checkpoint whose batch n has an offset that is `versions[n]`."""
    for batch, version in enumerate(versions):
        offset = {"sourceVersion": 1, "reservoirId": "t", "reservoirVersion": version, "index": -100}
        folder = settings.checkpoint_path(query)
        for kind, wanted in (("offsets", True), ("commits", batch <= committed)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            if wanted:
                (folder / kind / str(batch)).write_text("v1\n{}\n" + json.dumps(offset))


def commit_log(folder: Path, *ages: timedelta) -> Path:
    """The commits of versions 0, 1, …, which are so old."""
    log = folder / "_delta_log"
    log.mkdir()
    for version, age in enumerate(ages):
        (log / f"{version:020d}.json").touch()
        os.utime(log / f"{version:020d}.json", times=(0, (NOW - age).timestamp()))
    return log


def test_a_stream_reads_next_what_its_last_completed_batch_ended_at(settings: Settings) -> None:
    note_read(settings, "one", 1, 4, 7, 9)
    note_read(settings, "new", -1, 2)

    assert positions(settings) == (Position("new", "t", 2), Position("one", "t", 7))


def test_files_stay_as_long_as_a_stream_has_not_read_past_them(tmp_path: Path) -> None:
    log = commit_log(tmp_path, timedelta(days=20), timedelta(days=12), timedelta(days=1))

    needed = oldest_need("t", log, (Position("slow", "t", 1), Position("quick", "t", 3), Position("other", "u", 0)))

    assert needed == NOW - timedelta(days=12)
    assert keep_for(NOW, needed, WEEK) == timedelta(days=12, hours=1)
    assert oldest_need("t", log, (Position("quick", "t", 3),)) is None
    assert keep_for(NOW, None, WEEK) == WEEK


def test_a_stream_that_the_log_no_longer_reaches_back_to_is_named(tmp_path: Path) -> None:
    log = commit_log(tmp_path, timedelta(days=2), timedelta(days=1))
    (log / f"{0:020d}.json").unlink()

    with pytest.raises(StorageError, match=r"stream lost has not read .* since version 0"):
        oldest_need("t", log, (Position("lost", "t", 0),))


def test_old_results_go_and_what_a_query_still_needs_stays(settings: Settings) -> None:
    old = (NOW - timedelta(days=40)).timestamp()
    (settings.checkpoint_path("silver")).mkdir(parents=True)
    (settings.checkpoint_path("silver") / "metadata").write_text('{"id":"alive"}')
    kept = ["_quality/data_docs/index.html", "_quality/counts/ended/7.json", "_detection/log_patterns/alive/1/x"]
    gone = ["_quality/results/a/run.json", "_quality/data_docs/a/page.html", "_detection/log_patterns/ended/1/x"]
    fresh = "_quality/results/b/run.json"
    for name in (*kept, *gone, fresh):
        path = settings.root / name
        path.parent.mkdir(parents=True) if not path.parent.exists() else None
        path.touch()
    for name in (*kept, *gone):
        for path in (settings.root / name, *(settings.root / name).parents[:2]):
            os.utime(path, times=(old, old))

    effect = remove_old_files(settings, NOW - timedelta(days=30))

    assert (effect.before.files, effect.after.files) == (7, 4)
    assert all((settings.root / name).exists() for name in (*kept, fresh))
    assert not (settings.root / "_quality/results/a").exists()

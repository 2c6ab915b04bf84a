"""Tables that are worked out by the day: what changed is worked out again, all else is left alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace as replace_fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import routing
from pipelines.errors import ContractError, StorageError
from pipelines.gold import daily
from pipelines.gold.bookmark import ReadUpTo
from pipelines.gold.daily import (
    DailyTable,
    Days,
    Silver,
    Source,
    changed_days,
    contiguous,
    differing_days,
    lost_days,
    refresh,
    replace,
)
from pipelines.gold.daily_tables import daily_table
from pipelines.gold.deleted_days import note_deleted
from pipelines.settings import Settings
from pipelines.tables import Column, Table, ensure_table, read_table

BEATS = Table(
    layer="gold",
    name="beats",
    question="How many heartbeats were there?",
    grain="One day",
    columns=(Column("day", "date", "", True, None), Column("beats", "bigint", "", True, None)),
    keys=("day",),
    cluster_by=(),
    retention_days=1,
    properties=(),
    rules=(),
    checks=(),
    time_column=None,
)
FIRST = date(2026, 3, 1)


def counted(silver: Silver) -> DataFrame:
    beats = silver.of_days(routing.HEARTBEATS)
    return beats.groupBy(F.to_date("event_time").alias("day")).agg(F.count("*").alias("beats"))


def nothing(silver: Silver) -> DataFrame:
    return counted(silver).limit(0)


DAILY = DailyTable(BEATS, (Source(routing.HEARTBEATS),), counted)


class Estate:
    """silver.heartbeats, and the table that is made of it."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self.spark, self.settings = spark, settings
        ensure_table(spark, settings, routing.HEARTBEATS)

    def hear(self, *days: int) -> None:
        """One heartbeat at noon of each of these days of March."""
        given = {"kafka_timestamp": F.current_timestamp(), "ingest_time": F.current_timestamp()}
        given |= {name: F.lit("x") for name in ("event_id", "source", "resource_id", "topic")}
        given |= {name: F.lit(0) for name in ("partition", "offset", "item", "part")}
        times = [(datetime(2026, 3, day, 12, tzinfo=UTC),) for day in days]
        rows = self.spark.createDataFrame(times, "event_time timestamp").withColumns(given)
        columns = [
            (F.col(column.name) if column.name in rows.columns else F.lit(None)).cast(column.type).alias(column.name)
            for column in routing.HEARTBEATS.columns
        ]
        rows.select(*columns).write.format("delta").mode("append").save(routing.HEARTBEATS.path(self.settings))

    def refresh(self) -> list[tuple[int, int]]:
        return [(days.first.day, days.last.day) for days in refresh(self.spark, self.settings, DAILY)]

    @property
    def beats(self) -> dict[int, int]:
        return {row["day"].day: row["beats"] for row in read_table(self.spark, self.settings, BEATS).collect()}


@pytest.fixture
def estate(spark: SparkSession, settings: Settings) -> Estate:
    return Estate(spark, settings)


def test_only_days_with_news_are_worked_out(estate: Estate) -> None:
    estate.hear(1, 2, 2, 5)
    assert estate.refresh() == [(1, 2), (5, 5)]
    assert estate.beats == {1: 1, 2: 2, 5: 1}

    assert estate.refresh() == []
    estate.hear(2, 7)
    assert estate.refresh() == [(2, 2), (7, 7)]
    assert estate.beats == {1: 1, 2: 3, 5: 1, 7: 1}


def test_days_that_give_no_row_are_worked_out_once(estate: Estate) -> None:
    estate.hear(1)
    silent = DailyTable(BEATS, (Source(routing.HEARTBEATS),), nothing)

    assert refresh(estate.spark, estate.settings, silent) == (Days(FIRST, FIRST),)
    assert refresh(estate.spark, estate.settings, silent) == ()


def test_a_compaction_is_no_news(estate: Estate) -> None:
    for _ in range(3):
        estate.hear(1)
    estate.refresh()
    estate.spark.sql(f"OPTIMIZE delta.`{routing.HEARTBEATS.path(estate.settings)}`")

    assert estate.refresh() == []


def test_what_is_deleted_is_news(estate: Estate) -> None:
    estate.hear(1, 1, 2)
    estate.refresh()
    estate.spark.sql(f"DELETE FROM delta.`{routing.HEARTBEATS.path(estate.settings)}` WHERE event_time < '2026-03-02'")

    assert estate.refresh() == [(1, 1)]
    assert estate.beats == {2: 1}


def test_a_day_is_worked_out_again_as_often_as_one_likes(estate: Estate) -> None:
    estate.hear(1, 2)
    estate.refresh()
    for _ in range(2):
        replace(estate.spark, estate.settings, DAILY, Days(FIRST, FIRST))

    assert estate.beats == {1: 1, 2: 1}
    assert estate.refresh() == []


def test_a_source_that_was_made_anew_is_read_as_a_whole(estate: Estate) -> None:
    estate.hear(1, 2)
    estate.refresh()
    path = estate.settings.table_path("silver", "heartbeats")
    path.rename(path.with_name("heartbeats_before"))
    ensure_table(estate.spark, estate.settings, routing.HEARTBEATS)
    estate.hear(1, 1, 1)
    estate.hear(3)

    assert estate.refresh() == [(1, 3)]
    assert estate.beats == {1: 3, 3: 1}  # and what is not there any more is gone


def test_a_feed_that_does_not_reach_back_is_no_loss(estate: Estate) -> None:
    estate.hear(1)
    estate.refresh()
    path = routing.HEARTBEATS.path(estate.settings)
    estate.spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false')")
    estate.hear(2)
    ensure_table(estate.spark, estate.settings, routing.HEARTBEATS)  # turns it on again
    estate.hear(3)

    assert estate.refresh() == [(1, 3)]
    assert estate.beats == {1: 1, 2: 1, 3: 1}


def test_a_window_that_looks_back_makes_later_days_news(estate: Estate) -> None:
    estate.hear(1, 2, 3, 4, 9)
    looking_back = DailyTable(BEATS, (Source(routing.HEARTBEATS, reach=2),), counted)
    refresh(estate.spark, estate.settings, looking_back)
    estate.hear(2)

    assert refresh(estate.spark, estate.settings, looking_back) == (Days(date(2026, 3, 2), date(2026, 3, 4)),)


def test_days_to_come_are_left_alone(estate: Estate) -> None:
    table = DailyTable(BEATS, (Source(routing.HEARTBEATS, reach=3),), nothing)
    estate.hear(1)
    second = date(2026, 3, 2)

    assert refresh(estate.spark, estate.settings, table, today=second) == (Days(FIRST, second),)


def test_what_is_followed_makes_earlier_days_news(estate: Estate) -> None:
    estate.hear(1, 2, 3, 9)
    following = DailyTable(BEATS, (Source(routing.HEARTBEATS, reach_back=2),), counted)
    refresh(estate.spark, estate.settings, following)
    estate.hear(9)

    assert refresh(estate.spark, estate.settings, following) == (Days(date(2026, 3, 7), date(2026, 3, 9)),)


def test_a_refresh_that_was_killed_goes_on_with_the_days_that_it_left(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily, "_MOST_DAYS", 2)
    estate.hear(1, 2, 3, 4, 5, 9)

    def killed(silver: Silver) -> DataFrame:
        if silver.days.first.day == 3:
            raise KeyboardInterrupt
        return counted(silver)

    with pytest.raises(KeyboardInterrupt):
        refresh(estate.spark, estate.settings, DailyTable(BEATS, DAILY.sources, killed))
    assert estate.beats == {1: 1, 2: 1}
    estate.hear(2)  # what comes meanwhile is found as well

    assert estate.refresh() == [(2, 3), (4, 5), (9, 9)]
    assert estate.beats == {1: 1, 2: 2, 3: 1, 4: 1, 5: 1, 9: 1}
    assert estate.refresh() == []


def test_a_refresh_beside_another_writer_works_its_days_out_again(estate: Estate, tmp_path: Path) -> None:
    """The other one commits while the first attempt, which has begun its commit, works out its rows."""
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    attempts = []

    def wait(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        begun.touch()
        while not ended.exists():
            time.sleep(0.02)
        yield from batches

    def slow(silver: Silver) -> DataFrame:
        attempts.append(silver.days)
        # One task waits: the other writer needs a core, and there may be two.
        return counted(silver).coalesce(1).mapInArrow(wait, "day date, beats bigint")

    def other() -> None:
        while not begun.exists():
            time.sleep(0.02)
        replace(estate.spark, estate.settings, DAILY, Days(FIRST, FIRST))
        ended.touch()

    estate.hear(1, 2)
    estate.refresh()
    estate.hear(1)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(other)
        refresh(estate.spark, estate.settings, DailyTable(BEATS, DAILY.sources, slow))
        writing.result()

    assert attempts == [Days(FIRST, FIRST)] * 2
    assert estate.beats == {1: 2, 2: 1}
    assert estate.refresh() == []


@pytest.mark.parametrize(("reach", "reach_back", "lost"), [(0, 0, [9]), (2, 0, [9, 10, 11]), (0, 2, [7, 8, 9])])
def test_no_day_is_worked_out_that_lacks_rows_of_one_before_or_after_it(
    estate: Estate, reach: int, reach_back: int, lost: list[int]
) -> None:
    following = DailyTable(BEATS, (Source(routing.HEARTBEATS, reach=reach, reach_back=reach_back),), counted)
    note_deleted(estate.spark, estate.settings, routing.HEARTBEATS, "event_time", [date(2026, 3, 9)])

    assert sorted(day.day for day in lost_days(estate.spark, estate.settings, following)) == lost
    last = date(2026, 3, lost[0])
    with pytest.raises(StorageError, match=f"{last} to {last} cannot be worked out again"):
        replace(estate.spark, estate.settings, following, Days(FIRST, last))


def test_rows_may_touch_other_days_than_their_own(estate: Estate) -> None:
    """As a delivery that replaces a former one does: here, any news make all days anew."""
    estate.hear(1, 2)
    day = F.to_date("event_time").alias("day")
    touching = DailyTable(BEATS, (Source(routing.HEARTBEATS, touched=lambda _, whole: whole.select(day)),), counted)
    refresh(estate.spark, estate.settings, touching)
    estate.hear(3)

    assert refresh(estate.spark, estate.settings, touching) == (Days(FIRST, date(2026, 3, 3)),)


def test_a_day_that_came_out_the_same_is_no_news_to_those_who_read_it(estate: Estate) -> None:
    spark, settings = estate.spark, estate.settings
    feeding = replace_fields(BEATS, properties=(("delta.enableChangeDataFeed", "true"),))
    table = DailyTable(feeding, DAILY.sources, counted)
    estate.hear(1, 2, 3)
    refresh(spark, settings, table)
    beats_source = Source(feeding, "day", touched=differing_days)
    before = ReadUpTo(table_id(estate, BEATS), 1)
    estate.hear(2)
    replace(spark, settings, table, Days(FIRST, date(2026, 3, 3)))
    now = ReadUpTo(before.table_id, 2)

    assert changed_days(spark, settings, beats_source, before, now) == {date(2026, 3, 2)}


def table_id(estate: Estate, table: Table) -> str:
    return str(DeltaTable.forPath(estate.spark, table.path(estate.settings)).detail().select("id").collect()[0][0])


def test_days_are_as_few_runs_as_they_can_be() -> None:
    days = [FIRST + timedelta(days=offset) for offset in (4, 0, 1, 31, 30)]

    assert contiguous(days) == (
        Days(FIRST, date(2026, 3, 2)),
        Days(date(2026, 3, 5), date(2026, 3, 5)),
        Days(date(2026, 3, 31), date(2026, 4, 1)),
    )
    assert contiguous([]) == ()


def test_no_run_has_more_days_than_one_job_can_do() -> None:
    days = [FIRST + timedelta(days=offset) for offset in range(70)]

    runs = contiguous(days)

    assert [(run.last - run.first).days + 1 for run in runs] == [30, 30, 10]
    assert [run.first for run in runs[1:]] == [run.last + timedelta(days=1) for run in runs[:-1]]


def test_a_table_of_another_kind_is_refused_with_a_list_of_those_that_there_are() -> None:
    with pytest.raises(ContractError, match="table bronze is not worked out by the day; those are: "):
        daily_table("bronze")

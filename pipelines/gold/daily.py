"""Gold tables that are worked out by the day: which days a change touches, and how they are put in place.

A day is always worked out as a whole, from all that silver holds of it, and replaces what the table had of it in one
commit (`replaceWhere`). So a refresh can be repeated, and any day can be worked out again. How far each source had been
read is noted in that same commit, as its user metadata: days and note are there together or not at all. Many days are
several commits, and a refresh that was killed goes on with the days that are left (`bookmark`). A change is
found by Delta's change data feed, which reads the new files alone. A day that a source has lost to its retention stays
as it was worked out when all of it was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.conflicts import retried
from pipelines.errors import StorageError
from pipelines.gold.bookmark import Bookmark, ReadUpTo, bookmark, newest
from pipelines.gold.deleted_days import deleted_days
from pipelines.settings import Settings
from pipelines.tables import Table, ensure_table, load_table, read_table, save_table

DAY = "day"
_ONE_DAY = timedelta(days=1)
# What one job works out at most: months at once would not fit the memory of a small machine.
_MOST_DAYS = 30
# Two refreshes of a table at a time work out their days again as often as the other was faster.
_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0
_SKIP_EMPTY = "spark.databricks.delta.skipRecordingEmptyCommits"
_CHANGE = "_change_type"
# The feed does not reach back so far: the table had none then, its log was cleaned up, or its files were vacuumed.
_FEED_IS_GONE = (
    "DELTA_MISSING_CHANGE_DATA",
    "DELTA_CHANGE_DATA_FILE_NOT_FOUND",
    "DELTA_VERSIONS_NOT_CONTIGUOUS",
    "DELTA_VERSION_NOT_FOUND",
    "DELTA_LOG_FILE_NOT_FOUND",
    "FAILED_READ_FILE",
)


# Rows that came or went, and the whole table → the days that they touch, in a column `day`.
TouchedDays = Callable[[DataFrame, DataFrame], DataFrame]


@dataclass(frozen=True)
class Source:
    """A table whose news touch the day of `time_column`, the `reach` days after it (windows that look back), and the
    `reach_back` days before it (what began then is followed).

    `touched`: the days that rows touch where their time alone does not tell, as where new rows make others void.
    """

    table: Table
    time_column: str = "event_time"
    reach: int = 0
    reach_back: int = 0
    touched: TouchedDays | None = None

    def days(self, changed: DataFrame, whole: DataFrame) -> set[date]:
        """The days that `changed` rows of the table touch, without the reach."""
        if self.touched is None:
            return _days_of(changed, self.time_column)
        return _days_of(self.touched(changed, whole), DAY)

    def reached_from(self, day: date) -> Iterator[date]:
        """The days that are worked out from rows of `day`."""
        return (day + offset * _ONE_DAY for offset in range(-self.reach_back, self.reach + 1))


@dataclass(frozen=True)
class Days:
    """The days `first` to `last`, both included, UTC."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day)

    @property
    def end(self) -> datetime:
        """The midnight after the last."""
        following = self.last + _ONE_DAY
        return datetime(following.year, following.month, following.day)


@dataclass(frozen=True)
class Silver:
    """What a table is made from, for some days."""

    spark: SparkSession
    settings: Settings
    days: Days

    def all(self, table: Table) -> DataFrame:
        """All rows of a table, which is made if it is not there yet."""
        ensure_table(self.spark, self.settings, table)
        return read_table(self.spark, self.settings, table)

    def of_days(self, table: Table, time_column: str = "event_time", days_before: int = 0) -> DataFrame:
        """The rows whose `time_column` is in the days, or at most `days_before` earlier."""
        start = self.days.start - timedelta(days=days_before)
        time = F.col(time_column)
        return self.all(table).where((time >= _utc(start)) & (time < _utc(self.days.end)))


@dataclass(frozen=True)
class DailyTable:
    """`rows`: all rows of the table for the days that it is given, each with its `day`."""

    table: Table
    sources: tuple[Source, ...]
    rows: Callable[[Silver], DataFrame] = field(compare=False)


def refresh(
    spark: SparkSession,
    settings: Settings,
    daily: DailyTable,
    note: Callable[[Days], None] = lambda _: None,
    today: date | None = None,
) -> tuple[Days, ...]:
    """Work out the days that have changed since the last refresh, or that it left; which they were, the earliest first.

    `note` hears of each run of days before. `today`, beyond which no window reaches, is that of the clock (UTC) unless
    given. Raises StorageError if another writer of the table was faster each time.
    """
    for table in (daily.table, *(source.table for source in daily.sources)):
        ensure_table(spark, settings, table)
    before = bookmark(spark, settings, daily.table)
    now = {source.table.full_name: newest(spark, settings, source.table) for source in daily.sources}
    touched = set(before.left)
    today = today or datetime.now(UTC).date()
    for source in daily.sources:
        name = source.table.full_name
        changed = changed_days(spark, settings, source, before.read_up_to.get(name), now[name])
        if changed is None:
            # What is not there any more has left no trace but in the table itself.
            touched |= _days_of(read_table(spark, settings, daily.table), DAY)
            whole = read_table(spark, settings, source.table)
            changed = source.days(whole, whole)
        reached = {other for day in changed for other in source.reached_from(day)}
        # A window that looks back does not reach into days that are still to come.
        touched |= {day for day in reached if day <= today or day in changed}
    left = touched - lost_days(spark, settings, daily)
    runs = contiguous(left)
    for days in runs:
        note(days)
        left = {day for day in left if day > days.last}
        _put(spark, settings, daily, days, Bookmark(now, frozenset(left)))
    return runs


def lost_days(spark: SparkSession, settings: Settings, daily: DailyTable) -> set[date]:
    """The days that cannot be worked out any more: retention has deleted rows of a source that they are made of."""
    return {
        reached
        for source in daily.sources
        for day in deleted_days(spark, settings, source.table, source.time_column)
        for reached in source.reached_from(day)
    }


def replace(spark: SparkSession, settings: Settings, daily: DailyTable, days: Days) -> None:
    """Work out `days` and put them in place of what the table has of them, in one commit.

    Raises StorageError if a source no longer has all of them.
    """
    ensure_table(spark, settings, daily.table)
    lost = sorted(day for day in lost_days(spark, settings, daily) if days.first <= day <= days.last)
    if lost:
        raise StorageError(
            f"table {daily.table.full_name}: {lost[0]} to {lost[-1]} cannot be worked out again, as rows that they are "
            "made of were older than their retention (gold.deleted_days lists the days); leave those days out"
        )
    _put(spark, settings, daily, days, None)


def _put(spark: SparkSession, settings: Settings, daily: DailyTable, days: Days, mark: Bookmark | None) -> None:
    """`mark`: what is true of the table once these days are in it."""

    def put() -> None:
        rows = daily.rows(Silver(spark, settings, days)).select(*daily.table.column_names)
        # One file, and yet the last stage of the query by all cores.
        writer = rows.repartition(1).write.mode("overwrite")
        writer = writer.option("replaceWhere", f"{DAY} >= DATE'{days.first}' AND {DAY} <= DATE'{days.last}'")
        if mark is not None:
            writer = writer.option("userMetadata", mark.to_json())
        with _empty_commits(spark):
            save_table(writer, settings, daily.table)

    retried(put, daily.table.full_name, _ATTEMPTS, _PAUSE_SECONDS)


@contextmanager
def _empty_commits(spark: SparkSession) -> Iterator[None]:
    """Days without a row, in a table that had none of them, are a commit too: it carries the note."""
    before = spark.conf.get(_SKIP_EMPTY, "true")
    spark.conf.set(_SKIP_EMPTY, "false")
    try:
        yield
    finally:
        spark.conf.set(_SKIP_EMPTY, str(before))


def changed_days(
    spark: SparkSession, settings: Settings, source: Source, since: ReadUpTo | None, until: ReadUpTo
) -> set[date] | None:
    """The days of rows that came, went or changed after `since`, up to `until`; None if that cannot be told."""
    if since == until:
        return set()
    if since is None or since.table_id != until.table_id:
        return None
    feed = spark.read.option("readChangeFeed", "true")
    feed = feed.option("startingVersion", since.version + 1).option("endingVersion", until.version)
    try:
        return source.days(load_table(feed, settings, source.table), read_table(spark, settings, source.table))
    except PySparkException as error:
        if not any(condition in str(error) for condition in _FEED_IS_GONE):
            raise
        return None


def contiguous(days: Iterable[date]) -> tuple[Days, ...]:
    """Days as few runs of days that follow each other, none of more than _MOST_DAYS, the earliest first."""
    runs: list[Days] = []
    for day in sorted(days):
        if runs and day == runs[-1].last + _ONE_DAY and day - runs[-1].first < _MOST_DAYS * _ONE_DAY:
            runs[-1] = Days(runs[-1].first, day)
        else:
            runs.append(Days(day, day))
    return tuple(runs)


def differing_days(changed: DataFrame, whole: DataFrame) -> DataFrame:
    """As `touched` of a daily table: the days whose rows differ now. A day that was worked out again to the same rows,
    which the feed has as deleted and inserted, is no news to whoever reads it. Columns that are maps are not looked at.
    """
    if _CHANGE not in changed.columns:
        return changed.select(DAY)
    compared = [name for name, kind in whole.dtypes if "map<" not in kind]
    came = F.col(_CHANGE).isin("insert", "update_postimage")
    net = changed.groupBy(DAY, F.xxhash64(*compared).alias("row")).agg(
        F.sum(F.when(came, 1).otherwise(-1)).alias("more")
    )
    return net.where("more <> 0").select(DAY)


def _days_of(rows: DataFrame, time_column: str) -> set[date]:
    found = rows.select(F.to_date(time_column).alias(DAY)).distinct().collect()
    return {row[DAY] for row in found if row[DAY] is not None}


def _utc(moment: datetime) -> Column:
    return F.lit(f"{moment:%Y-%m-%d %H:%M:%S}").cast("timestamp")

"""What does a day cost gold? Run alone, as it takes the whole machine:

    python -m tests.bench.gold --days 30 --resources 1000

Days of silver are made (`silver_days`) and every daily table is worked out for all of them. Then one more is appended,
and each table is brought up to date: how long it takes, and how much of its sources it reads. Bytes are those that
Spark's tasks report as input; beside them stand the size of the day that is new in the table's sources, and of all that
the sources hold, so that what is read can be seen to follow the day and not the history. With `--root`, the days stay:
a second run goes on with them, and measures increments again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table as Printed

from pipelines.gold.daily import DailyTable, refresh
from pipelines.gold.daily_tables import DAILY_TABLES
from pipelines.session import build_session
from pipelines.settings import Settings, load_settings
from pipelines.tables import Table, ensure_table, read_table
from tests.bench.silver_days import TABLES, write_day

FIRST = date(2026, 1, 1)
TARGET_SECONDS = 60.0
_MB = 1e6
# Parquet's vectored reads are done by threads of its own, whose bytes Spark does not count as a task's.
_READS_ARE_COUNTED = "LAKEHOUSE_SPARK__CONF__SPARK.HADOOP.PARQUET.HADOOP.VECTORED.IO.ENABLED"


@dataclass(frozen=True)
class Result:
    """Of a table: seconds for all days and for one more, the days that were worked out then, and megabytes: read for
    the increment, new in its sources since the refresh before, and in its sources in all."""

    table: str
    first_seconds: float
    seconds: float
    days: int
    read_mb: float
    new_mb: float
    sources_mb: float


def input_bytes(spark: SparkSession) -> int:
    """What all tasks of this application have read so far."""
    context = spark.sparkContext._jsc.sc()
    executors = context.statusStore().executorList(False)
    return sum(executors.apply(place).totalInputBytes() for place in range(executors.size()))


def size(spark: SparkSession, settings: Settings, tables: tuple[Table, ...]) -> int:
    """Bytes of the files that the tables consist of."""
    details = (DeltaTable.forPath(spark, table.path(settings)).detail() for table in tables)
    return sum(int(detail.select("sizeInBytes").collect()[0][0]) for detail in details)


def written(spark: SparkSession, settings: Settings, tables: tuple[Table, ...], since: dict[str, int]) -> int:
    """Bytes that were written to the tables after their versions `since`."""
    total = 0
    for table in tables:
        for row in DeltaTable.forPath(spark, table.path(settings)).history().collect():
            if row["version"] > since[table.full_name]:
                metrics = row["operationMetrics"]
                total += int(metrics.get("numOutputBytes") or metrics.get("numAddedBytes") or 0)
    return total


def versions(spark: SparkSession, settings: Settings, tables: tuple[Table, ...]) -> dict[str, int]:
    newest = {table.full_name: DeltaTable.forPath(spark, table.path(settings)).history(1) for table in tables}
    return {name: int(rows.select("version").collect()[0][0]) for name, rows in newest.items()}


def days_there(spark: SparkSession, settings: Settings) -> int:
    """How many whole days a root of a former run has: the table that `write_day` writes last tells."""
    return read_table(spark, settings, TABLES[-1]).select(F.to_date("event_time")).distinct().count()


def timed_refresh(spark: SparkSession, settings: Settings, daily: DailyTable, today: date) -> tuple[float, int]:
    """Seconds, and how many days were worked out. `today` is the newest day that is there."""
    begun = time.perf_counter()
    runs = refresh(spark, settings, daily, today=today)
    return time.perf_counter() - begun, sum((run.last - run.first).days + 1 for run in runs)


def measure(spark: SparkSession, settings: Settings, days: int, machines: int, console: Console) -> list[Result]:
    for table in TABLES:
        ensure_table(spark, settings, table)
    begun = time.perf_counter()
    there = days_there(spark, settings)
    with console.status("") as told:
        for place in range(there, days):
            told.update(f"making day {place + 1} of {days}")
            write_day(spark, settings, FIRST + timedelta(days=place), machines)
    days = max(days, there)
    console.print(f"{days} days of {machines:,} machines, {there} there before, in {time.perf_counter() - begun:.0f} s")
    first, before, newest = {}, {}, FIRST + timedelta(days=days - 1)
    for daily in DAILY_TABLES:
        name = daily.table.full_name
        first[name], _ = timed_refresh(spark, settings, daily, newest)
        console.print(f"{name}: all days in {first[name]:.0f} s")
        # Of each as it is after its own refresh: tables that others read come before those.
        sources = tuple(source.table for source in daily.sources)
        before[name] = versions(spark, settings, sources)
    today = newest + timedelta(days=1)
    write_day(spark, settings, today, machines)
    results = []
    for daily in DAILY_TABLES:
        results.append(_increment(spark, settings, daily, today, first, before[daily.table.full_name]))
        console.print(f"{daily.table.full_name}: one more in {results[-1].seconds:.0f} s")
    return results


def _increment(
    spark: SparkSession,
    settings: Settings,
    daily: DailyTable,
    today: date,
    first: dict[str, float],
    before: dict[str, int],
) -> Result:
    name, sources = daily.table.full_name, tuple(source.table for source in daily.sources)
    new = written(spark, settings, sources, before)
    read_before = input_bytes(spark)
    seconds, days = timed_refresh(spark, settings, daily, today)
    read = input_bytes(spark) - read_before
    return Result(name, first[name], seconds, days, read / _MB, new / _MB, size(spark, settings, sources) / _MB)


def show(results: list[Result], console: Console) -> None:
    printed = Printed(box=None, pad_edge=False)
    for name in ("table", "all days, s", "one more, s", "days anew", "read, MB", "new, MB", "sources, MB", ""):
        printed.add_column(name, justify="left" if name in ("table", "") else "right")
    for one in results:
        printed.add_row(
            one.table, f"{one.first_seconds:.1f}", f"{one.seconds:.1f}", f"{one.days}", f"{one.read_mb:.1f}",
            f"{one.new_mb:.1f}", f"{one.sources_mb:.1f}", "" if one.seconds < TARGET_SECONDS else "too slow",
        )  # fmt: skip
    console.print(printed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--resources", type=int, default=1000)
    parser.add_argument(
        "--root",
        type=Path,
        help="a folder for the tables, which is kept, and gone on with if it has days; else one that is not",
    )
    parser.add_argument("--out", type=Path)
    arguments, console = parser.parse_args(), Console(width=140)
    root = arguments.root or Path(tempfile.mkdtemp(prefix="bench-gold-"))
    try:
        settings = load_settings("local", {"LAKEHOUSE_ROOT": str(root), _READS_ARE_COUNTED: "false"})
        spark = build_session(settings, "bench of gold")
        results = measure(spark, settings, arguments.days, arguments.resources, console)
        spark.stop()
    finally:
        if arguments.root is None:
            shutil.rmtree(root, ignore_errors=True)
    show(results, console)
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n")


if __name__ == "__main__":
    main()

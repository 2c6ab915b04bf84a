"""How long do 1,000 rules over 10,000 series take? It is run by

    python -m tests.bench.alerts

1,000 resources send ten signals each minute for an hour; the rules are a hundred a signal: two aggregates, four
windows, thresholds that about one in a hundred is above. An evaluation is all that a tick does: look for the newest
event, read the window, evaluate, go from states to states, write the transitions. The first, which compiles, is told
apart.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from pipelines.alerts.rules import Group
from pipelines.alerts.signals import load_signals
from pipelines.alerts.stream import AlertOptions, Evaluation, prepare
from pipelines.session import build_session
from pipelines.settings import Settings, load_settings, without_outside_services
from pipelines.streams import Trigger
from pipelines.tables import contract, ensure_table

RULES, RESOURCES, MINUTES, EVALUATIONS, TARGET = 1_000, 1_000, 60, 10, 15.0
_METRICS = contract("silver.metrics")
_BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
_WINDOWS, _AGGREGATES = ("1m", "2m", "5m", "10m"), ("newest", "avg")


def rules(number: int) -> Group:
    signals = list(load_signals())
    made = []
    for place in range(number):
        signal = signals[place % 10]
        aggregate = _AGGREGATES[place // 10 % 2]
        window = _WINDOWS[place // 20 % 4]
        made.append(
            {
                "alert": f"Rule{place}",
                "expr": {
                    "select": {"value": f"{aggregate}({signal})"},
                    "from": "silver.metrics",
                    "by": ["resource_id"],
                    "window": window,
                    "having": f"value > {98.5 + place / number}",
                },
                "for": "5m",
                "labels": {"severity": "warning"},
                "annotations": {"summary": "{{ $labels.resource_id }} at {{ $value }}"},
            }
        )
    return Group.model_validate({"name": "bench", "interval": "1m", "rules": made})


def add_minutes(spark: SparkSession, settings: Settings, first: int, count: int, resources: int) -> None:
    """A file with a point of every series in each of the minutes; a series keeps its level for five minutes."""
    names = F.array(*(F.lit(name) for name in list(load_signals())[:10]))
    minutes = spark.range(first, first + count).withColumnRenamed("id", "minute")
    points = minutes.crossJoin(spark.range(10 * resources).withColumnRenamed("id", "series"))
    time = F.timestamp_micros(F.lit(int(_BEGIN.timestamp() * 1e6)) + F.col("minute") * 60_000_000)
    made = points.select(
        F.concat_ws("-", "minute", "series").alias("event_id"),
        time.alias("event_time"),
        F.col("series").alias("series_id"),
        F.concat(F.lit("vm-"), F.floor(F.col("series") / 10)).alias("resource_id"),
        F.get(names, (F.col("series") % 10).cast("int")).alias("metric"),
        (F.pmod(F.xxhash64(F.floor(F.col("minute") / 5), "series"), F.lit(10_000)) / 100).alias("value"),
    )
    known = {name: F.col(name) for name in made.columns}
    filled = {
        column.name: F.lit(0 if column.type in ("int", "bigint") else "bench").cast(column.type)
        for column in _METRICS.columns
        if column.type in ("int", "bigint", "string")
    }
    times = {name: F.col("event_time") for name in ("kafka_timestamp", "ingest_time")}
    rows = made.select(
        *(
            (known | times).get(c.name, filled.get(c.name, F.lit(None).cast(c.type))).alias(c.name)
            for c in _METRICS.columns
        )
    )
    rows.coalesce(1).write.format("delta").mode("append").save(_METRICS.path(settings))


def measure(evaluation: Evaluation, settings: Settings, evaluations: int, resources: int) -> list[tuple[float, float]]:
    """Seconds by the clock and of CPU of each evaluation; before each, a minute of new points."""
    taken = []
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    for place in range(evaluations + 1):
        add_minutes(evaluation.spark, settings, MINUTES + place, 1, resources)
        begun, cpu = time.perf_counter(), _cpu(family)
        evaluation.tick(datetime.now(UTC))
        taken.append((time.perf_counter() - begun, _cpu(family) - cpu))
    return taken


def _cpu(family: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in family if process.is_running())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=RULES)
    parser.add_argument("--resources", type=int, default=RESOURCES, help="of ten series each")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS)
    asked = parser.parse_args()
    console = Console(highlight=False)
    root = Path(tempfile.mkdtemp(prefix="bench-alerts-"))
    try:
        settings = load_settings("local", without_outside_services({"LAKEHOUSE_ROOT": str(root)}))
        spark = build_session(settings, "bench alerts")
        ensure_table(spark, settings, _METRICS)
        for first in range(0, MINUTES, 10):
            add_minutes(spark, settings, first, 10, asked.resources)
        options = AlertOptions(look_back=timedelta(minutes=1))
        begun = time.perf_counter()
        evaluation = prepare(spark, settings, Trigger.CONTINUOUS, options, [rules(asked.rules)])
        prepared = time.perf_counter() - begun
        first, *others = measure(evaluation, settings, asked.evaluations, asked.resources)
        alive = len(evaluation.states)
        spark.stop()
    finally:
        shutil.rmtree(root)
    seconds = [clock for clock, _ in others]
    console.print(
        f"{asked.rules:,} rules over {10 * asked.resources:,} series, {alive:,} alerts pending or firing at the end: "
        f"median {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s of {len(seconds)} evaluations "
        f"(target {TARGET:.0f} s); CPU {statistics.median(cpu for _, cpu in others):.2f} s; "
        f"the first {first[0]:.2f} s (CPU {first[1]:.2f} s), the start {prepared:.2f} s"
    )


if __name__ == "__main__":
    main()

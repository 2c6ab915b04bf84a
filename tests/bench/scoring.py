"""How fast are measurements scored, and what does it take to remember their series? Alone, it is run by

    python -m tests.bench.scoring --batches 20

Three parts: the detector alone on frames in memory, a block of 100,000 series, and the very query of the scoring stream
over a silver.metrics that is made for it: one file and so one micro-batch a time, first with a point of every series
each, to nowhere and to its Delta table, so that the difference is the commit, then with a hundred. Points a second of
CPU, of all processes together, are there because a busy machine gives no others that mean much.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import psutil
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from pipelines.detection import stream
from pipelines.detection.block import empty_block, to_bytes
from pipelines.detection.bundle import Bundle, save
from pipelines.detection.champion import pointer
from pipelines.detection.published import Champion, Published, publish
from pipelines.detection.score_frame import score_frame
from pipelines.detection.univariate import Parameters, fresh_states, score_points
from pipelines.session import build_session
from pipelines.settings import PROJECT_DIR, Settings, load_settings, without_outside_services
from pipelines.streams import Trigger, read_appends, start_query
from pipelines.tables import ensure_table, read_table

POINTS, SERIES, CALL = 100_000, 1_000, 1_000
REMEMBERED = 100_000
STREAM_SERIES, FULL_BATCH, WARM_UP = 10_000, 1_000_000, 8
RATE, CALL_MS, BATCH_MS, REMEMBERED_MB = 100_000, 20.0, 600.0, 1_000.0
_SERIES_OF_A_HOST = 10
_START = pd.Timestamp("2026-11-01")
_MB = 1e6


@dataclass(frozen=True)
class ModelSpeed:
    """Points a second in batches of POINTS; milliseconds of a frame of CALL rows, one point of each series."""

    frame: float
    points: float
    call_p50: float
    call_p99: float


@dataclass(frozen=True)
class Remembered:
    """Of REMEMBERED series: bytes of state each, megabytes in all; what scoring each once added to a fresh process'
    resident memory, and the most that it ever had above what it began with."""

    bytes_each: float
    state_mb: float
    grown_mb: float
    peak_mb: float


@dataclass(frozen=True)
class StreamSpeed:
    """Milliseconds of a micro-batch of a point of each of STREAM_SERIES; `parts`: where the median batch spent them."""

    batches: int
    p50: float
    p90: float
    parts: dict[str, float]


@dataclass(frozen=True)
class FullBatch:
    """Of a batch of FULL_BATCH points: points a second, and points a second of CPU; `parts` (ms) of it."""

    points: float
    cpu_points: float
    parts: dict[str, float]


@dataclass(frozen=True)
class Scoring:
    model: ModelSpeed
    remembered: Remembered
    to_nowhere: StreamSpeed
    stream: StreamSpeed
    full: FullBatch


class _NoRegistry:
    """The champion is published before the stream starts, and stays."""

    def prepare(self) -> None: ...

    def look(self) -> None: ...

    def follow(self, is_wanted: Callable[[], bool]) -> None: ...


def measure(settings: Settings, batches: int, console: Console) -> Scoring:
    """All parts, each printed when it is known; the stream has `batches` micro-batches after warming up."""
    model = measure_model()
    _say(console, "score_frame, full batches", f"{model.frame:,.0f} points/s", model.frame >= RATE, f"{RATE:,}")
    _say(console, "score_points, full batches", f"{model.points:,.0f} points/s", model.points >= RATE, f"{RATE:,}")
    calls = f"p50 {model.call_p50:.2f} ms, p99 {model.call_p99:.2f} ms"
    _say(console, f"score_frame, {CALL:,} rows", calls, model.call_p99 <= CALL_MS, f"p99 {CALL_MS:.0f} ms")
    remembered = measure_remembered()
    kept = (
        f"{remembered.bytes_each:,.0f} bytes each, {remembered.state_mb:,.0f} MB in all; resident memory grows by "
        f"{remembered.grown_mb:,.0f} MB, at most {remembered.peak_mb:,.0f} MB"
    )
    _say(console, f"{REMEMBERED:,} series", kept, remembered.peak_mb <= REMEMBERED_MB, f"{REMEMBERED_MB:,.0f} MB")
    spark = build_session(settings, "bench")
    try:
        _make_points(spark, settings, batches)
        nowhere = _speed(_run_to_nowhere(spark, settings)[WARM_UP:])
        _say_stream(console, f"{STREAM_SERIES:,} series, to nowhere", nowhere)
        ones = measure_stream(spark, settings, batches)
        _say_stream(console, f"{STREAM_SERIES:,} series, to Delta", ones)
        full = measure_full_batch(spark, settings, WARM_UP + batches)
        speed = f"{full.points:,.0f} points/s, {full.cpu_points:,.0f} a second of CPU"
        _say(console, f"a batch of {FULL_BATCH:,}", speed, full.points >= RATE, f"{RATE:,}")
        _say_parts(console, full.parts)
    finally:
        spark.stop()
    return Scoring(model, remembered, nowhere, ones, full)


def measure_model() -> ModelSpeed:
    champion = Champion(Published("bench", "1", ""), Bundle())
    block = empty_block()
    each = POINTS // SERIES
    frames = iter(made_frames(SERIES, each))
    score_frame(next(frames), block, champion)
    frame = statistics.median(_seconds(score_frame, next(frames), block, champion) for _ in range(9))

    rng, states = np.random.default_rng(3), fresh_states(SERIES)
    series, strictness, took = np.tile(np.arange(SERIES), each), np.ones(SERIES), []
    for batch in range(10):
        times = 60.0 * (batch * each + np.repeat(np.arange(each, dtype=np.float64), SERIES))
        values = rng.normal(50, 2, POINTS)
        took.append(_seconds(score_points, states, series, times, values, Parameters(), strictness))

    singles = iter(made_frames(CALL, 1))
    block = empty_block()
    calls = [1e3 * _seconds(score_frame, next(singles), block, champion) for _ in range(1_100)][100:]
    p50, p99 = (float(share) for share in np.percentile(calls, (50, 99)))
    return ModelSpeed(POINTS / frame, POINTS / statistics.median(took[1:]), p50, p99)


def made_frames(series: int, each: int) -> Any:
    """Frames as the stream hands them to a bucket, one after the other: `each` points a minute apart of all series."""
    rng, count = np.random.default_rng(7), series * each
    at = np.repeat(np.arange(each), series)
    ids = np.random.default_rng(1).integers(-(2**63), 2**63, series)
    hosts = [
        f"/subscriptions/s/resourcegroups/rg/machines/host-{number // _SERIES_OF_A_HOST}" for number in range(series)
    ]
    batch = 0
    while True:
        times = (_START + pd.to_timedelta(60 * (batch * each + at), unit="s")).to_numpy("datetime64[us]")
        names = rng.integers(0, 2**62, count)
        yield pd.DataFrame(
            {
                "score_id": [f"{name:032x}" for name in names],
                "series_id": np.tile(ids, each),
                "resource_id": hosts * each,
                "host_name": "host",
                "namespace": "Processor",
                "metric": "% Processor Time",
                "event_time": times,
                "value": rng.normal(50, 2, count),
                "kafka_timestamp": times,
                "ingest_time": times,
            }
        )
        batch += 1


def measure_remembered() -> Remembered:
    """In a process of its own, whose memory holds nothing else."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_remember).result()


def _remember() -> Remembered:
    champion = Champion(Published("bench", "1", ""), Bundle())
    score_frame(next(made_frames(10, 1)), empty_block(), champion)
    frame, block, process = next(made_frames(REMEMBERED, 1)), empty_block(), psutil.Process()
    before = process.memory_info().rss
    score_frame(frame, block, champion)
    after = process.memory_info().rss
    stored = to_bytes(block)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Remembered(len(stored) / REMEMBERED, len(stored) / _MB, (after - before) / _MB, (most - before) / _MB)


def measure_stream(spark: SparkSession, settings: Settings, batches: int) -> StreamSpeed:
    """One run over all that is there, a file a micro-batch: no waiting for a trigger is in it, nor a start."""
    return _speed(_run(spark, settings, (WARM_UP + batches) * STREAM_SERIES)[WARM_UP:])


def _make_points(spark: SparkSession, settings: Settings, batches: int) -> None:
    shutil.rmtree(settings.root, ignore_errors=True)
    folder = settings.models_dir / "published" / "bench-1"
    save(Bundle(), folder)
    publish(Published("bench", "1", str(folder)), pointer(settings))
    ensure_table(spark, settings, stream.METRICS)
    for minute in range(WARM_UP + batches):
        _append(spark, settings, minute, 1)


def _speed(progress: list[Any]) -> StreamSpeed:
    took = [float(one.durationMs["triggerExecution"]) for one in progress]
    return StreamSpeed(len(took), statistics.median(took), float(np.percentile(took, 90)), _parts(progress))


def measure_full_batch(spark: SparkSession, settings: Settings, first_minute: int) -> FullBatch:
    """The second of two, as the first grows heap and workers. CPU is of both, and of the start."""
    each = FULL_BATCH // STREAM_SERIES
    for number in range(2):
        _append(spark, settings, first_minute + number * each, each)
    before = _cpu_seconds()
    progress = _run(spark, settings, 2 * FULL_BATCH)
    cpu = _cpu_seconds() - before
    took = float(progress[-1].durationMs["triggerExecution"])
    return FullBatch(FULL_BATCH / took * 1e3, 2 * FULL_BATCH / cpu, _parts(progress[-1:]))


def _run(spark: SparkSession, settings: Settings, points: int) -> list[Any]:
    """The progress of each micro-batch of a run over all that is there; each of `points` points has got its score."""
    one_file = settings.detection.model_copy(update={"max_files_per_trigger": 1})
    settings = settings.model_copy(update={"detection": one_file})
    spark.conf.set("spark.sql.streaming.numRecentProgressUpdates", "1000")
    query = stream.start(spark, settings, _NoRegistry(), Trigger.AVAILABLE_NOW)  # type: ignore[arg-type]
    query.awaitTermination()
    progress: list[Any] = [one for one in query.recentProgress if one.numInputRows]
    assert sum(one.numInputRows for one in progress) == points, "not all points were read"
    scored = read_table(spark, settings, stream.TABLE).count()
    assert scored == read_table(spark, settings, stream.METRICS).count(), f"{scored:,} scores are too few or too many"
    return progress


def _run_to_nowhere(spark: SparkSession, settings: Settings) -> list[Any]:
    """The same query without its table: what is left is reading, the state and scoring."""
    one_file = settings.detection.model_copy(update={"max_files_per_trigger": 1})
    spark.conf.set("spark.sql.streaming.numRecentProgressUpdates", "1000")
    scores = stream.scored(read_appends(spark, settings, stream.METRICS, one_file), settings)
    writer = scores.writeStream.format("noop").outputMode("append")
    query = start_query(writer, settings, "bench_to_nowhere", Trigger.AVAILABLE_NOW, "1 second")
    query.awaitTermination()
    return [one for one in query.recentProgress if one.numInputRows]


def _parts(progress: list[Any]) -> dict[str, float]:
    """Medians, in milliseconds. Those of the state are summed over tasks, of which two run at a time."""
    parts = {name: [float(one.durationMs.get(name, 0)) for one in progress] for name in progress[0].durationMs}
    states: list[Any] = [one.stateOperators[0] for one in progress]
    parts["state: process"] = [float(one.allUpdatesTimeMs) for one in states]
    parts["state: commit"] = [float(one.commitTimeMs) for one in states]
    return {name: statistics.median(values) for name, values in parts.items()}


def _cpu_seconds() -> float:
    """Of all processes that this one has started and that still run: the JVM, and its Python workers."""
    used = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return sum(times.user + times.system for times in used)


def _append(spark: SparkSession, settings: Settings, first_minute: int, each: int) -> None:
    """One file of silver.metrics: `each` points of every series from `first_minute` on."""
    series = F.col("id") % STREAM_SERIES
    minute = F.floor(F.col("id") / STREAM_SERIES) + first_minute
    host = F.format_string("host-%d", F.floor(series / _SERIES_OF_A_HOST))
    now = F.current_timestamp()
    made = {
        "event_id": F.md5(F.format_string("%d-%d", F.lit(first_minute), F.col("id"))),
        "event_time": F.timestamp_seconds(F.lit(_START.timestamp()) + 60 * minute),
        "kafka_timestamp": now,
        "ingest_time": now,
        "series_id": F.xxhash64(series),
        "resource_id": F.concat(F.lit("/subscriptions/s/resourcegroups/rg/machines/"), host),
        "host_name": host,
        "namespace": F.lit("Processor"),
        "metric": F.lit("% Processor Time"),
        "value": F.randn(first_minute) * 2 + 50,
    }
    table = stream.METRICS
    columns = [
        made.get(name, F.lit(None)).cast(column.type).alias(name)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    rows: DataFrame = spark.range(0, STREAM_SERIES * each, numPartitions=1).select(*columns)
    rows.write.format("delta").mode("append").save(table.path(settings))


def _seconds(call: Callable[..., object], *given: object) -> float:
    begun = time.perf_counter()
    call(*given)
    return time.perf_counter() - begun


def _say(console: Console, what: str, found: str, is_met: bool, wanted: str) -> None:
    console.print(f"  {what:38} {found}{'' if is_met else f'   (to reach: {wanted})'}")


def _say_stream(console: Console, what: str, speed: StreamSpeed) -> None:
    times = f"p50 {speed.p50:,.0f} ms, p90 {speed.p90:,.0f} ms of {speed.batches} micro-batches"
    _say(console, what, times, speed.p50 <= BATCH_MS, f"{BATCH_MS:.0f} ms")
    _say_parts(console, speed.parts)


def _say_parts(console: Console, parts: dict[str, float]) -> None:
    console.print("    of which (ms): " + ", ".join(f"{name} {value:,.0f}" for name, value in parts.items()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scoring", description=__doc__)
    parser.add_argument("--batches", type=int, default=20, help="micro-batches of the stream that count")
    arguments = parser.parse_args()
    console = Console(width=150, highlight=False, soft_wrap=True)
    root = PROJECT_DIR / "build" / "bench" / "scoring"
    settings = load_settings("local", without_outside_services(os.environ) | {"LAKEHOUSE_ROOT": str(root)})
    console.print(f"load average before: {os.getloadavg()[0]:.1f}")
    measure(settings, arguments.batches, console)
    console.print(f"load average after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

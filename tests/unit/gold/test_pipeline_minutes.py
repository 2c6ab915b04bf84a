"""gold.pipeline_health: how far behind is each stream, how fast, how old are its rows, and what does it hold?"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.gold.pipeline_minutes import MinuteRow, Minutes, QueryRun, nearest_rank, read_progress
from pipelines.tables import contract

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SILVER = QueryRun("q", "r", "silver_anomaly_scores")


def word(second: float, rows: int = 100, took_ms: int = 500, **more: Any) -> str:
    """What Spark says of a micro-batch that began so many seconds after noon."""
    began = (NOON + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told: dict[str, Any] = {
        "id": "q", "runId": "r", "name": "silver", "timestamp": began, "batchId": 7, "numInputRows": rows,
        "durationMs": {"addBatch": took_ms - 100, "triggerExecution": took_ms},
        "stateOperators": [], "sources": [{"description": "…", "metrics": {}}], "observedMetrics": {},
    }  # fmt: skip
    return json.dumps(told | more)


def rows(*words: str, until: float = 600) -> tuple[MinuteRow, ...]:
    minutes = Minutes()
    for one in words:
        progress = read_progress(one)
        minutes.at(SILVER, progress.ended_at).progress.append(progress)
    return minutes.finish(NOON + timedelta(seconds=until))


def test_a_row_has_the_columns_of_the_table_in_their_order() -> None:
    assert tuple(column.name for column in fields(MinuteRow)) == contract("gold.pipeline_health").column_names


def test_how_fast_is_it() -> None:
    (row,) = rows(word(0, rows=300, took_ms=1000), word(10, rows=900, took_ms=2000), word(20, rows=0, took_ms=1000))

    assert (row.minute, row.batches, row.input_rows) == (NOON, 3, 1200)
    assert (row.input_rows_per_second, row.processed_rows_per_second) == (20, 300)
    assert (row.batch_p50_ms, row.batch_p95_ms, row.batch_max_ms) == (1000, 2000, 2000)


def test_a_batch_belongs_to_the_minute_in_which_it_ends() -> None:
    first, second = rows(word(59, took_ms=500), word(59.7, took_ms=500, numInputRows=7))

    assert (first.minute, first.input_rows) == (NOON, 100)
    assert (second.minute, second.input_rows) == (NOON + timedelta(minutes=1), 7)


def test_how_old_are_rows_when_they_become_visible() -> None:
    """Half a second before the batch began its oldest row arrived, and the batch took two; noted ones count alike."""
    minutes = Minutes()
    arrived = {"arrivals": {"oldest": int(NOON.timestamp() * 1000) + 9_500}}
    progress = read_progress(word(10, took_ms=2000, observedMetrics=arrived))
    said = minutes.at(SILVER, progress.ended_at)
    said.progress.append(progress)
    said.latencies += [1.0] * 90 + [4.0] * 9

    (row,) = minutes.finish(NOON + timedelta(minutes=1))

    assert progress.latency_seconds == pytest.approx(2.5)
    assert (row.latency_p50_seconds, row.latency_p95_seconds, row.latency_p99_seconds) == (1.0, 4.0, 4.0)


def test_how_far_behind_is_it_at_the_end_of_the_minute() -> None:
    def behind(**metrics: str) -> dict[str, Any]:
        return {"sources": [{"metrics": metrics}, {"metrics": None}, {}]}

    files = [behind(numFilesOutstanding=str(left), numBytesOutstanding=str(1000 * left)) for left in (9, 4)]
    (delta,) = rows(word(0, **files[0]), word(1, **files[1]))
    (kafka,) = rows(word(0, **behind(maxOffsetsBehindLatest="12", avgOffsetsBehindLatest="2.5")))

    assert (delta.behind_files, delta.behind_bytes, delta.behind_offsets) == (4, 4000, None)
    assert (kafka.behind_files, kafka.behind_offsets) == (None, 12)


def test_what_does_it_hold_in_its_state_and_what_came_too_late() -> None:
    def states(*operators: tuple[int, int, int]) -> dict[str, Any]:
        names = ("numRowsTotal", "memoryUsedBytes", "numRowsDroppedByWatermark")
        return {"stateOperators": [dict(zip(names, one, strict=True)) for one in operators]}

    (row,) = rows(word(0, **states((10, 1000, 3), (1, 100, 0))), word(1, **states((20, 2000, 2), (2, 200, 1))))

    assert (row.state_rows, row.state_bytes, row.late_rows_dropped) == (22, 2200, 6)
    assert rows(word(0))[0].state_rows is None


def test_a_query_without_news_has_run_no_batch() -> None:
    (row,) = rows(word(0, rows=0, durationMs={"latestOffset": 3, "triggerExecution": 3}))

    assert (row.batches, row.input_rows, row.batch_p50_ms, row.processed_rows_per_second) == (0, 0, None, None)


def test_a_minute_that_was_taken_never_comes_again() -> None:
    """What is heard of it later counts in the next."""
    minutes = Minutes()
    minutes.at(SILVER, NOON).latencies.append(1.0)
    minutes.at(SILVER, NOON + timedelta(seconds=61)).latencies.append(2.0)
    assert [row.minute for row in minutes.finish(NOON + timedelta(seconds=70))] == [NOON]

    minutes.at(SILVER, NOON + timedelta(seconds=59)).latencies.append(9.0)
    (row,) = minutes.finish(NOON + timedelta(minutes=2))

    assert (row.minute, row.latency_p99_seconds) == (NOON + timedelta(minutes=1), 9.0)
    assert minutes.finish(NOON + timedelta(hours=1)) == ()


def test_the_layer_is_that_of_the_table_that_is_written() -> None:
    names = ("bronze", "silver", "silver_anomaly_scores", "gold_agent_health", "alerts")

    assert [QueryRun("q", "r", name).layer for name in names] == ["bronze", "silver", "silver", "gold", "gold"]


def test_a_percentile_is_one_of_the_values() -> None:
    assert nearest_rank([3.0, 1.0, 2.0], 0.5) == 2.0
    assert nearest_rank([1.0, 2.0], 0.95) == 2.0
    assert nearest_rank([], 0.5) is None

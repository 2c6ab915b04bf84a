"""gold.pipeline_health beside running streams: it slows none, stops none, and no minute is there twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pipelines.errors import StorageError
from pipelines.gold.pipeline_minutes import MinuteRow
from pipelines.operations.pipeline_health import TABLE, PipelineHealth, recorder
from pipelines.settings import Settings
from pipelines.streams import note_latency
from pipelines.tables import read_table
from tests.conftest import wait_until
from tests.unit.gold.test_pipeline_minutes import NOON, word


class Word(dict[str, Any]):
    json = ""


@dataclass
class Query:
    """As much of a StreamingQuery as is asked."""

    name: str
    id: str = "q"
    runId: str = "r"
    isActive: bool = True
    recentProgress: list[Word] = field(default_factory=list)
    failure: Exception | None = None

    @property
    def lastProgress(self) -> Word | None:
        return self.recentProgress[-1] if self.recentProgress else None

    def exception(self) -> Exception | None:
        return self.failure

    def say(self, second: float, rows: int = 100, **more: Any) -> None:
        said = Word(timestamp=f"{NOON + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S.000Z}")
        said.json = word(second, rows, **more)
        self.recentProgress.append(said)


class Recorded:
    """A PipelineHealth with a clock of its own; its table is a list, which refuses as often as it is told."""

    def __init__(self, refusals: int = 0) -> None:
        self.now = NOON
        self.parcels: list[tuple[int, list[MinuteRow]]] = []
        self.tried = 0
        self._refusals = refusals
        self.health = PipelineHealth(
            self._write, lambda _query: "3", lambda _path: 11, lambda: self.now, retry_seconds=0.01
        )

    def _write(self, rows: Sequence[MinuteRow], parcel: int) -> None:
        self.tried += 1
        if self.tried <= self._refusals:
            raise StorageError("the disk is full")
        self.parcels.append((parcel, list(rows)))

    def look(self, query: Query, second: float) -> None:
        self.now = NOON + timedelta(seconds=second)
        self.health._looked = 0.0
        self.health.update([query])  # type: ignore[list-item]

    @property
    def rows(self) -> list[MinuteRow]:
        return [row for _, rows in self.parcels for row in rows]


def test_a_minute_is_written_when_it_is_over_and_each_batch_counts_once() -> None:
    recorded, query = Recorded(), Query("silver_once")
    with recorded.health:
        for second in (1, 20, 40):
            query.say(second)
            recorded.look(query, second + 1)
        recorded.look(query, 62)
        assert recorded.tried == 0  # a word on the last batch of the minute may still be on its way
        recorded.look(query, 66)
        wait_until(lambda: bool(recorded.parcels), 10, "written")
    (row,) = recorded.rows

    assert (row.minute, row.query, row.batches, row.input_rows, row.model_version) == (NOON, query.name, 3, 300, "3")


def test_the_last_minute_is_written_at_the_end() -> None:
    recorded, query = Recorded(), Query("silver_end")
    with recorded.health:
        query.say(1)
        recorded.look(query, 2)

    assert [row.batches for row in recorded.rows] == [1]


def test_what_cannot_be_written_is_kept_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """A parcel that may have gone through is the same the next time; what came meanwhile is the next one."""
    recorded, query = Recorded(refusals=3), Query("silver_kept")
    with recorded.health:
        for second in (1, 61, 121):
            query.say(second)
            recorded.look(query, second + 66)
        wait_until(lambda: len(recorded.rows) == 3, 10, "written")

    assert recorded.tried > 3
    assert [number for number, _ in recorded.parcels] == sorted({number for number, _ in recorded.parcels})
    assert [row.minute.minute for row in recorded.rows] == [0, 1, 2]
    assert "gold.pipeline_health: not written, is tried again: the disk is full" in caplog.text


def test_a_writer_that_hangs_does_not_hold_the_streams_up() -> None:
    goes_on = threading.Event()
    health = PipelineHealth(lambda _rows, _parcel: goes_on.wait(30) and None, lambda _query: None, lambda _path: None)
    query = Query("silver_slow")
    with health:
        query.say(1)
        health._written_to = NOON
        health.update([query])  # type: ignore[list-item]
        query.say(100)
        health._looked = 0.0
        health.update([query])  # type: ignore[list-item]
        assert not goes_on.is_set()
        goes_on.set()


def test_what_cannot_be_read_of_progress_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    recorded, query = Recorded(), Query("silver_odd")
    with recorded.health:
        query.say(1)
        query.recentProgress[-1].json = "{}"
        recorded.look(query, 2)
        query.say(3)
        recorded.look(query, 4)

    assert [row.batches for row in recorded.rows] == [1]
    assert caplog.text.count("what it says of its progress is left out") == 1


def test_a_query_that_failed_has_an_error_once() -> None:
    recorded, query = Recorded(), Query("silver_failed")
    with recorded.health:
        query.say(1)
        query.isActive, query.failure = False, RuntimeError("out of memory")
        recorded.look(query, 2)
        recorded.look(query, 3)

    assert [(row.batches, row.errors) for row in recorded.rows] == [(1, 1)]


def test_how_many_commits_of_its_source_has_it_not_read() -> None:
    """The newest is version 11; version 9 is read in part."""
    recorded, query = Recorded(), Query("silver_behind")
    with recorded.health:
        query.say(
            1, sources=[{"description": "DeltaSource[file:/x]", "endOffset": {"reservoirVersion": 9, "index": 4}}]
        )
        recorded.look(query, 2)

    assert [row.behind_versions for row in recorded.rows] == [3]


def test_latency_that_a_batch_noted_itself_counts() -> None:
    recorded, query = Recorded(), Query("gold_noted")
    with recorded.health:
        recorded.now = datetime.now(UTC)
        note_latency("gold_noted", recorded.now - timedelta(seconds=4))
        recorded.health.update([query])  # type: ignore[list-item]

    assert [row.latency_p50_seconds for row in recorded.rows] == [pytest.approx(4.0, abs=0.5)]


def test_what_a_real_stream_says_is_in_the_table(spark: SparkSession, settings: Settings, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    spark.range(1000).write.format("delta").save(str(source))
    with recorder(spark, settings) as health:
        query = (
            spark.readStream.format("delta")
            .load(str(source))
            .writeStream.format("noop")
            .queryName("silver_real")
            .option("checkpointLocation", str(target))
            .trigger(processingTime="100 milliseconds")
            .start()
        )
        query.processAllAvailable()
        wait_until(lambda: query.lastProgress is not None, 30, "it has said something")
        query.stop()
        health.update([query])
        health.update([query])
    rows = read_table(spark, settings, TABLE).collect()

    assert sum(row["batches"] for row in rows) == 1
    assert sum(row["input_rows"] for row in rows) == 1000
    assert {(row["query"], row["layer"], row["query_id"], row["errors"]) for row in rows} == {
        ("silver_real", "silver", str(query.id), 0)
    }
    assert {row["behind_versions"] for row in rows} == {0}

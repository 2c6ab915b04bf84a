"""Ending real streams: between two batches, however far behind they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.operations.drain import drain


class Behind:
    """A stream of short batches that is always behind: the next one begins as soon as one ends."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.done: list[int] = []
        self._checkpoint = folder / "checkpoint"
        source = spark.readStream.format("rate").option("rowsPerSecond", 10).load()
        writer = source.writeStream.foreachBatch(self._work).option("checkpointLocation", str(self._checkpoint))
        self.query: StreamingQuery = writer.trigger(processingTime="1 millisecond").start()

    def _work(self, _rows: DataFrame, batch: int) -> None:
        time.sleep(0.3)
        self.done.append(batch)

    def wait_for(self, batches: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.done) < batches:
            assert time.monotonic() < deadline, "no batches"
            time.sleep(0.01)

    def batches(self, kind: str) -> set[int]:
        return {int(path.name) for path in (self._checkpoint / kind).iterdir() if path.name.isdigit()}


@pytest.fixture
def behind(spark: SparkSession, tmp_path: Path) -> Iterator[Behind]:
    stream = Behind(spark, tmp_path)
    yield stream
    stream.query.stop()


def test_the_running_batch_ends_and_no_other_begins(spark: SparkSession, behind: Behind) -> None:
    behind.wait_for(3)

    drain(spark, [behind.query], timeout_seconds=30)

    assert not behind.query.isActive
    assert behind.query.exception() is None
    assert behind.batches("offsets") == behind.batches("commits") == set(behind.done)

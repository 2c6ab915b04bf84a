"""End streaming queries between two micro-batches, so that a stop leaves no batch begun and not committed.

`StreamingQuery.stop` interrupts the running batch, and a stream that is behind begins the next one at once, so waiting
for a gap to call it in is a race. Spark's trigger loop asks before each batch whether the query is still active: so the
query is marked as ended, and ends by itself. That must be done in the gap too: a batch that finds the mark between its
planning and its execution interrupts itself. But this gap can be held open, with the lock that Spark takes to commit a
batch and to begin one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

# Shorter than it takes to commit a batch, with the lock held; who asks for the lock by then has it next, in the gap.
_POLL_SECONDS = 0.01
# Longer than a query that has asked takes to turn to its next batch, and shorter than it takes to plan that.
_SETTLE_SECONDS = 0.005
_RUNTIME = "org.apache.spark.sql.execution.streaming.runtime"


def drain(spark: SparkSession, queries: list[StreamingQuery], timeout_seconds: float) -> None:
    """Let each query end its running batch and begin no other. One that takes longer is interrupted; its batch is
    repeated at the next start."""
    deadline = time.monotonic() + timeout_seconds
    going = [_Handles.of(query) for query in queries]
    while going and time.monotonic() < deadline:
        going = [query for query in going if not _has_ended(spark, query)]
        time.sleep(_POLL_SECONDS)
    for query in queries:
        query.stop()


@dataclass(frozen=True)
class _Handles:
    """What is asked of a query again and again, each a round trip to the JVM to look up."""

    execution: Any  # Spark's StreamExecution, which its public interface does not show
    thread: Any
    lock: Any  # a fair one

    @classmethod
    def of(cls, query: StreamingQuery) -> _Handles:
        handle: Any = query
        execution = handle._jsq.streamingQuery()
        return cls(execution, execution.queryExecutionThread(), execution.awaitProgressLock())


def _has_ended(spark: SparkSession, query: _Handles) -> bool:
    """Mark the query as ended if it is between two batches. True if it was, or if it ended by itself."""
    if not query.thread.isAlive():
        return True
    execution, lock = query.execution, query.lock
    if not lock.isLocked() and execution.status().isTriggerActive():
        return False  # neither commits nor waits; to ask for more would take time from the batch that is waited for
    lock.lock()
    try:
        if not _is_between_batches(execution):
            return False
        before = execution.getLatestExecutionContext()
        execution.state().set(_state(spark, "TERMINATED"))
    finally:
        lock.unlock()
    time.sleep(_SETTLE_SECONDS)
    if execution.getLatestExecutionContext().equals(before) and _is_between_batches(execution):
        return True
    # It had asked already, and begins a batch. There is time to take the mark away, as that is not planned yet.
    execution.state().set(_state(spark, "ACTIVE"))
    return False


def _is_between_batches(execution: Any) -> bool:
    """Whether the query waits for its next trigger, or has committed its batch and not turned to the next."""
    if not execution.status().isTriggerActive():
        return True
    context = execution.getLatestExecutionContext()
    latest = execution.commitLog().getLatestBatchId()
    return context.executionPlan() is not None and bool(latest.isDefined()) and int(latest.get()) == context.batchId()


def _state(spark: SparkSession, name: str) -> Any:
    jvm: Any = spark.sparkContext._jvm
    return getattr(getattr(getattr(jvm, _RUNTIME), f"{name}$"), "MODULE$")

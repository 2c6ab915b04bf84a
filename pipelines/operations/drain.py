"""End streaming queries between two micro-batches, so that a stop leaves no batch begun and not committed.

`StreamingQuery.stop` interrupts the running batch, and a stream that is behind begins the next one at once, so waiting
for a gap to call it in is a race. Spark's trigger loop asks before each batch whether the query is still active: so the
query is marked as ended first, and ends by itself. It is interrupted only if it waits for its next trigger.
"""

from __future__ import annotations

import time
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

_POLL_SECONDS = 0.02
# A query that shows no trigger for so long waits for its next one. It must be long enough for a thread that has seen
# the query active, and not begun its batch yet, to get a core.
_QUIET_SECONDS = 1.0


def drain(spark: SparkSession, queries: list[StreamingQuery], timeout_seconds: float) -> None:
    """Let each query end its running batch and begin no other. One that takes longer is interrupted; its batch is
    repeated at the next start."""
    deadline = time.monotonic() + timeout_seconds
    for query in queries:
        _mark_ended(spark, query)
    for query in queries:
        quiet_since = time.monotonic()
        while _is_running(query) and (now := time.monotonic()) < deadline and now - quiet_since < _QUIET_SECONDS:
            if query.status["isTriggerActive"]:
                quiet_since = now
            time.sleep(_POLL_SECONDS)
        query.stop()


def _mark_ended(spark: SparkSession, query: StreamingQuery) -> None:
    jvm: Any = spark.sparkContext._jvm
    ended = getattr(jvm.org.apache.spark.sql.execution.streaming.runtime, "TERMINATED$")
    _execution(query).state().set(getattr(ended, "MODULE$"))


def _is_running(query: StreamingQuery) -> bool:
    return bool(_execution(query).queryExecutionThread().isAlive())


def _execution(query: StreamingQuery) -> Any:
    """Spark's StreamExecution behind a query, which its public interface does not show."""
    handle: Any = query
    return handle._jsq.streamingQuery()

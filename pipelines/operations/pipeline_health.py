"""gold.pipeline_health, written beside the streams: about once a minute the minutes that are over, in one commit.

The streams never wait for it: what they say is taken from their progress by the thread that watches them, kept in
memory, and written by a thread of its own. If that fails it is said, kept and tried again. Rows are handed over in
parcels with numbers that only grow, which Delta notes with the commit: a parcel whose commit went through unseen is not
there twice. Up to a minute is lost if the process is killed.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlparse

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.detection import stream as scoring
from pipelines.detection.champion import pointer
from pipelines.detection.published import published
from pipelines.errors import LakehouseError
from pipelines.gold.pipeline_minutes import MinuteRow, Minutes, Progress, QueryRun, minute_of, read_progress
from pipelines.operations import delta_log
from pipelines.settings import Settings
from pipelines.streams import append_once, take_latencies
from pipelines.tables import contract, ensure_table

TABLE = contract("gold.pipeline_health")
Write = Callable[[Sequence[MinuteRow], int], None]

_SCHEMA = ", ".join(f"`{column.name}` {column.type}" for column in TABLE.columns)
_LOOK_SECONDS = 1.0
_LIST_SECONDS = 20.0
# A query speaks of a batch a moment after it has ended.
_PATIENCE = timedelta(seconds=5)
_RETRY_SECONDS = 60.0
_CLOSE_SECONDS = 20.0
# A day of ten streams; of a longer failure the oldest are given up.
_MOST_ROWS = 14_400
_LOG = logging.getLogger(__name__)


class PipelineHealth:
    """`update` is to be called often, by one thread, with the queries that run. `write`: rows and their number.

    To be entered before the streams run and left after them, with Spark still there.
    """

    def __init__(
        self,
        write: Write,
        model_version: Callable[[str], str | None],
        newest_version: Callable[[str], int | None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        retry_seconds: float = _RETRY_SECONDS,
    ) -> None:
        self._minutes = Minutes()
        self._model_version = model_version
        self._newest_version = newest_version
        self._listed: dict[QueryRun, float] = {}
        self._now = now
        self._heard: dict[QueryRun, str] = {}
        self._failed: set[QueryRun] = set()
        self._written_to = minute_of(now())
        self._looked = 0.0
        self._writer = _Writer(write, retry_seconds)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.hand_over(self._minutes.finish(self._now() + timedelta(minutes=2)))
        self._writer.close()

    def update(self, queries: list[StreamingQuery]) -> None:
        """Note what the queries have said since the last call; hand over the minutes that are over."""
        has_ended = any(not query.isActive for query in queries)
        if not has_ended and time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for query in queries:
            self._listen(query)
        end = minute_of(self._now() - _PATIENCE)
        if end > self._written_to:
            self._written_to = end
            self._writer.hand_over(self._minutes.finish(end))

    def _listen(self, query: StreamingQuery) -> None:
        run = QueryRun(str(query.id), str(query.runId), query.name or "")
        last, before = query.lastProgress, self._heard.get(run, "")
        if last is not None and last["timestamp"] > before:
            # Times of one form, so that their order is that of their texts.
            self._heard[run] = last["timestamp"]
            for word in query.recentProgress:
                if before < word["timestamp"] <= last["timestamp"]:
                    self._note(run, word.json)
        for latency in take_latencies(run.query):
            self._minutes.at(run, latency.at).latencies.append(latency.seconds)
        if run not in self._failed and not query.isActive and query.exception() is not None:
            self._failed.add(run)
            self._minutes.at(run, self._now()).errors += 1

    def _note(self, run: QueryRun, word: str) -> None:
        try:
            progress, version = read_progress(word), self._model_version(run.query)
        except (LakehouseError, LookupError, ValueError, TypeError) as error:
            _LOG.warning("query %s: what it says of its progress is left out: %r", run.query, error)
            return
        said = self._minutes.at(run, progress.ended_at)
        said.progress.append(self._with_versions(run, progress))
        said.model_version = version

    def _with_versions(self, run: QueryRun, progress: Progress) -> Progress:
        """With how many versions it is behind, now and then: that lists the log of the table."""
        if progress.source is None or time.monotonic() - self._listed.get(run, -_LIST_SECONDS) < _LIST_SECONDS:
            return progress
        self._listed[run] = time.monotonic()
        newest = self._newest_version(progress.source.path)
        behind = None if newest is None else max(0, newest + 1 - progress.source.next_version)
        return replace(progress, behind_versions=behind)


class _Writer:
    """Writes parcels in a thread of its own, each until it is written."""

    def __init__(self, write: Write, retry_seconds: float) -> None:
        self._write = write
        self._retry_seconds = retry_seconds
        self._waiting: deque[MinuteRow] = deque()
        self._parcel: tuple[MinuteRow, ...] = ()
        self._number = 0
        self._news, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="pipeline health", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hand_over(self, rows: Sequence[MinuteRow]) -> None:
        if not rows:
            return
        self._waiting.extend(rows)
        given_up = len(self._waiting) - _MOST_ROWS
        for _ in range(given_up):
            self._waiting.popleft()
        if given_up > 0:
            _LOG.error("table %s: %d rows given up: it could not be written for a day", TABLE.full_name, given_up)
        self._news.set()

    def close(self) -> None:
        """Write what waits, if that can be done at once."""
        self._closing.set()
        self._news.set()
        self._thread.join(_CLOSE_SECONDS)
        left = len(self._parcel) + len(self._waiting)
        if left:
            _LOG.error("table %s: %d rows are lost: they could not be written", TABLE.full_name, left)

    def _run(self) -> None:
        while True:
            closing = self._closing.is_set()
            self._news.clear()
            written = self._write_all()
            if closing:
                return
            if written:
                self._news.wait()
            else:
                self._closing.wait(self._retry_seconds)

    def _write_all(self) -> bool:
        while self._parcel or self._waiting:
            if not self._parcel:
                # From here on its rows stay the same: it may be in the table already when it is tried again.
                self._parcel = tuple(self._waiting.popleft() for _ in range(len(self._waiting)))
                self._number += 1
            try:
                self._write(self._parcel, self._number)
            except (PySparkException, Py4JError, LakehouseError, OSError) as error:
                reason = str(error).strip().partition("\n")[0]
                _LOG.warning("table %s: not written, is tried again: %s", TABLE.full_name, reason)
                return False
            self._parcel = ()
        return True


def newest_version(uri: str) -> int | None:
    """Of a Delta table on a disk of this machine; None elsewhere, as to list a bucket costs time and money."""
    at = urlparse(uri)
    if at.scheme != "file":
        return None
    newest = delta_log.newest_version(Path(unquote(at.path)))
    return None if newest < 0 else newest


def recorder(spark: SparkSession, settings: Settings) -> PipelineHealth:
    """Writes gold.pipeline_health of `settings`."""
    process = f"pipeline_health {uuid.uuid4()}"

    def write(rows: Sequence[MinuteRow], parcel: int) -> None:
        ensure_table(spark, settings, TABLE)
        frame = spark.createDataFrame([astuple(row) for row in rows], _SCHEMA).coalesce(1)
        append_once(frame, settings, TABLE, process, parcel)

    def model_version(query: str) -> str | None:
        champion = published(pointer(settings)) if query == scoring.QUERY else None
        return None if champion is None else champion.version

    return PipelineHealth(write, model_version, newest_version)

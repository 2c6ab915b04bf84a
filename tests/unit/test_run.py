"""Running streams: which ones a job has, when it ends, and how a failure is told."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

from pipelines.cli.run import run_job
from pipelines.errors import StorageError, StreamError
from pipelines.operations import run
from pipelines.operations.beside_streams import alone
from pipelines.operations.run import Job, Stream, explain, run_available, run_continuous, stop_signals, streams_of
from pipelines.settings import Settings
from pipelines.streams import Trigger
from tests.conftest import NO_SCHEMAS

SPARK: Any = None  # streams that are made up need no session


class Query:
    """A streaming query that is made up: it works on batches until it is done, stopped or fails."""

    def __init__(self, name: str, *, polls: int | None = None, failure: str | None = None) -> None:
        self.name, self._polls, self._failure = name, polls, failure
        self.stopped_at: float | None = None

    @property
    def isActive(self) -> bool:
        if self.stopped_at is not None or self._polls == 0:
            return False
        if self._polls is not None:
            self._polls -= 1
        return True

    def exception(self) -> Exception | None:
        return Exception(self._failure) if self._failure else None

    def stop(self) -> None:
        self.stopped_at = self.stopped_at or time.monotonic()


def stream(query: Query, started: list[str] | None = None, layer: Job = Job.SILVER) -> Stream:
    def start(_spark: object, _settings: Settings, trigger: Trigger) -> Any:
        if started is not None:
            started.append(f"{query.name} {trigger}")
        return query

    return Stream(layer, start)


def nothing(_queries: list[Any]) -> None:
    pass


@pytest.mark.parametrize(
    ("job", "layers"),
    [
        (Job.BRONZE, [Job.BRONZE]),
        (Job.SILVER, [Job.SILVER]),
        (Job.SCORE, [Job.SCORE, Job.SCORE, Job.SCORE]),
        (Job.INVENTORY, [Job.INVENTORY]),
        (Job.GOLD, [Job.GOLD, Job.GOLD]),
        (
            Job.ALL,
            [Job.BRONZE, Job.SILVER, Job.INVENTORY, Job.GOLD, Job.GOLD, Job.SCORE, Job.SCORE, Job.SCORE],
        ),
    ],
)
def test_a_job_has_the_streams_of_its_layer_upstream_first(job: Job, layers: list[Job]) -> None:
    assert [stream.layer for stream in streams_of(job, "broker:9092", NO_SCHEMAS)] == layers


def test_available_now_runs_one_stream_after_the_other(settings: Settings) -> None:
    """So that each sees all that the one before has written."""
    started: list[str] = []
    first, second = Query("first", polls=3), Query("second", polls=3)
    watched: list[str] = []

    run_available(
        SPARK,
        settings,
        (stream(first, started), stream(second, started)),
        lambda queries: watched.extend(query.name or "" for query in queries),
        threading.Event(),
    )

    assert started == ["first available-now", "second available-now"]
    assert watched == sorted(watched)
    assert set(watched) == {"first", "second"}


def test_available_now_does_not_begin_what_it_was_told_to_leave(settings: Settings) -> None:
    started: list[str] = []
    stop = threading.Event()
    stop.set()

    run_available(SPARK, settings, (stream(Query("first", polls=1), started),), nothing, stop)

    assert started == []


def test_a_failed_stream_ends_the_run_and_the_other_streams(settings: Settings) -> None:
    good, bad = Query("good"), Query("bad", polls=2, failure="it broke")

    with pytest.raises(StreamError, match="stream bad failed: it broke"):
        run_continuous(SPARK, settings, (stream(good), stream(bad)), nothing, threading.Event())

    assert good.stopped_at is not None


def test_a_failure_while_available_now_leaves_the_next_streams_alone(settings: Settings) -> None:
    started: list[str] = []
    bad, after = Query("bad", polls=1, failure="it broke"), Query("after", polls=1)

    with pytest.raises(StreamError):
        run_available(SPARK, settings, (stream(bad, started), stream(after, started)), nothing, threading.Event())

    assert started == ["bad available-now"]


def test_told_to_stop_it_drains_the_streams(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    drained: list[str] = []
    monkeypatch.setattr(run, "drain", lambda _spark, queries, _timeout: drained.extend(query.name for query in queries))
    stop = threading.Event()
    stop.set()

    run_continuous(SPARK, settings, (stream(Query("one")), stream(Query("other"))), nothing, stop)

    assert drained == ["one", "other"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_says_stop_and_the_handlers_before_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    with stop_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)

    assert signal.getsignal(number) is before


def test_a_failure_is_told_by_its_innermost_cause_and_what_to_do() -> None:
    failure: Any = Exception(
        "[STREAM_FAILED] Query terminated\n\tat org.apache.Somewhere\nCaused by: a.b.Outer: outer\n"
        "Caused by: java.io.IOException: disk full\n"
    )
    told = explain(Query("silver"), failure)  # type: ignore[arg-type]

    assert told.splitlines()[0] == "stream silver failed: java.io.IOException: disk full"
    assert "start the job again" in told


def test_lost_kafka_data_is_not_answered_with_try_again() -> None:
    failure: Any = Exception("Some data may have been lost … set failOnDataLoss to false")
    told = explain(Query("bronze"), failure)  # type: ignore[arg-type]

    assert "Kafka no longer holds" in told
    assert "start the job again" not in told


def test_an_error_of_ours_within_a_batch_is_told_in_its_own_words() -> None:
    failure: Any = Exception(
        '[STREAM_FAILED] Query terminated\n  File "silver.py", line 1, in write_batch\n'
        "pipelines.errors.QualityError: table silver.metrics, rule no_series: 2 rows break it\n"
        "Caused by: py4j.Py4JException: An exception was raised by the Python Proxy.\n"
    )

    told = explain(Query("silver"), failure)  # type: ignore[arg-type]

    assert told == "stream silver failed: table silver.metrics, rule no_series: 2 rows break it"


def test_two_processes_of_one_stream_are_told_apart_from_a_defect() -> None:
    failure: Any = Exception("[CONCURRENT_STREAM_LOG_UPDATE] Concurrent update to the log. Multiple streaming jobs")

    told = explain(Query("gold_alerts"), failure)  # type: ignore[arg-type]

    assert "another process runs the same stream on this root: stop one" in told
    assert "start the job again" not in told


def test_a_second_evaluation_of_alerts_on_a_root_ends_before_it_starts_spark(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_ROOT", str(settings.root))
    with alone(settings, "alert-evaluation"), pytest.raises(StorageError, match=r"another alert-evaluation runs on"):
        run_job(Job.ALERTS, "local", Trigger.CONTINUOUS)

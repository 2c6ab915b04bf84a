"""Run the streams of one or more jobs in one Spark application, until they are done, told to stop, or one fails."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import FrameType
from typing import Any

from pyspark.errors import PySparkException, StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines import bronze, silver
from pipelines.alerts import stream as alert_rules
from pipelines.alerts.delivery import to_alertmanager, to_kafka
from pipelines.alerts.delivery.options import Delivery
from pipelines.detection import stream as scoring
from pipelines.detection.champion import ChampionWatch
from pipelines.detection.logs import stream as log_stream
from pipelines.detection.logs.detector import UnivariateCounts
from pipelines.detection.models import health as model_health
from pipelines.detection.models.registry import Registry
from pipelines.detection.peers import stream as peer_stream
from pipelines.errors import StreamError
from pipelines.gold import agent_health, metric_rollup
from pipelines.inventory import stream as inventory
from pipelines.operations.drain import drain
from pipelines.quality import ledger
from pipelines.schema_registry import Schemas
from pipelines.settings import Settings, parse_duration
from pipelines.streams import Trigger

# How long SIGTERM waits for the running micro-batches before it interrupts them; they are repeated at the next start.
_DRAIN_SECONDS = 60.0
_POLL_SECONDS = 0.2
# How Python's traceback, which Spark hands on, begins the line of an error that says itself what to do.
_OUR_ERRORS = "pipelines.errors."


class Job(StrEnum):
    """A layer's streams, those of the inventory, of detection or of alerts; or all but alerts, which are apart so that
    they go on when a layer does not."""

    BRONZE = "bronze"
    SILVER = "silver"
    INVENTORY = "inventory"
    SCORE = "score"
    GOLD = "gold"
    ALERTS = "alerts"
    ALL = "all"


@dataclass(frozen=True)
class Stream:
    """One streaming query: which layer it fills, how to start it, and what is left to be done when it has ended."""

    layer: Job
    start: Callable[[SparkSession, Settings, Trigger], StreamingQuery]
    finish: Callable[[SparkSession, Settings], None] | None = None


def streams_of(
    job: Job, bootstrap_servers: str | None, schemas: Schemas, alertmanagers: tuple[str, ...] = ()
) -> tuple[Stream, ...]:
    """The streams of `job`, upstream first.

    `bootstrap_servers` is needed by bronze and, to tell Kafka, by alerts; `schemas` by silver. `alertmanagers`: base
    URLs of those that alerts are sent to.
    """

    def start_bronze(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
        assert bootstrap_servers is not None
        return bronze.start(spark, settings, bootstrap_servers, trigger)

    def start_silver(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
        return silver.start(spark, settings, schemas, trigger)

    def start_scoring(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
        def note(version: str, reason: str) -> None:
            model_health.note_refusal(spark, settings, version, reason)

        return scoring.start(spark, settings, ChampionWatch(settings, Registry.of(settings), note), trigger)

    def start_logs(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
        rules = log_stream.LogRules(threshold=settings.detection.threshold)
        return log_stream.start(spark, settings, trigger, rules, UnivariateCounts())

    def start_rules(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
        look_back = parse_duration(settings.alerts.look_back)
        options = alert_rules.AlertOptions(tick=settings.alerts.tick_interval, look_back=look_back)
        return alert_rules.start(spark, settings, trigger, options)

    def start_alertmanager(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
        delivery = Delivery(
            alertmanagers,
            resend_interval=settings.alerts.resend_interval,
            notify_within=settings.alerts.notify_within,
        )
        deliverer = to_alertmanager.Deliverer(delivery, to_alertmanager.told_in(settings))
        return to_alertmanager.start(spark, settings, deliverer, trigger)

    def start_events(spark: SparkSession, settings: Settings, trigger: Trigger) -> StreamingQuery:
        assert bootstrap_servers is not None
        assert settings.alerts.kafka_topic is not None
        delivery = Delivery((), topic=settings.alerts.kafka_topic)
        return to_kafka.start(spark, settings, delivery, bootstrap_servers, trigger)

    if job is Job.ALERTS:
        receivers = (Stream(job, start_alertmanager),) if alertmanagers else ()
        events = (Stream(job, start_events),) if bootstrap_servers is not None else ()
        return (Stream(job, start_rules), *receivers, *events)
    everything = (
        Stream(Job.BRONZE, start_bronze),
        Stream(Job.SILVER, start_silver, ledger.flush),
        Stream(Job.INVENTORY, inventory.start),
        Stream(Job.GOLD, metric_rollup.start),
        Stream(Job.GOLD, agent_health.start),
        # Last, as the first start of all takes seconds to register the built-in champion.
        Stream(Job.SCORE, start_scoring),
        Stream(Job.SCORE, peer_stream.start),
        Stream(Job.SCORE, start_logs),
    )
    return tuple(stream for stream in everything if job in (Job.ALL, stream.layer))


def run_available(
    spark: SparkSession,
    settings: Settings,
    streams: tuple[Stream, ...],
    watch: Callable[[list[StreamingQuery]], None],
    stop: threading.Event,
) -> None:
    """Process what is there now, one stream after the other so that each sees all of the one before."""
    for stream in streams:
        if stop.is_set():
            return
        query = stream.start(spark, settings, Trigger.AVAILABLE_NOW)
        _watch(spark, [query], watch, stop)
        _finish(spark, settings, stream)
    if _judges_agents(streams):
        agent_health.refresh(spark, settings, datetime.now(UTC))


def run_continuous(
    spark: SparkSession,
    settings: Settings,
    streams: tuple[Stream, ...],
    watch: Callable[[list[StreamingQuery]], None],
    stop: threading.Event,
) -> None:
    """Run until `stop` is set, then end after the running batches. Raises StreamError if a stream fails."""
    queries = [stream.start(spark, settings, Trigger.CONTINUOUS) for stream in streams]
    if not _judges_agents(streams):
        _watch(spark, queries, watch, stop)
        _finish(spark, settings, *streams)
        return
    interval = parse_duration(settings.gold.health_interval).total_seconds()
    refreshed = time.monotonic()

    def watch_and_refresh(running: list[StreamingQuery]) -> None:
        nonlocal refreshed
        watch(running)
        if time.monotonic() - refreshed >= interval:
            if not _has_judged(running, timedelta(seconds=interval)):
                agent_health.refresh(spark, settings, datetime.now(UTC))
            refreshed = time.monotonic()

    _watch(spark, queries, watch_and_refresh, stop)
    _finish(spark, settings, *streams)


def _finish(spark: SparkSession, settings: Settings, *streams: Stream) -> None:
    for stream in streams:
        if stream.finish is not None:
            stream.finish(spark, settings)


def _judges_agents(streams: tuple[Stream, ...]) -> bool:
    return any(stream.start is agent_health.start for stream in streams)


def _has_judged(running: list[StreamingQuery], within: timedelta) -> bool:
    """Whether a batch of heartbeats came so recently that all agents have been judged with it."""
    progress: Any = next((query.lastProgress for query in running if query.name == agent_health.QUERY), None)
    if progress is None or progress["numInputRows"] == 0:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(progress["timestamp"]) < 2 * within


def _watch(
    spark: SparkSession,
    queries: list[StreamingQuery],
    watch: Callable[[list[StreamingQuery]], None],
    stop: threading.Event,
) -> None:
    try:
        while not stop.is_set() and all(query.isActive for query in queries):
            watch(queries)
            stop.wait(_POLL_SECONDS)
        if stop.is_set():
            drain(spark, queries, _DRAIN_SECONDS)
    finally:
        for query in queries:
            if query.isActive:
                query.stop()
    watch(queries)
    for query in queries:
        failure = query.exception()
        if failure is not None:
            raise StreamError(explain(query, failure)) from failure


def explain(query: StreamingQuery, failure: StreamingQueryException | PySparkException) -> str:
    """The cause in a line, and what to do next."""
    causes = [line.strip() for line in str(failure).splitlines() if line.strip()]
    ours = next((line for line in causes if line.startswith(_OUR_ERRORS)), None)
    if ours is not None:
        return f"stream {query.name} failed: {ours.partition(': ')[2]}"
    caused = [line for line in causes if line.startswith("Caused by:")]
    cause = caused[-1].removeprefix("Caused by:").strip() if caused else causes[0]
    advice = "correct the cause and start the job again: it goes on where it stopped, and nothing is lost or repeated"
    if "CONCURRENT_STREAM_LOG_UPDATE" in str(failure):
        advice = "another process runs the same stream on this root: stop one of the two; nothing is there twice"
    if "failOnDataLoss" in str(failure):
        advice = (
            "Kafka no longer holds offsets that bronze has not read (topic deleted or its retention passed). What is "
            "gone is gone: note the gap, then start bronze from a new checkpoint folder"
        )
    return f"stream {query.name} failed: {cause[:600]}\n{advice}"


@contextmanager
def stop_signals(spark: SparkSession | None = None) -> Iterator[threading.Event]:
    """An event that SIGTERM or SIGINT sets. Under spark-submit the JVM is the parent and gets SIGTERM: it tells us."""
    stop = threading.Event()

    def handle(_signum: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {signum: signal.signal(signum, handle) for signum in (signal.SIGTERM, signal.SIGINT)}
    if spark is not None:
        _stop_on_jvm_signal(spark, stop)
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _stop_on_jvm_signal(spark: SparkSession, stop: threading.Event) -> None:
    """Without this the JVM's shutdown hooks would end Spark in the middle of a batch."""
    from pyspark.java_gateway import ensure_callback_server_started  # type: ignore[attr-defined,unused-ignore]

    class OnSignal:
        def handle(self, _signal: object) -> None:
            stop.set()

        class Java:
            implements = ("sun.misc.SignalHandler",)

    context = spark.sparkContext
    ensure_callback_server_started(context._gateway)  # type: ignore[no-untyped-call]
    jvm: Any = context._jvm
    for name in ("TERM", "INT"):
        jvm.sun.misc.Signal.handle(jvm.sun.misc.Signal(name), OnSignal())

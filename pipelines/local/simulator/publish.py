"""Messages to Kafka: idempotent, compressed, at a pace, and never silently incomplete."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from confluent_kafka import KafkaError, KafkaException, Producer

from pipelines.errors import ServiceError
from pipelines.local.simulator.transport import Message

_PACE_SECONDS = 0.05
_FLUSH_SECONDS = 60.0
# A broker that went away is reported within a minute, not after librdkafka's five.
_DELIVERY_TIMEOUT_MS = 60_000


class PublishError(ServiceError):
    """Kafka did not take every message; the text says how many are missing and why."""


class Clock(Enum):
    """When a message goes: HISTORY: as fast as allowed; LIVE: when its simulated arrival is due by the wall clock."""

    HISTORY = "history"
    LIVE = "live"


class Stamp(Enum):
    """Kafka's own timestamp of a message: the simulated arrival, or the present."""

    ARRIVAL = "arrival"
    NOW = "now"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishReport:
    messages: int
    items: int
    bytes: int
    seconds: float
    """Until the broker had confirmed everything."""
    behind_seconds: float
    """LIVE: the furthest that sending fell behind the clock."""


Progress = Callable[[int], None]
"""Told now and then how many items have been handed over so far."""


def publish(
    messages: Iterable[Message],
    bootstrap: str,
    rate: float | None = None,
    progress: Progress | None = None,
    *,
    clock: Clock = Clock.HISTORY,
    stamp: Stamp = Stamp.ARRIVAL,
) -> PublishReport:
    """Send all messages and wait until Kafka has them; `rate` in items a second, smooth to 50 ms.

    With Stamp.ARRIVAL a broker may delete what is older than its retention, as it would any old data. With Clock.LIVE
    the arrival times set the pace and `rate` is not used. Raises PublishError when a message was
    refused or not confirmed in time.
    """
    failures = _Failures()
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 20,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 500_000,
            "queue.buffering.max.kbytes": 262_144,
            "delivery.timeout.ms": _DELIVERY_TIMEOUT_MS,
            "delivery.report.only.error": True,
            "on_delivery": failures.note,
            "error_cb": failures.remember,
            "log_level": 0,  # what matters comes back as an error of ours
        }
    )
    pacer = _Pacer(rate, clock)
    count = items = size = 0
    for message in messages:
        if pacer.due(items, message.event_time_ms):
            failures.check(bootstrap)
            if progress is not None:
                progress(items)
            pacer.wait(items, message.event_time_ms, producer)
        _produce(producer, message, stamp, bootstrap)
        count += 1
        items += message.items
        size += len(message.value or b"")
    missing = producer.flush(_FLUSH_SECONDS)
    failures.check(bootstrap)
    if missing:
        raise PublishError(
            f"Kafka at {bootstrap} did not confirm {missing} of {count} messages within {_FLUSH_SECONDS:.0f} s "
            f"(connection: {failures.last_trouble}); start over with empty topics once it is well"
        )
    if progress is not None:
        progress(items)
    return PublishReport(
        messages=count, items=items, bytes=size, seconds=pacer.elapsed(), behind_seconds=pacer.behind_seconds
    )


class _Failures:
    """Collects refusals, which librdkafka reports from `poll` and `flush`."""

    def __init__(self) -> None:
        self._count = 0
        self._first = ""
        self.last_trouble = "nothing reported"

    def note(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._count += 1
            self._first = self._first or error.str()

    def remember(self, error: KafkaError) -> None:
        self.last_trouble = error.str()

    def check(self, bootstrap: str) -> None:
        if self._count:
            raise PublishError(
                f"Kafka at {bootstrap} did not take {self._count} messages: {self._first} (connection: "
                f"{self.last_trouble}); start over with empty topics once it is well"
            )


class _Pacer:
    """Lets through what is due, and looks at the clock only every few hundred items."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._rate = rate
        self._live = clock is Clock.LIVE
        self._started = time.monotonic()
        # Event times are wall-clock times; sleeping goes by the monotonic clock, which nobody sets back.
        self._wall_offset = time.time() - self._started
        self._check_at = 0.0
        self._arrival_ms = -1
        self._grain = max(1.0, rate * _PACE_SECONDS) if rate else 2_000.0
        self.behind_seconds = 0.0

    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def due(self, items: int, arrival_ms: int) -> bool:
        """Whether it is time to look at the clock."""
        return items >= self._check_at or (self._live and arrival_ms != self._arrival_ms)

    def wait(self, items: int, arrival_ms: int, producer: Producer) -> None:
        """Sleep until the next items may go, serving the producer meanwhile."""
        self._check_at = items + self._grain
        self._arrival_ms = arrival_ms
        now = time.monotonic()
        if self._live:
            until = arrival_ms / 1000 - self._wall_offset
            if items == 0:  # the time until a live run begins is not part of it
                self._started = until
            self.behind_seconds = max(self.behind_seconds, now - until)
        else:
            until = self._started + items / self._rate if self._rate else now
        producer.poll(0)
        while (left := until - time.monotonic()) > 0:
            producer.poll(min(left, _PACE_SECONDS))


def _produce(producer: Producer, message: Message, stamp: Stamp, bootstrap: str) -> None:
    timestamp = message.event_time_ms if stamp is Stamp.ARRIVAL else 0  # 0: librdkafka takes the present
    give_up = time.monotonic() + _FLUSH_SECONDS
    while True:
        try:
            producer.produce(
                message.topic, message.value, message.key, timestamp=timestamp, headers=list(message.headers)
            )
        except BufferError as error:  # the local queue is full: the broker is slower than we are
            if time.monotonic() > give_up:
                raise PublishError(f"Kafka at {bootstrap} took nothing for {_FLUSH_SECONDS:.0f} s") from error
            producer.poll(0.1)
        except KafkaException as error:
            raise PublishError(f"Kafka at {bootstrap} refused a message to {message.topic}: {error}") from error
        else:
            return

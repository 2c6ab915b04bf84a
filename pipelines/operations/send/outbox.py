"""Values to Kafka, each confirmed: by all replicas, in order, and none twice by a retry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, KafkaException, Producer

from pipelines.errors import SendError
from pipelines.operations.send.packing import Value

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Sent:
    """What Kafka has confirmed."""

    files: int = 0
    messages: int = 0
    records: int = 0
    bytes: int = 0


class Outbox:
    """Sends to one topic; leaving it without an error means that the broker has confirmed every value."""

    def __init__(self, bootstrap: str, options: Mapping[str, str], topic: str, limit: int) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self._refused: list[str] = []
        self._trouble = "nothing reported"
        self._producer = Producer(
            {
                **options,
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "zstd",
                "linger.ms": 20,
                "message.max.bytes": max(1_000_000, limit + 10_000),
                "queue.buffering.max.kbytes": 65_536,
                "delivery.timeout.ms": int(_TIMEOUT_SECONDS * 1000),
                "error_cb": self._remember,
                "log_level": 0,  # what matters comes back as an error of ours
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is not None:
            self._producer.purge()
            return
        missing = self._producer.flush(_TIMEOUT_SECONDS)
        self._check()
        if missing:
            raise SendError(
                f"Kafka at {self._bootstrap} did not confirm {missing} messages to {self._topic} within "
                f"{_TIMEOUT_SECONDS:.0f} s (connection: {self._trouble}); send the files again, which is harmless"
            )

    def send(self, path: Path, value: Value, stamp_ms: int, confirmed: Callable[[Value], None]) -> None:
        """Hand over a value; waits while the broker is slower. Raises SendError if one was refused."""
        give_up = time.monotonic() + _TIMEOUT_SECONDS
        note = partial(self._note, path, value, confirmed)
        while True:
            self._check()
            try:
                self._producer.produce(self._topic, value.content, timestamp=stamp_ms, on_delivery=note)
            except BufferError as error:  # the local queue is full
                if time.monotonic() > give_up:
                    raise self._error(_place(path, value), f"nothing taken for {_TIMEOUT_SECONDS:.0f} s") from error
                self._producer.poll(0.1)
            except KafkaException as error:
                raise self._error(_place(path, value), error.args[0].str()) from error
            else:
                self._producer.poll(0)
                return

    def _note(
        self, path: Path, value: Value, confirmed: Callable[[Value], None], error: KafkaError | None, _: object
    ) -> None:
        if error is None:
            confirmed(value)
        else:
            self._refused.append(f"{_place(path, value)}: {error.str()}")

    def _remember(self, error: KafkaError) -> None:
        self._trouble = error.str()

    def _check(self) -> None:
        if self._refused:
            where, _, why = self._refused[0].rpartition(": ")
            raise self._error(where, why)

    def _error(self, where: str, why: str) -> SendError:
        return SendError(
            f"{where}: Kafka at {self._bootstrap} did not take it to {self._topic}: {why} (connection: "
            f"{self._trouble}); send the files again once that is mended, which is harmless"
        )


def _place(path: Path, value: Value) -> str:
    return f"{path}: records {value.first:,} to {value.first + value.records - 1:,}"

"""From records to Kafka values, as an at-least-once transport has it: batched, some late, some twice, some broken."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from pipelines.local.simulator.config import SimulationConfig
from pipelines.local.simulator.fault_kinds import Faults
from pipelines.local.simulator.incidents import HEARTBEAT, PERF
from pipelines.local.simulator.report import Writer
from pipelines.local.simulator.truth import TopicCounts

_FIRST_RETRY_MS, _LAST_RETRY_MS = 1_000.0, 1_800_000.0
_LATE_FROM_MS = 120_000.0
_SINGLE_ROW_SHARE = 0.02
_REGROUPED_SHARE = 0.25


class Message(NamedTuple):
    """One Kafka record. `event_time_ms` is the simulated moment it reaches Kafka; what is in it may be older."""

    topic: str
    key: bytes | None
    value: bytes | None
    event_time_ms: int
    items: int
    headers: tuple[tuple[str, bytes], ...] = ()


class Later(Enum):
    """Why a message comes after its time."""

    LATE = "late"
    REPEATED = "repeated"


class Postponed(NamedTuple):
    message: Message
    why: Later


@dataclass(slots=True)
class Tally:
    """What has been emitted to one topic so far."""

    values: int = 0
    unique: int = 0
    duplicates: int = 0
    ignored: int = 0
    late: int = 0
    nan: int = 0
    bad: Counter[str] = field(default_factory=Counter)

    def counts(self, topic: str) -> TopicCounts:
        return TopicCounts(
            topic=topic,
            values=self.values,
            items=self.unique + self.duplicates + self.ignored + self.bad.total(),
            unique=self.unique,
            duplicates=self.duplicates,
            ignored=self.ignored,
            late=self.late,
            nan=self.nan,
            bad=dict(sorted(self.bad.items())),
        )


class Transport:
    """Packs the records of one topic; keeps count of what it lets through."""

    def __init__(
        self, topic: str, writer: Writer[Any], faults: Faults[Any], config: SimulationConfig, rng: np.random.Generator
    ) -> None:
        self.topic = topic
        self.tally = Tally()
        self._writer = writer
        self._config = config
        self._rng = rng
        self._faults = faults
        self._dealt = 0
        self._single = writer.records_per_value == (1, 2)

    def send(self, rows: Sequence[Any], now_ms: int) -> tuple[list[Message], list[Postponed]]:
        """`rows` as messages that arrive now, and those that come later."""
        if not rows:
            return [], []
        tally = self.tally
        batches = self._batches(rows)
        postponed: list[Postponed] = []
        chances = self._rng.random(len(batches))
        late, repeated = self._config.late_share, self._config.late_share + self._config.duplicate_share
        absent = set()
        for place in np.flatnonzero(chances < repeated).tolist():
            # NaN comes once and in time: whoever counts it apart need not think of repeats.
            if self._writer.is_nan(batches[place][0]):
                continue
            if chances[place] >= late:
                postponed.append(self._repeat(batches[place], now_ms))
            elif (arrival := self._late_arrival(now_ms)) is not None:
                postponed.append(Postponed(self._message(batches[place], arrival), Later.LATE))
                absent.add(place)
        good = len(rows) - sum(len(batches[place]) for place in absent)
        broken = self._broken(rows, batches, np.flatnonzero(chances >= repeated).tolist(), now_ms)
        messages = [self._message(batch, now_ms) for place, batch in enumerate(batches) if place not in absent]
        messages += broken + self._control(len(batches), now_ms)
        tally.values += len(messages)
        tally.unique += good
        return messages, postponed

    def arrived(self, postponed: Postponed) -> None:
        """Count a postponed message, now that it is let through."""
        items = postponed.message.items
        self.tally.values += 1
        if postponed.why is Later.LATE:
            self.tally.unique += items
            self.tally.late += items
        else:
            self.tally.duplicates += items

    def _batches(self, rows: Sequence[Any]) -> list[list[Any]]:
        if self._single:
            self.tally.nan += sum(map(self._writer.is_nan, rows))
            return [[row] for row in rows]
        fewest, most = self._writer.records_per_value
        batches, place = [], 0
        while place < len(rows):
            single = self._rng.random() < _SINGLE_ROW_SHARE
            size = 1 if single else int(self._rng.integers(fewest, most))
            batches.append(list(rows[place : place + size]))
            place += size
        return batches

    def _repeat(self, batch: Sequence[Any], now_ms: int) -> Postponed:
        """The same value again, or some of its rows in another value; the text of each row stays the same."""
        part = batch
        if len(batch) > 2 and self._rng.random() < _REGROUPED_SHARE:
            first = int(self._rng.integers(0, len(batch) - 1))
            part = batch[first : first + int(self._rng.integers(1, len(batch) - first + 1))]
        left = self._config.end_ms - now_ms
        delay = self._between(_FIRST_RETRY_MS, min(_LAST_RETRY_MS, left)) if left > _FIRST_RETRY_MS else left
        arrival = now_ms + int(delay)
        return Postponed(self._message(part, arrival), Later.REPEATED)

    def _late_arrival(self, now_ms: int) -> int | None:
        """Minutes to hours from now; None when the simulation ends before."""
        longest = min(self._config.late_max_seconds * 1000, self._config.end_ms - now_ms)
        return now_ms + int(self._between(_LATE_FROM_MS, longest)) if longest > _LATE_FROM_MS else None

    def _between(self, low: float, high: float) -> float:
        """Evenly spread over orders of magnitude: most are short, some are very long."""
        return math.exp(self._rng.uniform(math.log(low), math.log(high)))

    def _broken(
        self, rows: Sequence[Any], batches: list[list[Any]], whole: Sequence[int], now_ms: int
    ) -> list[Message]:
        """Bad values as messages of their own; bad records in among the good ones of the `whole` batches, if any."""
        messages = []
        for _ in range(int(self._rng.binomial(len(rows), self._config.bad_share))):
            reason = self._faults.reasons[self._dealt % len(self._faults.reasons)]
            self._dealt += 1
            self.tally.bad[reason] += 1
            model = rows[int(self._rng.integers(len(rows)))]
            spoilt = self._faults.value(model, reason)
            if spoilt is not None:
                messages.append(Message(self.topic, None, spoilt.value, now_ms, 1, spoilt.headers))
                continue
            row = self._faults.record(model, reason)
            if self._single or not whole:
                messages.append(self._message([row], now_ms))
            else:
                batch = batches[whole[int(self._rng.integers(len(whole)))]]
                batch.insert(int(self._rng.integers(len(batch) + 1)), row)
        return messages

    def _message(self, rows: Sequence[Any], arrival_ms: int) -> Message:
        value, headers = self._writer.wrap(rows)
        return Message(self.topic, None, value, arrival_ms, len(rows), headers)

    def _control(self, values: int, now_ms: int) -> list[Message]:
        """Exports without any row."""
        if self.topic not in (HEARTBEAT, PERF):
            return []
        count = int(self._rng.binomial(values, self._config.control_share))
        self.tally.ignored += count
        return [Message(self.topic, None, b'{"records":[]}', now_ms, 1) for _ in range(count)]

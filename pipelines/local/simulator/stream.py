"""The generator: simulated time goes on step by step, and every feed sends what came about in the step."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from pipelines.local.simulator.config import SimulationConfig
from pipelines.local.simulator.fault_kinds import faults_of
from pipelines.local.simulator.feeds import build_feeds
from pipelines.local.simulator.fleet import build_fleet
from pipelines.local.simulator.incidents import plan_incidents
from pipelines.local.simulator.transport import Message, Postponed, Transport
from pipelines.local.simulator.truth import Incident, Summary


class Simulation:
    """One run over one span: `messages()` once, `summary()` at any time, `incidents` in advance."""

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        fleet = build_fleet(config.fleet, config.seed, config.gateways)
        self.incidents: tuple[Incident, ...] = plan_incidents(config, fleet)
        self._feeds = build_feeds(config, fleet, self.incidents)
        self._transports = [
            Transport(
                feed.topic,
                feed.writer,
                faults_of(feed.topic, config),
                config,
                np.random.default_rng([config.seed, 3, number]),
            )
            for number, feed in enumerate(self._feeds)
        ]
        self._now_ms = config.start_ms
        self._stopped = False

    def messages(self) -> Iterator[Message]:
        """Every message in the order of arrival. Counts in `summary()` are right after each step and at the end."""
        transports = {transport.topic: transport for transport in self._transports}
        step_ms = round(self.config.step_seconds * 1000)
        waiting: list[tuple[int, int, Postponed]] = []
        number = 0
        while self._now_ms < self.config.end_ms and not self._stopped:
            from_ms, self._now_ms = self._now_ms, min(self._now_ms + step_ms, self.config.end_ms)
            fresh: list[Message] = []
            for feed, transport in zip(self._feeds, self._transports, strict=True):
                messages, postponed = transport.send(feed.rows(from_ms, self._now_ms), self._now_ms)
                fresh += messages
                for item in postponed:
                    number += 1  # breaks ties, so that messages themselves are never compared
                    heapq.heappush(waiting, (item.message.event_time_ms, number, item))
            # What was postponed to this very moment comes after the step that postponed it, as a retry would.
            while waiting and waiting[0][0] < self._now_ms:
                yield self._let_through(heapq.heappop(waiting)[2], transports)
            yield from fresh
            if self._now_ms >= self.config.end_ms:
                while waiting:
                    yield self._let_through(heapq.heappop(waiting)[2], transports)

    def stop(self) -> None:
        """End `messages()` after the present step; what waits to be late is then never sent, nor counted."""
        self._stopped = True

    def summary(self) -> Summary:
        """What has been emitted so far."""
        return Summary(
            seed=self.config.seed,
            start_ms=self.config.start_ms,
            end_ms=self._now_ms,
            topics=tuple(transport.tally.counts(transport.topic) for transport in self._transports),
        )

    @staticmethod
    def _let_through(postponed: Postponed, transports: dict[str, Transport]) -> Message:
        transports[postponed.message.topic].arrived(postponed)
        return postponed.message


def simulate(config: SimulationConfig) -> Iterator[Message]:
    """The messages of `config` in the order of arrival, without their truth (`Simulation` has both)."""
    return Simulation(config).messages()

"""A feed: the machines behind one topic, asked for what they say within a stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

import numpy as np

from pipelines.local.simulator.config import SCRAPES_PER_INTERVAL, SimulationConfig
from pipelines.local.simulator.effects import apply_stress, down, kept, outages, stresses
from pipelines.local.simulator.fleet import Fleet, Host
from pipelines.local.simulator.gateway_avro import GatewayHeartbeats, GatewayMetrics
from pipelines.local.simulator.incidents import (
    AVRO_HEARTBEAT,
    AVRO_METRICS,
    AVRO_TOPICS,
    AWS,
    HEARTBEAT,
    PERF,
    PROMETHEUS,
    TOPICS,
)
from pipelines.local.simulator.log_analytics import HeartbeatWriter, PerfWriter
from pipelines.local.simulator.metric_stream import MetricStreamWriter
from pipelines.local.simulator.prometheus import PrometheusWriter
from pipelines.local.simulator.report import Report, Writer
from pipelines.local.simulator.signals import HostLoad, Signals
from pipelines.local.simulator.truth import Incident

WriterFactory = Callable[[Sequence[Host], np.random.Generator], Writer[Any]]


class Feed:
    """Every host reports once an interval, each at its own moment of it, so that a fleet's load is even."""

    def __init__(
        self,
        topic: str,
        hosts: Sequence[Host],
        interval_ms: int,
        config: SimulationConfig,
        incidents: Sequence[Incident],
        writer: WriterFactory,
        rng: np.random.Generator,
    ) -> None:
        self.topic = topic
        self._rng = rng
        self._start_ms = config.start_ms
        self._interval_ms = interval_ms
        hosts = sorted(hosts, key=lambda host: (host.position, host.kind))
        self._phases = np.array([int(host.position * interval_ms) for host in hosts], dtype=np.int64)
        lengths = [len(host.metrics) for host in hosts]
        self._offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        self._owner = np.repeat(np.arange(len(hosts)), lengths)
        self._load = HostLoad(hosts, rng)
        self._signals = Signals(hosts, rng)
        metrics = [metric for host in hosts for metric in host.metrics]
        self._nan_share = np.array([metric.nan_share for metric in metrics])
        self._has_nan = bool(self._nan_share.any())
        self._availability = np.array([metric.availability for metric in metrics], dtype=np.bool_)
        self._outages = outages(hosts, incidents, config.end_ms)
        self._stresses = stresses(hosts, self._offsets, incidents, topic, config.end_ms)
        # The next run of the same estate must not use the ids of this one again.
        place = (*TOPICS, *AVRO_TOPICS).index(topic)
        self.writer = writer(hosts, np.random.default_rng([config.seed, 4, abs(config.start_ms), place]))

    def rows(self, start_ms: int, end_ms: int) -> list[Any]:
        """The records that come about in [start_ms, end_ms), by time. A stretch must begin where the last one ended."""
        rows: list[Any] = []
        while start_ms < end_ms:
            cycle_ms = start_ms - (start_ms - self._start_ms) % self._interval_ms
            until = min(end_ms, cycle_ms + self._interval_ms)
            first, last = np.searchsorted(self._phases, [start_ms - cycle_ms, until - cycle_ms]).tolist()
            if first < last:
                rows += self._report(first, last, cycle_ms)
            start_ms = until
        return rows

    def _report(self, first: int, last: int, cycle_ms: int) -> list[Any]:
        times_ms = self._phases[first:last] + cycle_ms
        now_ms = int(times_ms[0])
        away, restarting, gap = down(self._outages, first, last, now_ms)
        if self.topic in (HEARTBEAT, AVRO_HEARTBEAT):
            rows = self.writer.rows(Report(first, last, 0, 0, times_ms, np.empty(0), ()))
            return list(compress(rows, kept(last - first, away).tolist())) if away else rows
        low, high = int(self._offsets[first]), int(self._offsets[last])
        owner = self._owner[low:high] - first
        load = self._load.at(first, last, times_ms / 1000.0)
        values = self._signals.advance(low, high, load[owner], self._interval_ms / 1000.0)
        apply_stress(self._stresses, low, values, now_ms, self._rng)
        values = self._signals.rounded(low, high, values)
        if self._has_nan:
            values[self._rng.random(high - low) < self._nan_share[low:high]] = np.nan
        if not away:
            return self.writer.rows(Report(first, last, low, high, times_ms, values, owner.tolist()))
        for place in restarting:
            self._signals.reset(np.arange(self._offsets[first + place], self._offsets[first + place + 1]))
        # Prometheus says `up 0` of a node it cannot scrape; in a gap it says nothing, being what is missing itself.
        unreachable = self._availability[low:high] & ~kept(last - first, away)[owner]
        values[unreachable] = 0.0
        present = kept(last - first, away)[owner] | (unreachable & kept(last - first, gap)[owner])
        rows = self.writer.rows(Report(first, last, low, high, times_ms, values, owner.tolist()))
        return list(compress(rows, present.tolist()))


def build_feeds(config: SimulationConfig, fleet: Fleet, incidents: Sequence[Incident]) -> tuple[Feed, ...]:
    """One feed a topic, each with its own random numbers, so that none depends on how far another has come."""
    seed, minute, scrape = config.seed, config.interval_ms, config.interval_ms // SCRAPES_PER_INTERVAL

    def feed(number: int, topic: str, hosts: Sequence[Host], interval_ms: int, writer: WriterFactory) -> Feed:
        return Feed(topic, hosts, interval_ms, config, incidents, writer, np.random.default_rng([seed, 2, number]))

    feeds = (
        feed(0, HEARTBEAT, fleet.machines, minute, lambda hosts, rng: HeartbeatWriter(hosts, fleet.tenant, seed, rng)),
        feed(1, PERF, fleet.machines, minute, lambda hosts, rng: PerfWriter(hosts, fleet.tenant, seed, rng)),
        feed(2, AWS, fleet.aws, minute, MetricStreamWriter),
        feed(3, PROMETHEUS, fleet.nodes, scrape, lambda hosts, _: PrometheusWriter(hosts)),
    )
    if config.avro is None:
        return feeds
    gateways, schemas, guids = fleet.gateways, config.avro, config.guid_share
    return (
        *feeds,
        feed(
            4, AVRO_HEARTBEAT, gateways, minute,
            lambda hosts, rng: GatewayHeartbeats(hosts, schemas.heartbeats, guids, rng),
        ),
        feed(5, AVRO_METRICS, gateways, minute, lambda hosts, rng: GatewayMetrics(hosts, schemas.metrics, guids, rng)),
    )  # fmt: skip

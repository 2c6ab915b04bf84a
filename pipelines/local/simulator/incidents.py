"""What goes wrong, to whom and when: planned before the first value, so that the truth is known in advance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

import numpy as np

from pipelines.local.simulator.config import SimulationConfig
from pipelines.local.simulator.fleet import Fleet, Host, Kind
from pipelines.local.simulator.truth import Incident, IncidentKind

HEARTBEAT, PERF, AWS, PROMETHEUS = "am-Heartbeat", "am-Perf", "aws.metrics", "prometheus.metrics"
TOPICS = (HEARTBEAT, PERF, AWS, PROMETHEUS)
AVRO_HEARTBEAT, AVRO_METRICS = "telemetry.heartbeats", "telemetry.metrics"
# Only where there is a schema registry.
AVRO_TOPICS = (AVRO_HEARTBEAT, AVRO_METRICS)
# Where the metrics of machines that send heartbeats go → where the heartbeats go.
_HEARTBEATS = {PERF: HEARTBEAT, AVRO_METRICS: AVRO_HEARTBEAT}
METRIC_INCIDENTS = (
    IncidentKind.CPU_SATURATION,
    IncidentKind.MEMORY_LEAK,
    IncidentKind.DISK_FILLING,
    IncidentKind.NOISY_LATENCY,
)
# Usual length in minutes, from and to. In a short simulation none takes more than a third of it.
_MINUTES = {
    IncidentKind.AGENT_SILENT: (20, 120),
    IncidentKind.CPU_SATURATION: (15, 60),
    IncidentKind.MEMORY_LEAK: (60, 360),
    IncidentKind.DISK_FILLING: (120, 480),
    IncidentKind.NOISY_LATENCY: (15, 90),
    IncidentKind.RESTART: (2, 4),
    IncidentKind.GAP: (3, 10),
}


def topic_of(host: Host) -> str:
    """Where the metrics of a host go."""
    if host.kind in (Kind.ARC, Kind.AZURE_VM):
        return PERF
    if host.kind is Kind.GATEWAY:
        return AVRO_METRICS
    return PROMETHEUS if host.kind is Kind.NODE else AWS


def plan_incidents(config: SimulationConfig, fleet: Fleet) -> tuple[Incident, ...]:
    """All incidents, restarts and gaps of the simulation. No machine has two incidents, so each stands for itself."""
    return _Planner(config, fleet).plan()


class _Planner:
    def __init__(self, config: SimulationConfig, fleet: Fleet) -> None:
        self._config = config
        self._rng = np.random.default_rng([config.seed, 1])
        everyone = (*fleet.machines, *fleet.aws, *fleet.nodes, *fleet.gateways)
        self._free = [everyone[index] for index in self._rng.permutation(len(everyone))]
        self._hosts = len(everyone)

    def plan(self) -> tuple[Incident, ...]:
        share = self._config.incident_share
        count = max(1, round(share * self._hosts)) if share else 0
        planned = self._silences(max(2, count) if share else 0)
        for kind in METRIC_INCIDENTS:
            hosts = self._take(count, partial(_can_have, kind=kind))
            # The last disk to fill is still filling at the end: nobody has noticed yet.
            last = len(hosts) - 1 if kind is IncidentKind.DISK_FILLING and len(hosts) > 1 else None
            planned += [self._metric_incident(host, kind, still=index == last) for index, host in enumerate(hosts)]
        days = self._config.duration.total_seconds() / 86_400
        for kind, per_day in (
            (IncidentKind.RESTART, self._config.restarts_per_host_day),
            (IncidentKind.GAP, self._config.gaps_per_host_day),
        ):
            count = int(self._rng.poisson(per_day * days * self._hosts))
            hosts = self._take(count, partial(_can_have, kind=kind))
            planned += [self._incident(host, kind, topic_of(host)) for host in hosts]
        return tuple(planned)

    def _silences(self, count: int) -> list[Incident]:
        """A third of the silent agents, and at least one, never come back."""
        hosts = self._take(count, lambda host: topic_of(host) in _HEARTBEATS)
        still = -(-len(hosts) // 3)
        return [
            self._incident(host, IncidentKind.AGENT_SILENT, _HEARTBEATS[topic_of(host)], still=index < still)
            for index, host in enumerate(hosts)
        ]

    def _take(self, count: int, suits: Callable[[Host], bool]) -> Sequence[Host]:
        chosen = list(islice(filter(suits, self._free), count))
        taken = {host.resource_id for host in chosen}
        self._free = [host for host in self._free if host.resource_id not in taken]
        return chosen

    def _metric_incident(self, host: Host, kind: IncidentKind, *, still: bool) -> Incident:
        index = _affected(host, kind)
        assert index is not None  # only hosts that have such a metric are taken
        metric = host.metrics[index]
        instance = metric.instance if kind is IncidentKind.DISK_FILLING else None
        return self._incident(host, kind, topic_of(host), metric=metric.name, instance=instance, still=still)

    def _incident(
        self,
        host: Host,
        kind: IncidentKind,
        topic: str,
        *,
        metric: str | None = None,
        instance: str | None = None,
        still: bool = False,
    ) -> Incident:
        span = self._config.end_ms - self._config.start_ms
        shortest, longest = (minutes * 60_000 for minutes in _MINUTES[kind])
        length = self._rng.uniform(min(shortest, span / 6), min(longest, span / 3))
        if kind is IncidentKind.RESTART:  # long enough to be missed by at least one report
            length = max(length, min(2 * self._config.interval_ms, span / 3))
        # The first tenth is quiet: whoever learns what is normal needs something normal.
        start = int(self._config.start_ms + span * 0.1 + self._rng.random() * (span * 0.85 - length))
        if still:
            start = int(self._config.end_ms - length)
        return Incident(
            kind=kind,
            topic=topic,
            resource_id=host.resource_id,
            host=host.name,
            metric=metric,
            instance=instance,
            start_ms=start,
            end_ms=None if still else int(start + length),
            seed=self._config.seed,
        )


def _can_have(host: Host, kind: IncidentKind) -> bool:
    if kind is IncidentKind.GAP:
        return True
    if kind is IncidentKind.RESTART:  # CloudWatch watches from outside: a restart there is no silence
        return topic_of(host) != AWS
    return _affected(host, kind) is not None


def _affected(host: Host, kind: IncidentKind) -> int | None:
    """The metric of a host in which an incident shows first."""
    return next((index for index, metric in enumerate(host.metrics) if metric.stressed_by is kind), None)

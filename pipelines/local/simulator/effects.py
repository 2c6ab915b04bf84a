"""What incidents do to the values and to the presence of series, while they last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.local.simulator.fleet import Host
from pipelines.local.simulator.signals import Bools, Floats, Ints
from pipelines.local.simulator.truth import Incident, IncidentKind

_OUTAGES = (IncidentKind.AGENT_SILENT, IncidentKind.RESTART, IncidentKind.GAP)


@dataclass(frozen=True, slots=True)
class Effect:
    """An incident as it meets one series (or, for an outage, one host) of a feed."""

    kind: IncidentKind
    index: int
    start_ms: int
    end_ms: int
    limit: float = 0.0


def outages(hosts: Sequence[Host], incidents: Sequence[Incident], end_ms: int) -> tuple[Effect, ...]:
    """Silences, restarts and gaps of these hosts; `index` is the host's place among them."""
    place = {host.resource_id: index for index, host in enumerate(hosts)}
    return tuple(
        Effect(incident.kind, place[incident.resource_id], incident.start_ms, incident.end_ms or end_ms + 1)
        for incident in incidents
        if incident.kind in _OUTAGES and incident.resource_id in place
    )


def stresses(
    hosts: Sequence[Host], offsets: Ints, incidents: Sequence[Incident], topic: str, end_ms: int
) -> tuple[Effect, ...]:
    """Incidents as they show in the metrics of these hosts; `index` is the series' place among all of theirs."""
    by_host = {incident.resource_id: incident for incident in incidents if incident.topic == topic}
    found = []
    for host, offset in zip(hosts, offsets.tolist(), strict=False):
        incident = by_host.get(host.resource_id)
        if incident is None:
            continue
        for index, metric in enumerate(host.metrics):
            named = incident.instance is None or metric.instance == incident.instance
            if metric.stressed_by is incident.kind and named:
                end = incident.end_ms or end_ms
                found.append(Effect(incident.kind, offset + index, incident.start_ms, end, metric.limit))
    return tuple(found)


def apply_stress(effects: Sequence[Effect], first: int, values: Floats, time_ms: int, rng: np.random.Generator) -> None:
    """Change, in place, the values of the series from `first` on that an incident holds at `time_ms`."""
    for effect in effects:
        place = effect.index - first
        if not (0 <= place < len(values) and effect.start_ms <= time_ms < effect.end_ms):
            continue
        normal = float(values[place])
        if effect.kind is IncidentKind.CPU_SATURATION:
            values[place] = effect.limit * (1 - 0.02 * rng.random())
        elif effect.kind is IncidentKind.NOISY_LATENCY:
            values[place] = normal * (2 + rng.lognormal(0.8, 0.6))
        else:
            progress = (time_ms - effect.start_ms) / (effect.end_ms - effect.start_ms)
            values[place] = normal + (effect.limit - normal) * progress


def down(effects: Sequence[Effect], first: int, last: int, time_ms: int) -> tuple[list[int], list[int], list[int]]:
    """Hosts (places counted from `first`) without telemetry at `time_ms`: all of them, the restarting, the in a gap."""
    hit = [effect for effect in effects if first <= effect.index < last and effect.start_ms <= time_ms < effect.end_ms]
    restarting = [effect.index - first for effect in hit if effect.kind is IncidentKind.RESTART]
    gap = [effect.index - first for effect in hit if effect.kind is IncidentKind.GAP]
    return [effect.index - first for effect in hit], restarting, gap


def kept(hosts: int, absent: Sequence[int]) -> Bools:
    """One flag a host: whether it is there."""
    flags = np.ones(hosts, dtype=np.bool_)
    flags[list(absent)] = False
    return flags

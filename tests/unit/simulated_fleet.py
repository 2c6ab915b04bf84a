"""Simulations that the simulator's tests share, and how to read what they send."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.local.simulator import (
    TOPICS,
    FleetSize,
    Incident,
    IncidentKind,
    Message,
    Simulation,
    SimulationConfig,
)

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HEARTBEAT, PERF, AWS, PROMETHEUS = TOPICS
COUNTERS = ("Uptime", "System Up Time", "node_network_receive_bytes_total", "up")
# Whoever reports within one step shares its fate.
GRAIN_MS = 5_000
SMALL = SimulationConfig(start=MONDAY, duration=timedelta(minutes=30), seed=7, fleet=FleetSize.of(40))
SPOTLESS = replace(
    SMALL,
    bad_share=0,
    duplicate_share=0,
    late_share=0,
    control_share=0,
    incident_share=0,
    restarts_per_host_day=0,
    gaps_per_host_day=0,
)
DIRTY = replace(SMALL, bad_share=0.02, duplicate_share=0.05, late_share=0.05, control_share=0.05)


def records(messages: Iterable[Message], topic: str) -> list[dict[str, Any]]:
    """Every record of a topic, out of whatever envelope."""
    found: list[dict[str, Any]] = []
    for message in messages:
        if message.topic == topic:
            assert message.value is not None
            for text in message.value.decode().splitlines():
                content = json.loads(text)
                found += content.get("records", [content])
    return found


def moment(record: dict[str, Any]) -> datetime:
    time_text = record["TimeGenerated"] if "TimeGenerated" in record else record["timestamp"]
    if isinstance(time_text, int):
        return datetime.fromtimestamp(time_text / 1000, UTC)
    return datetime.fromisoformat(time_text)


def value_of(record: dict[str, Any]) -> float:
    if "CounterValue" in record:
        return float(record["CounterValue"])
    value = record["value"]
    return value["sum"] / value["count"] if isinstance(value, dict) else float(value)


def host_of(record: dict[str, Any]) -> str:
    names = record.get("dimensions") or record.get("labels") or record
    keys = ("InstanceId", "DBInstanceIdentifier", "LoadBalancer", "node", "Computer")
    return next((names[key] for key in keys if key in names), "")


def instance_of(record: dict[str, Any]) -> str | None:
    names = record.get("dimensions") or record.get("labels") or record
    return names.get("InstanceName") or names.get("path") or names.get("mountpoint")


def metric_of(record: dict[str, Any]) -> str:
    return str(record.get("CounterName") or record.get("metric_name") or record.get("name") or record["Type"])


@dataclass(frozen=True)
class Day:
    """A simulation and its series: (host, metric) → [(epoch ms, value, instance)] in time order; heartbeats are 1."""

    simulation: Simulation
    points: dict[tuple[str, str], list[tuple[float, float, str | None]]]

    def of(self, kind: IncidentKind) -> list[Incident]:
        found = [incident for incident in self.simulation.incidents if incident.kind is kind]
        assert found
        return found

    def end_of(self, incident: Incident) -> int:
        return incident.end_ms or self.simulation.config.end_ms

    def values(self, incident: Incident) -> list[tuple[float, float]]:
        """(epoch ms, value) of what the incident is about."""
        points = self.points[incident.host, incident.metric or "Heartbeat"]
        return [(time, value) for time, value, instance in points if incident.instance in (None, instance)]


def mean(values: Iterable[float]) -> float:
    numbers = list(values)
    assert numbers
    return sum(numbers) / len(numbers)

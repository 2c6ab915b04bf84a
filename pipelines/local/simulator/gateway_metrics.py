"""What an edge gateway reports with our own agent: OpenTelemetry's names for the machine, its own for the rest."""

from __future__ import annotations

from pipelines.local.simulator.metric import Metric, percent
from pipelines.local.simulator.truth import IncidentKind

_SYSTEM, _GATEWAY = "system", "gateway"
GATEWAY = (
    percent(
        "system.cpu.utilization",
        _SYSTEM,
        mean=(5, 35),
        gain=1.1,
        noise=0.15,
        unit="%",
        stressed_by=IncidentKind.CPU_SATURATION,
        limit=99,
    ),
    percent(
        "system.memory.utilization",
        _SYSTEM,
        mean=(30, 65),
        gain=0.1,
        noise=0.03,
        unit="%",
        stressed_by=IncidentKind.MEMORY_LEAK,
        limit=97,
    ),
    percent(
        "system.filesystem.utilization",
        _SYSTEM,
        mean=(20, 60),
        noise=0.01,
        labels=(("mountpoint", "/var"),),
        unit="%",
        stressed_by=IncidentKind.DISK_FILLING,
        limit=98.5,
    ),
    Metric(
        name="gateway.messages",
        namespace=_GATEWAY,
        base=(20, 400),
        gain=1.2,
        noise=0.2,
        counter=True,
        whole=True,
        labels=(("protocol", "opcua"),),
        unit="{message}",
    ),
    Metric(name="gateway.temperature", namespace=_GATEWAY, base=(38, 55), gain=0.2, noise=0.03, high=105, unit="Cel"),
    Metric(
        name="gateway.uplink.latency",
        namespace=_GATEWAY,
        base=(12, 60),
        gain=0.6,
        noise=0.2,
        unit="ms",
        samples=60,
        percentiles=True,
        stressed_by=IncidentKind.NOISY_LATENCY,
        limit=900,
    ),
)

"""Performance counters of Linux and Windows machines, as the Azure Monitor Agent names them.

Source: learn.microsoft.com, "Collect performance counters with Azure Monitor Agent". Where an object has no instances,
the InstanceName is null and left out.
"""

from __future__ import annotations

from pipelines.local.simulator.metric import Metric, percent
from pipelines.local.simulator.truth import IncidentKind


def _instance(name: str) -> tuple[tuple[str, str], ...]:
    return (("InstanceName", name),)


def _free_space(namespace: str, disk: str, mean: tuple[float, float]) -> Metric:
    return percent(
        "% Free Space",
        namespace,
        mean=mean,
        noise=0.01,
        labels=_instance(disk),
        stressed_by=IncidentKind.DISK_FILLING,
        limit=1.5,
    )


LINUX = (
    percent(
        "% Processor Time",
        "Processor",
        mean=(8, 40),
        gain=1.1,
        noise=0.15,
        labels=_instance("_Total"),
        stressed_by=IncidentKind.CPU_SATURATION,
        limit=99.5,
    ),
    percent(
        "% Used Memory",
        "Memory",
        mean=(35, 70),
        gain=0.15,
        noise=0.03,
        labels=_instance("Memory"),
        stressed_by=IncidentKind.MEMORY_LEAK,
        limit=98,
    ),
    Metric(
        name="Available MBytes Memory",
        namespace="Memory",
        base=(2048, 24576),
        gain=-0.2,
        noise=0.05,
        whole=True,
        labels=_instance("Memory"),
        stressed_by=IncidentKind.MEMORY_LEAK,
        limit=90,
    ),
    _free_space("Logical Disk", "/", (30, 70)),
    _free_space("Logical Disk", "/var", (40, 85)),
    Metric(
        name="Total Bytes Received",
        namespace="Network",
        base=(2e4, 2e6),
        gain=1.2,
        noise=0.3,
        counter=True,
        whole=True,
        labels=_instance("eth0"),
    ),
    Metric(
        name="Total Bytes Transmitted",
        namespace="Network",
        base=(2e4, 1e6),
        gain=1.2,
        noise=0.3,
        counter=True,
        whole=True,
        labels=_instance("eth0"),
    ),
    Metric(name="Uptime", namespace="System", base=(1, 1), noise=0, counter=True, whole=True),
)

WINDOWS = (
    percent(
        "% Processor Time",
        "Processor",
        mean=(6, 35),
        gain=1.2,
        noise=0.2,
        labels=_instance("_Total"),
        stressed_by=IncidentKind.CPU_SATURATION,
        limit=99.8,
    ),
    percent(
        "% Committed Bytes In Use",
        "Memory",
        mean=(30, 65),
        gain=0.15,
        noise=0.02,
        stressed_by=IncidentKind.MEMORY_LEAK,
        limit=97,
    ),
    Metric(
        name="Available MBytes",
        namespace="Memory",
        base=(2048, 32768),
        gain=-0.2,
        noise=0.04,
        whole=True,
        stressed_by=IncidentKind.MEMORY_LEAK,
        limit=120,
    ),
    _free_space("LogicalDisk", "C:", (25, 60)),
    _free_space("LogicalDisk", "D:", (40, 90)),
    Metric(
        name="Bytes Total/sec",
        namespace="Network Interface",
        base=(3e4, 3e6),
        gain=1.2,
        noise=0.3,
        labels=_instance("vmxnet3 Ethernet Adapter"),
    ),
    Metric(
        name="Disk Reads/sec",
        namespace="PhysicalDisk",
        base=(1, 200),
        gain=0.9,
        noise=0.4,
        labels=_instance("_Total"),
    ),
    Metric(name="System Up Time", namespace="System", base=(1, 1), noise=0, counter=True, whole=True),
)

"""What EC2, RDS, Application Load Balancers and the CloudWatch agent report.

Source: the metric lists of their user guides on docs.aws.amazon.com.
"""

from __future__ import annotations

from pipelines.local.simulator.metric import GIB, Metric, percent
from pipelines.local.simulator.truth import IncidentKind

EC2 = (
    percent(
        "CPUUtilization",
        "AWS/EC2",
        mean=(5, 45),
        gain=1.2,
        noise=0.15,
        unit="Percent",
        samples=5,
        stressed_by=IncidentKind.CPU_SATURATION,
        limit=99.9,
    ),
    Metric(
        name="NetworkIn", namespace="AWS/EC2", base=(1e5, 5e7), gain=1.3, noise=0.3, whole=True, unit="Bytes", samples=5
    ),
    Metric(
        name="NetworkOut",
        namespace="AWS/EC2",
        base=(1e5, 5e7),
        gain=1.3,
        noise=0.3,
        whole=True,
        unit="Bytes",
        samples=5,
    ),
    Metric(name="EBSWriteOps", namespace="AWS/EC2", base=(5, 900), gain=0.8, noise=0.4, unit="Count", samples=5),
    Metric(name="StatusCheckFailed", namespace="AWS/EC2", base=(0, 0), unit="Count"),
    percent(
        "mem_used_percent",
        "CWAgent",
        mean=(30, 70),
        gain=0.15,
        noise=0.03,
        unit="Percent",
        stressed_by=IncidentKind.MEMORY_LEAK,
        limit=98,
    ),
    percent(
        "disk_used_percent",
        "CWAgent",
        mean=(25, 65),
        noise=0.01,
        labels=(("path", "/"), ("device", "nvme0n1p1"), ("fstype", "xfs")),
        unit="Percent",
        stressed_by=IncidentKind.DISK_FILLING,
        limit=98.5,
    ),
)
RDS = (
    percent(
        "CPUUtilization",
        "AWS/RDS",
        mean=(8, 40),
        gain=1.2,
        noise=0.15,
        unit="Percent",
        stressed_by=IncidentKind.CPU_SATURATION,
        limit=99,
    ),
    Metric(
        name="FreeableMemory",
        namespace="AWS/RDS",
        base=(2 * GIB, 20 * GIB),
        gain=-0.2,
        noise=0.03,
        whole=True,
        unit="Bytes",
        stressed_by=IncidentKind.MEMORY_LEAK,
        limit=8e7,
    ),
    Metric(
        name="FreeStorageSpace",
        namespace="AWS/RDS",
        base=(50 * GIB, 400 * GIB),
        noise=0.005,
        whole=True,
        unit="Bytes",
        stressed_by=IncidentKind.DISK_FILLING,
        limit=1e9,
    ),
    Metric(
        name="DatabaseConnections", namespace="AWS/RDS", base=(10, 200), gain=1.0, noise=0.1, whole=True, unit="Count"
    ),
    Metric(name="ReadLatency", namespace="AWS/RDS", base=(0.0005, 0.004), gain=0.5, noise=0.2, unit="Seconds"),
)
ALB = (
    Metric(
        name="TargetResponseTime",
        namespace="AWS/ApplicationELB",
        base=(0.02, 0.25),
        gain=0.4,
        noise=0.08,
        low=0.002,
        unit="Seconds",
        samples=400,
        percentiles=True,
        stressed_by=IncidentKind.NOISY_LATENCY,
        limit=4,
    ),
    Metric(name="RequestCount", namespace="AWS/ApplicationELB", base=(300, 9000), gain=1.4, noise=0.1, unit="Count"),
    Metric(
        name="HTTPCode_Target_5XX_Count",
        namespace="AWS/ApplicationELB",
        base=(0, 6),
        gain=1.0,
        noise=0.5,
        whole=True,
        unit="Count",
    ),
)

"""What Prometheus scrapes of one Kubernetes node: node_exporter, kube-state-metrics and one web service on it."""

from __future__ import annotations

from typing import Any

from pipelines.local.simulator.metric import GIB, Metric
from pipelines.local.simulator.truth import IncidentKind


def _prometheus(name: str, job: str, base: tuple[float, float], *labels: tuple[str, str], **rest: Any) -> Metric:
    return Metric(name=name, namespace=job, base=base, labels=labels, **rest)


def _histogram() -> tuple[Metric, ...]:
    """Buckets grow in proportion and without noise of their own, so they stay cumulative as real ones are."""
    shares = {"0.05": 0.35, "0.1": 0.62, "0.25": 0.86, "1": 0.97, "5": 0.995, "+Inf": 1.0}
    name = "http_request_duration_seconds"
    steady = {"gain": 1.2, "noise": 0, "counter": True, "whole": True}
    buckets = [
        _prometheus(f"{name}_bucket", "api", (40 * share, 40 * share), ("le", le), **steady)
        for le, share in shares.items()
    ]
    count = _prometheus(f"{name}_count", "api", (40, 40), **steady)
    return (*buckets, count, _prometheus(f"{name}_sum", "api", (6, 6), gain=1.2, noise=0, counter=True))


_ROOT = (("mountpoint", "/"), ("device", "/dev/nvme0n1p1"), ("fstype", "ext4"))
NODE = (
    _prometheus("up", "node", (1, 1), noise=0, whole=True, availability=True),
    _prometheus("node_load1", "node", (0.4, 3), gain=1.1, noise=0.2, stressed_by=IncidentKind.CPU_SATURATION, limit=28),
    *(
        _prometheus(
            "node_cpu_seconds_total",
            "node",
            (rate, rate),
            ("cpu", cpu),
            ("mode", mode),
            gain=gain,
            noise=0.02,
            counter=True,
        )
        for cpu in ("0", "1")
        for mode, rate, gain in (("idle", 0.7, -0.3), ("system", 0.08, 0.9), ("user", 0.2, 1.0))
    ),
    _prometheus(
        "node_memory_MemAvailable_bytes",
        "node",
        (4 * GIB, 24 * GIB),
        gain=-0.2,
        noise=0.03,
        whole=True,
        stressed_by=IncidentKind.MEMORY_LEAK,
        limit=1.5e8,
    ),
    _prometheus(
        "node_filesystem_avail_bytes",
        "node",
        (20 * GIB, 120 * GIB),
        *_ROOT,
        noise=0.005,
        whole=True,
        stressed_by=IncidentKind.DISK_FILLING,
        limit=8e8,
    ),
    _prometheus(
        "node_network_receive_bytes_total",
        "node",
        (1e5, 4e6),
        ("device", "eth0"),
        gain=1.2,
        noise=0.3,
        counter=True,
        whole=True,
    ),
    _prometheus(
        "kube_node_status_condition",
        "kube-state-metrics",
        (1, 1),
        ("condition", "Ready"),
        ("status", "true"),
        noise=0,
        whole=True,
    ),
    _prometheus("kube_pod_status_ready", "kube-state-metrics", (1, 1), ("condition", "true"), noise=0, whole=True),
    _prometheus(
        "kube_pod_container_status_restarts_total",
        "kube-state-metrics",
        (1e-5, 2e-5),
        ("container", "api"),
        noise=0,
        counter=True,
        whole=True,
    ),
    *_histogram(),
    # 0/0 while nobody calls: the well-formed NaN of every ratio.
    _prometheus("api:request_errors:ratio_rate5m", "api", (0.001, 0.02), gain=0.5, noise=0.3, high=1, nan_share=0.02),
)

"""Which metrics have a capacity, and where it ends: a line a metric, to be extended as needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.forecasting.curve import Bounds
from pipelines.forecasting.limits import Direction, Limit


@dataclass(frozen=True)
class MetricRule:
    """`metric` as its sender names it. The mean of a window is what is forecast."""

    metric: str
    limit: Limit
    bounds: Bounds


def _used(metric: str) -> MetricRule:
    """A share of the whole in percent, full at 100."""
    return MetricRule(metric, Limit(100.0, Direction.UP), Bounds(0.0, 100.0))


def _free_share(metric: str) -> MetricRule:
    """A share of the whole in percent, full at 0."""
    return MetricRule(metric, Limit(0.0, Direction.DOWN), Bounds(0.0, 100.0))


def _free(metric: str) -> MetricRule:
    """An amount, full at 0; how much there is in all is not known."""
    return MetricRule(metric, Limit(0.0, Direction.DOWN), Bounds(0.0, float("inf")))


_USED = (
    # Azure Monitor Agent and the agent before it
    "% Processor Time", "% Used Memory", "% Used Space", "% Used Inodes", "% Used Swap Space",
    "% Committed Bytes In Use",
    # VM insights, Azure Monitor
    "UtilizationPercentage", "Percentage CPU",
    # CloudWatch and its agent
    "CPUUtilization", "MemoryUtilization", "mem_used_percent", "disk_used_percent",
)  # fmt: skip
_FREE_SHARE = ("% Free Space", "% Free Inodes", "% Available Memory", "FreeSpacePercentage")
_FREE = (
    "Free Megabytes", "Available MBytes", "Available MBytes Memory", "FreeSpaceMB", "AvailableMB",
    "FreeableMemory", "FreeStorageSpace",
    "node_memory_MemAvailable_bytes", "node_filesystem_avail_bytes", "node_filesystem_free_bytes",
    "node_filesystem_files_free",
)  # fmt: skip


def _by_name(rules: Iterable[MetricRule]) -> dict[str, MetricRule]:
    return {rule.metric: rule for rule in rules}


RULES = _by_name((*map(_used, _USED), *map(_free_share, _FREE_SHARE), *map(_free, _FREE)))

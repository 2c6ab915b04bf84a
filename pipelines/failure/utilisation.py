"""Which metrics say how much of a machine's CPU, memory or disk is in use, whoever measured it: in percent of all.

Only what is a share already: a level in bytes says nothing without the size, which not every sender gives.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_CPU = ("% Processor Time", "CPUUtilization", "Percentage CPU", "UtilizationPercentage", "system.cpu.utilization")
_MEMORY = (
    "% Used Memory", "% Committed Bytes In Use", "mem_used_percent", "Memory % Committed Bytes In Use",
    "system.memory.utilization",
)  # fmt: skip
_DISK = ("% Used Space", "disk_used_percent", "system.filesystem.utilization")
_DISK_FREE = ("% Free Space", "FreeSpacePercentage", "LogicalDisk % Free Space")
_KINDS = {"cpu": _CPU, "memory": _MEMORY, "disk": (*_DISK, *_DISK_FREE)}
# OpenTelemetry's `1`: a fraction.
_FRACTION = "1"
_VOLUME = (
    "InstanceName",
    "instance",
    "Instance",
    "mountpoint",
    "path",
    "MountPoint",
    "device",
    "mountId",
    "vm.azm.ms/mountId",
)
# A value of one state among several adds up to the whole with its siblings; only this one is what is used.
_USED = "used"
# The sum of all volumes hides the one that is full.
_TOTAL = "_total"


def utilisation(metrics: DataFrame) -> DataFrame:
    """silver.metrics → resource_id, event_time, ingest_time, kind (cpu, memory, disk), part (a volume), percent."""
    kind = reduce(
        lambda chosen, item: chosen.when(F.col("metric").isin(*item[1]), item[0]),
        _KINDS.items(),
        F.when(F.expr("false"), ""),
    )
    share = F.when(F.col("unit") == _FRACTION, F.col("value") * 100).otherwise(F.col("value"))
    percent = F.when(F.col("metric").isin(*_DISK_FREE), 100 - share).otherwise(share)
    state = F.lower(F.coalesce(F.col("dimensions")["state"], F.lit(_USED)))
    volume = F.coalesce(*(F.col("dimensions")[name] for name in _VOLUME), F.lit(""))
    return (
        metrics.where(F.col("metric").isin(*(name for names in _KINDS.values() for name in names)))
        .select(
            *("resource_id", "event_time", "ingest_time"),
            kind.alias("kind"),
            F.when(kind == "disk", volume).otherwise("").alias("part"),
            percent.alias("percent"),
            state.alias("state"),
        )
        .where(_is_usable())
        .drop("state")
    )


def _is_usable() -> Column:
    is_share = F.col("percent").between(0, 100) & ~F.isnan("percent")
    is_total = (F.col("kind") == "disk") & (F.lower("part") == _TOTAL)
    return is_share & ~is_total & (F.col("state") == _USED)

"""silver.metrics → gold.usage_hourly: how much of itself each resource used in each hour it reported.

What looks back for weeks (rightsizing, unit costs) reads this, a row an hour, and not silver again. Sketches of an hour
merge into those of any span, so percentiles of two weeks are those of all samples.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.failure.utilisation import utilisation
from pipelines.gold.daily import DAY, DailyTable, Silver, Source
from pipelines.tables import contract

METRICS = contract("silver.metrics")
TABLE = contract("gold.usage_hourly")

# Bytes in the interval of a measurement, and bytes a second.
_BYTES = ("NetworkIn", "NetworkOut", "Network In Total", "Network Out Total")
_BYTE_RATES = (
    "Bytes Total/sec", "Network Adapter Bytes Sent/sec", "Network Adapter Bytes Received/sec", "ReadBytesPerSecond",
    "WriteBytesPerSecond",
)  # fmt: skip
_REQUESTS = ("RequestCount", "Requests", "TotalRequests", "Invocations")
# Of machines that report each core besides the whole, the whole.
_CORE = r"^[0-9]+(,[0-9]+)?$"
_MINUTE = 60


def usage_hourly(metrics: DataFrame) -> DataFrame:
    """Rows of silver.metrics → rows of the table, for the hours that they are of."""
    keys = ("resource_id", "hour")
    hourly = metrics.withColumn("hour", F.date_trunc("hour", "event_time"))
    described = hourly.groupBy(*keys).agg(
        F.max("cloud_provider").alias("cloud_provider"),
        F.max("cloud_region").alias("cloud_region"),
        F.max("resource_type").alias("resource_type"),
        F.max("host_name").alias("host_name"),
        F.sum(_network_bytes()).alias("network_bytes"),
        F.sum(F.when(F.col("metric").isin(*_REQUESTS), _amount())).alias("requests"),
    )
    used = _used(metrics)
    rows = described.join(used, list(keys), "left").withColumn(DAY, F.to_date("hour"))
    samples = {name: F.coalesce(name, F.lit(0).cast("bigint")) for name in ("cpu_samples", "memory_samples")}
    return rows.withColumns(samples).select(*TABLE.column_names)


def _used(metrics: DataFrame) -> DataFrame:
    """CPU and memory by resource and hour, in percent of all of it."""
    instance = F.coalesce(F.col("dimensions")["InstanceName"], F.col("dimensions")["instance"], F.lit(""))
    shares = utilisation(metrics.where(~F.rlike(instance, F.lit(_CORE)))).where("kind IN ('cpu', 'memory')")
    columns: list[Column] = []
    for kind in ("cpu", "memory"):
        percent = F.when(F.col("kind") == kind, F.col("percent"))
        columns += [
            F.count(percent).alias(f"{kind}_samples"),
            F.avg(percent).alias(f"{kind}_mean"),
            F.max(percent).alias(f"{kind}_max"),
            F.kll_sketch_agg_double(percent).alias(f"{kind}_sketch"),
        ]
    return shares.groupBy("resource_id", F.date_trunc("hour", "event_time").alias("hour")).agg(*columns)


def _network_bytes() -> Column:
    rate = F.when(F.contains(F.col("namespace"), F.lit("Disk")), None).otherwise(F.col("value"))
    seconds = F.coalesce("interval_seconds", F.lit(_MINUTE))
    return F.when(F.col("metric").isin(*_BYTES), _amount()).when(F.col("metric").isin(*_BYTE_RATES), rate * seconds)


def _amount() -> Column:
    """The sum over the interval, which senders give as the total, or as a value that is it."""
    return F.coalesce("total", "value")


def _rows(silver: Silver) -> DataFrame:
    return usage_hourly(silver.of_days(METRICS))


DAILY = DailyTable(TABLE, (Source(METRICS),), _rows)

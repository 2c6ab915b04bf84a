"""Azure Log Analytics data export, table Perf: performance counters, far the most of what it exports.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/perf
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics import SHARED, as_map, resource_of, source_of, table_of
from pipelines.sources.azure.log_analytics_rows import is_row_of
from pipelines.sources.envelope import first_flat
from pipelines.sources.family import Decoded, Family, Loose, strings
from pipelines.sources.reading.values import finite, is_infinite, to_number, to_time
from pipelines.sources.reading.variant import text

# Documented columns that have none of their own in silver.
_ATTRIBUTES = ("TenantId", "SourceSystem", "CounterPath", "_Internal_WorkspaceResourceId")
# Those that few rows have, if any.
_RARE = (
    "Min", "Max", "SampleCount", "StandardDeviation", "BucketStartTime", "BucketEndTime", "MG", "ManagementGroupName",
    "_SubscriptionId", "_BilledSize", "_IsBillable",
)  # fmt: skip
_TEXTS = strings(*SHARED, "ObjectName", "CounterName", "InstanceName", *_ATTRIBUTES, *_RARE)


def decode(record: Column, topic: Column) -> Decoded:
    table, counter, instance = table_of(record, topic), record["CounterName"], record["InstanceName"]
    return Decoded(
        table=F.when(table == "Perf", "metrics"),
        source=source_of(table),
        native_id=record["_ItemId"],
        event_time=to_time(record["TimeGenerated"]),
        resource_id=resource_of(record),
        host_name=F.lower(record["Computer"]),
        attributes=_attributes(record),
        namespace=record["ObjectName"],
        metric=counter,
        unit=_unit(counter),
        value=finite(record["CounterValue"]),
        dimensions=F.when(instance != "", F.create_map(F.lit("instance"), instance)),
        content=F.when(is_infinite(record["CounterValue"]), "too large a number"),
        reason=F.when(F.coalesce(table != "Perf", F.expr("true")), "unsupported_table"),
    )


def _attributes(record: Column) -> Column:
    # A lambda, so only for rows that need it.
    has_rare = F.coalesce(*(record[name] for name in _RARE)).isNotNull()
    everything = F.map_filter(as_map(record, (*_ATTRIBUTES, *_RARE)), lambda _, text: text.isNotNull())
    return F.when(has_rare, everything).otherwise(as_map(record, _ATTRIBUTES))


def _unit(counter: Column) -> Column:
    """The unit a Windows or Linux counter carries in its name, in UCUM; null where the name does not tell."""
    return (
        F.when(F.contains(counter, F.lit("%")), "%")
        .when(F.contains(counter, F.lit("MBytes")) | F.contains(counter, F.lit("Megabytes")), "MBy")
        .when(F.endswith(counter, F.lit("Bytes/sec")), "By/s")
        .when(F.endswith(counter, F.lit("/sec")), "1/s")
    )


def _tighten(loose: Column) -> dict[str, Column]:
    return {"CounterValue": to_number(loose["CounterValue"])}


def _unreadable(loose: Column) -> Column:
    text = loose["CounterValue"]
    return (text != "") & to_number(text).isNull()


def claims(record: Column, topic: Column) -> Column:
    return text(record, "CounterName").isNotNull() | is_row_of("Perf")(record, topic)


FAMILY = Family(
    "azure.log_analytics.perf",
    "CounterName",
    "CounterName",
    f"{_TEXTS}, CounterValue: double",
    decode,
    claims,
    Loose(_tighten, _unreadable),
    first=first_flat,
)

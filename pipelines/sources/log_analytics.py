"""Azure Log Analytics data export (`am-<Table>`): rows of Heartbeat and Perf.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/heartbeat and …/perf. Null columns are left
out of an exported row; `_ItemId` names a row, but only together with its table and content.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.family import Decoded, Family, strings
from pipelines.sources.values import to_number, to_time

_SHARED = ("Type", "TimeGenerated", "Computer", "_ItemId", "_ResourceId", "ResourceId")
_PERF = ("ObjectName", "CounterName", "InstanceName", "CounterValue")
_HEARTBEAT = ("Version", "OSType", "OSName", "OSMajorVersion", "OSMinorVersion")
# Documented columns that have none of their own in silver.
_PERF_ATTRIBUTES = ("TenantId", "SourceSystem", "CounterPath", "_Internal_WorkspaceResourceId")
_HEARTBEAT_ATTRIBUTES = (
    "TenantId", "SourceSystem", "_Internal_WorkspaceResourceId", "Category", "ComputerEnvironment", "ComputerIP",
    "ComputerPrivateIPs", "IsGatewayInstalled", "ManagementGroupName", "MG", "RemoteIPCountry", "RemoteIPLatitude",
    "RemoteIPLongitude", "Resource", "ResourceGroup", "ResourceProvider", "ResourceType", "SCAgentChannel", "Solutions",
    "SourceComputerId", "SubscriptionId", "VMUUID",
)  # fmt: skip
_MEMBERS = dict.fromkeys((*_SHARED, *_PERF, *_HEARTBEAT, *_PERF_ATTRIBUTES, *_HEARTBEAT_ATTRIBUTES))


def decode(record: Column, topic: Column) -> Decoded:
    table = F.coalesce(record["Type"], F.regexp_extract(topic, r"^am-(\w+)", 1))
    is_perf = table == "Perf"
    value, instance = to_number(record["CounterValue"]), record["InstanceName"]
    heartbeat_attributes = F.map_filter(_as_map(record, _HEARTBEAT_ATTRIBUTES), lambda _, text: text.isNotNull())
    return Decoded(
        table=F.when(is_perf, "metrics").when(table == "Heartbeat", "heartbeats"),
        source=F.concat(F.lit("azure.log_analytics."), F.lower(table)),
        native_id=record["_ItemId"],
        event_time=to_time(record["TimeGenerated"]),
        # A machine that Azure does not manage has no resource id; its host name is what identifies it.
        resource_id=F.lower(F.coalesce(record["_ResourceId"], record["ResourceId"], record["Computer"])),
        host_name=F.lower(record["Computer"]),
        attributes=F.when(is_perf, _as_map(record, _PERF_ATTRIBUTES)).otherwise(heartbeat_attributes),
        namespace=record["ObjectName"],
        metric=record["CounterName"],
        unit=F.when(is_perf, _unit(record["CounterName"])),
        value=value,
        dimensions=F.when(is_perf & (instance != ""), F.create_map(F.lit("instance"), instance)),
        agent_version=record["Version"],
        os_type=record["OSType"],
        os_name=record["OSName"],
        os_version=F.nullif(F.concat_ws(".", record["OSMajorVersion"], record["OSMinorVersion"]), F.lit("")),
        content=F.coalesce(record["CounterValue"], record["Version"]),
        reason=F.when(F.coalesce(~table.isin("Perf", "Heartbeat"), F.expr("true")), "unsupported_table")
        .when(is_perf & (F.coalesce(record["CounterValue"], F.lit("")) == ""), "no_value")
        .when(is_perf & value.isNull(), "bad_value"),
    )


def _as_map(record: Column, members: tuple[str, ...]) -> Column:
    return F.create_map(*(part for member in members for part in (F.lit(member), record[member])))


def _unit(counter: Column) -> Column:
    """The unit a Windows or Linux counter carries in its name, in UCUM; null where the name does not tell."""
    return (
        F.when(F.contains(counter, F.lit("%")), "%")
        .when(F.contains(counter, F.lit("MBytes")) | F.contains(counter, F.lit("Megabytes")), "MBy")
        .when(F.endswith(counter, F.lit("Bytes/sec")), "By/s")
        .when(F.endswith(counter, F.lit("/sec")), "1/s")
    )


FAMILY = Family("azure.log_analytics", "TimeGenerated", f"struct<{strings(*_MEMBERS)}>", decode)

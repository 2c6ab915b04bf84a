"""Azure Log Analytics data export (`am-<Table>`): what the rows of all its tables share, and the rows of Heartbeat.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/heartbeat. Null columns are left out of an
exported row; `_ItemId` names a row, but only together with its table and content.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.log_analytics_rows import is_row_of
from pipelines.sources.envelope import first_flat
from pipelines.sources.family import Decoded, Family, strings
from pipelines.sources.reading.values import to_time

SHARED = ("Type", "TimeGenerated", "Computer", "_ItemId", "_ResourceId", "ResourceId")
_HEARTBEAT = ("Version", "OSType", "OSName", "OSMajorVersion", "OSMinorVersion")
# Documented columns that have none of their own in silver.
_ATTRIBUTES = (
    "TenantId", "SourceSystem", "_Internal_WorkspaceResourceId", "Category", "ComputerEnvironment", "ComputerIP",
    "ComputerPrivateIPs", "IsGatewayInstalled", "ManagementGroupName", "MG", "RemoteIPCountry", "RemoteIPLatitude",
    "RemoteIPLongitude", "Resource", "ResourceGroup", "ResourceProvider", "ResourceType", "SCAgentChannel", "Solutions",
    "SourceComputerId", "SubscriptionId", "VMUUID", "_SubscriptionId", "_BilledSize", "_IsBillable",
)  # fmt: skip


def decode(record: Column, topic: Column) -> Decoded:
    table = table_of(record, topic)
    return Decoded(
        table=F.when(table == "Heartbeat", "heartbeats"),
        source=source_of(table),
        native_id=record["_ItemId"],
        event_time=to_time(record["TimeGenerated"]),
        resource_id=resource_of(record),
        host_name=F.lower(record["Computer"]),
        attributes=F.map_filter(as_map(record, _ATTRIBUTES), lambda _, text: text.isNotNull()),
        agent_version=record["Version"],
        os_type=record["OSType"],
        os_name=record["OSName"],
        os_version=F.nullif(F.concat_ws(".", record["OSMajorVersion"], record["OSMinorVersion"]), F.lit("")),
        content=record["Version"],
        reason=F.when(F.coalesce(table != "Heartbeat", F.expr("true")), "unsupported_table"),
    )


def table_of(record: Column, topic: Column) -> Column:
    """The table that a row belongs to, as Log Analytics names it; `Type` is left out of some exports."""
    return F.coalesce(record["Type"], F.regexp_extract(topic, r"^am-(\w+)", 1))


def source_of(table: Column) -> Column:
    return F.concat(F.lit("azure.log_analytics."), F.lower(table))


def resource_of(record: Column) -> Column:
    """A machine that Azure does not manage has no resource id; its host name is what identifies it."""
    return F.lower(F.coalesce(record["_ResourceId"], record["ResourceId"], record["Computer"]))


def as_map(record: Column, members: tuple[str, ...]) -> Column:
    return F.create_map(*(part for member in members for part in (F.lit(member), record[member])))


FAMILY = Family(
    "azure.log_analytics",
    "TimeGenerated",
    "Type",
    strings(*SHARED, *_HEARTBEAT, *_ATTRIBUTES),
    decode,
    is_row_of("Heartbeat"),
    only="Heartbeat",
    first=first_flat,
)

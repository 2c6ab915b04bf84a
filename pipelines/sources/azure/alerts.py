"""Azure Monitor alerts, as an action group sends them to Event Hubs: by the common schema or that of metric alerts.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema and …/alerts-non-common-schema-definitions.
An alert on the activity log has its event in it, which goes the way of all its events.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure import activity as azure_activity
from pipelines.sources.azure.resource_ids import resource_type
from pipelines.sources.reading.times import to_time_of_any_format
from pipelines.sources.reading.variant import elements, member, merged, once, rest, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

_ESSENTIALS, _CONTEXT = "data.essentials", "data.context"
_ACTIVITY = "data.context.activityLog"


def claims(record: Column, topic: Column) -> Column:
    is_alert = member(record, f"{_ESSENTIALS}.alertId", f"{_ESSENTIALS}.alertRule").isNotNull()
    is_metric_alert = word(record, "schemaId") == "AzureMonitorMetricAlert"
    return is_alert | (is_metric_alert & member(record, _CONTEXT).isNotNull())


def claims_activity(record: Column, topic: Column) -> Column:
    return member(record, "schemaId").isNotNull() & member(record, f"{_ACTIVITY}.operationName").isNotNull()


def activity_of(record: Column) -> Column:
    return F.array(member(record, _ACTIVITY))


def decode_activity(record: Column, part: Column, topic: Column) -> Event:
    return azure_activity.decode(part, part, topic)


def decode(record: Column, part: Column, topic: Column) -> Event:
    said = F.coalesce(member(record, _ESSENTIALS), member(record, _CONTEXT))
    state = F.coalesce(word(said, "monitorCondition"), word(record, "data.status"))
    when = F.coalesce(
        F.when(F.lower(state) == "resolved", word(said, "resolvedDateTime")), word(said, "firedDateTime", "timestamp")
    )
    # What it watches is missing from alerts of some services; its own id is in the subscription in any case.
    targets = F.coalesce(elements(said, "alertTargetIDs"), F.array().cast("array<variant>"))
    alert = word(said, "alertId", "id")
    resource = F.lower(F.coalesce(F.try_variant_get(F.get(targets, 0), "$", "string"), word(said, "resourceId"), alert))
    used = ("monitorCondition", "severity", "alertId", "id", "resourceId")
    return Event(
        source=F.lit("azure.alert"),
        native_id=alert,
        event_time=once(when, to_time_of_any_format),
        cloud_provider=F.lit("azure"),
        resource_id=resource,
        resource_type=resource_type(resource),
        category=F.lit("alert"),
        action=state,
        reason=word(said, "alertRule", "name"),
        message=word(said, "description", "alertRule", "name"),
        severity_text=word(said, "severity"),
        attributes=merged(
            rest(record, "schemaId", "data"),
            rest(member(record, "data"), "essentials", "context", "status"),
            rest(said, *used),
        ),
    )


FAMILIES = (
    RecordFamily("azure.activity_log_alert", claims_activity, Event, decode_activity, parts=activity_of),
    RecordFamily("azure.alert", claims, Event, decode),
)

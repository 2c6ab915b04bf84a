"""Azure Monitor alerts, as an action group sends them to Event Hubs: by the common schema, or one of those before it.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema and …/alerts-non-common-schema-definitions.
An alert on the activity log has its event in it, which goes the way of all its events.
"""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure import activity as azure_activity
from pipelines.sources.azure.resource_ids import has, resource_type
from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.times import to_time_of_any_format
from pipelines.sources.reading.variant import elements, member, merged, rest, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

_ESSENTIALS, _CONTEXT = "data.essentials", "data.context"
_ACTIVITY = "data.context.activityLog"
_USED = ("monitorCondition", "severity", "alertId", "id", "resourceId", "Severity", "ResourceId")


def claims(record: Column, topic: Column) -> Column:
    is_alert = member(record, f"{_ESSENTIALS}.alertId", f"{_ESSENTIALS}.alertRule").isNotNull()
    is_metric_alert = word(record, "schemaId") == "AzureMonitorMetricAlert"
    is_classic = has(record, "context.conditionType") & has(record, "context.resourceId") & has(record, "status")
    is_other = (is_metric_alert & has(record, _CONTEXT)) | is_classic
    return is_alert | F.coalesce(is_other, F.lit(0) == 1) | _is_log_alert(record)


def claims_activity(record: Column, topic: Column) -> Column:
    return member(record, "schemaId").isNotNull() & member(record, f"{_ACTIVITY}.operationName").isNotNull()


def activity_of(record: Column) -> Column:
    return F.array(member(record, _ACTIVITY))


def decode_activity(record: Column, part: Column, topic: Column) -> Event:
    """The event, and under names of its own what the alert says of itself."""
    event = azure_activity.decode(part, part, topic)
    of_alert = merged(rest(record, "data"), rest(member(record, "data"), "context"))
    named = F.transform_keys(of_alert, lambda name, _: F.concat(F.lit("alert."), name))
    known = (named,) if event.attributes is None else (event.attributes, named)
    return replace(event, attributes=merged(*known))


def decode(record: Column, part: Column, topic: Column) -> Event:
    """An alert of whatever schema: what it says stands in `data`, or, of a classic metric alert, in the record."""
    data = F.coalesce(member(record, "data"), record)
    said = F.coalesce(member(data, "essentials"), member(data, "context"), data)
    state = F.coalesce(word(said, "monitorCondition"), word(data, "status"), F.when(_is_log_alert(record), "Fired"))
    when = F.coalesce(
        F.when(F.lower(state) == "resolved", word(said, "resolvedDateTime")),
        word(said, "firedDateTime", "timestamp", "SearchIntervalEndtimeUtc"),
    )
    # What it watches is missing from alerts of some services; its own id is in the subscription in any case.
    targets = F.coalesce(elements(said, "alertTargetIDs"), F.array().cast("array<variant>"))
    alert, name = word(said, "alertId", "id"), word(said, "alertRule", "name", "AlertRuleName")
    target = F.try_variant_get(F.get(targets, 0), "$", "string")
    subscription = F.concat(F.lit("/subscriptions/"), word(said, "SubscriptionId"))
    resource = F.lower(F.coalesce(target, word(said, "resourceId", "ResourceId"), alert, subscription))
    return Event(
        source=F.lit("azure.alert"),
        native_id=alert,
        event_time=once(when, to_time_of_any_format),
        cloud_provider=F.lit("azure"),
        resource_id=resource,
        resource_type=resource_type(resource),
        category=F.lit("alert"),
        action=state,
        reason=name,
        message=F.coalesce(word(said, "description", "Description"), name),
        severity_text=word(said, "severity", "Severity"),
        attributes=merged(
            rest(record, "data", "context", "status"),
            rest(member(record, "data"), "essentials", "context", "status", *_USED),
            rest(said, *_USED, "context", "status"),
        ),
    )


def _is_log_alert(record: Column) -> Column:
    return F.coalesce(word(record, "schemaId") == "Microsoft.Insights/LogAlert", F.lit(0) == 1) & has(record, "data")


FAMILIES = (
    RecordFamily("azure.activity_log_alert", claims_activity, Event, decode_activity, parts=activity_of),
    RecordFamily("azure.alert", claims, Event, decode),
)

"""Azure resource logs and the logs of Entra ID, as diagnostic settings send them to Event Hubs.

https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs-schema. The frame is common (`category`,
`operationName`, `resourceId`), all else is each service's own: `properties` is an object, JSON text, or text that looks
like JSON with single quotes; the time goes by many names; `Level` and `level` may stand side by side.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.resource_ids import (
    RESOURCE_IDS,
    TIMES,
    has,
    place,
    place_taken,
    resource_id,
    tenant,
    time_of,
)
from pipelines.sources.reading.hoist import kept
from pipelines.sources.reading.severities import event_level_word, severity_number
from pipelines.sources.reading.variant import kept_json, left_over, members, merged, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log

_CATEGORIES = ("category", "Category", "LogCategory", "logCategory")
_OPERATIONS = ("operationName", "OperationName", "EventName", "eventName", "ActivityName", "TaskName")
_LEVELS = ("level", "severity", "severityLevel", "Level", "Severity", "SeverityLevel")
_HOSTS = ("Host", "host", "Computer", "hostname", "Hostname", "HostName")
_DETAILS = ("properties", "Properties", "EventProperties", "eventProperties", "flowRecords")
_MESSAGES = ("message", "Message", "msg", "Msg", "log", "Log", "logMessage", "LogMessage")
_DESCRIPTIONS = ("resultDescription", "ResultDescription")
_ERRORS = ("errorMessage", "ErrorMessage", "description", "Description")
_TOLD: tuple[str, ...] = (*_MESSAGES, *_DESCRIPTIONS, *_ERRORS)


def claims(record: Column, topic: Column) -> Column:
    """`TimeGenerated` is of a row of Log Analytics, which is its table's."""
    is_placed, is_named = has(record, *RESOURCE_IDS), has(record, "operationName", "OperationName")
    by_topic = F.startswith(topic, F.lit("insights-")) & has(record, *TIMES)
    framed = has(record, *_CATEGORIES) & (is_placed | is_named | by_topic)
    return (framed | (is_placed & is_named & has(record, *TIMES))) & ~has(record, "TimeGenerated")


def decode(record: Column, part: Column, topic: Column) -> Log:
    category, host = word(record, *_CATEGORIES), word(record, *_HOSTS)
    said = kept(_said(record, kept(word(record, *_DETAILS))))
    resource = F.coalesce(resource_id(record), tenant(record))
    taken = place_taken(record, resource) | {
        names: word(record, *names) for names in (TIMES, _CATEGORIES, _LEVELS, _HOSTS)
    }
    return Log(
        **place(record, resource),
        source=F.lit("azure.resource_logs"),
        event_time=time_of(record),
        host_name=F.lower(host),
        logger=category,
        severity_text=said["severity"],
        severity_number=severity_number(said["severity"]),
        message=said["message"],
        attributes=_attributes(record, said, taken),
    )


def _said(record: Column, text: Column) -> Column:
    """What is told by the record or by its details: `message`, `severity`, and `others`, the details beside them."""
    value = kept_json(text)
    told = F.coalesce(
        word(value, *_MESSAGES),
        word(record, *_MESSAGES, *_DESCRIPTIONS),
        word(value, *_DESCRIPTIONS, *_ERRORS),
        word(record, *_ERRORS),
    )
    # Most services write no sentence: what they say is in the details, which are the message then.
    body = F.when(~text.isin("{}", "[]"), text)
    level = F.coalesce(word(record, *_LEVELS), word(value, *_LEVELS))
    return F.struct(
        F.coalesce(told, body, word(record, *_OPERATIONS), word(record, *_CATEGORIES)).alias("message"),
        event_level_word(level).alias("severity"),
        F.when(told.isNotNull(), value).alias("others"),
        F.when(told.isNull() | members(value).isNotNull(), text).alias("read"),
    )


def _attributes(record: Column, said: Column, taken: dict[tuple[str, ...], Column]) -> Column:
    """The details have their names with `properties.` before them, as some are the same as the record's."""
    told = {_TOLD: said["message"]}
    others = F.transform_keys(left_over(said["others"], told), lambda name, _: F.concat(F.lit("properties."), name))
    return merged(left_over(record, taken | told | {_DETAILS: said["read"]}), others)


FAMILIES = (RecordFamily("azure.resource_logs", claims, Log, decode),)

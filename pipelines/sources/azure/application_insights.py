"""Application Insights: the rows of its tables, by a diagnostic setting (`time`) or a data export (`TimeGenerated`).

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/apptraces, …/apprequests, …/appmetrics
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.azure.resource_ids import RESOURCE_IDS, place, resource_id, time_of
from pipelines.sources.reading.severities import severity_number
from pipelines.sources.reading.values import finite, to_number
from pipelines.sources.reading.variant import left_over, member, members, none_if_empty, parse_whole, rest, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log, Metric

_LOGS = (
    "AppTraces", "AppExceptions", "AppRequests", "AppDependencies", "AppEvents", "AppPageViews", "AppBrowserTimings",
    "AppAvailabilityResults", "AppSystemEvents",
)  # fmt: skip
_METRICS = ("AppMetrics", "AppPerformanceCounters")
_USED = ("Type", "time", "TimeGenerated", "_ItemId", *RESOURCE_IDS)
# What a row of one table or another says, and what of it is its text.
_MESSAGES: tuple[str, ...] = (
    "Message", "OuterMessage", "InnermostMessage", "ExceptionType", "ProblemId", "Name", "Url",
)  # fmt: skip
_LEVELS = ("Verbose", "Information", "Warning", "Error", "Critical")


def is_table_of(tables: tuple[str, ...]) -> Callable[[Column, Column], Column]:
    """Whether a record is a row of one of the tables; told by `Type` alone, or by the topic of an export."""

    def claims(record: Column, topic: Column) -> Column:
        named = F.coalesce(word(record, "Type"), F.regexp_extract(topic, r"^(?:am|insights-logs)-(\w+)", 1))
        is_timed = member(record, "time", "TimeGenerated").isNotNull()
        return is_timed & F.lower(named).isin(*(table.lower() for table in tables))

    return claims


def decode_log(record: Column, part: Column, topic: Column) -> Log:
    level = word(record, "SeverityLevel")
    word_of_level = F.coalesce(
        F.get(F.array(*map(F.lit, _LEVELS)), F.when(F.rlike(level, F.lit("^[0-4]$")), level.try_cast("int"))), level
    )
    message = word(record, *_MESSAGES)
    resource = resource_id(record)
    return Log(
        **place(record, resource),
        source=_source(record),
        native_id=word(record, "_ItemId"),
        event_time=time_of(record),
        host_name=F.lower(word(record, "AppRoleInstance")),
        logger=word(record, "AppRoleName"),
        severity_text=word_of_level,
        severity_number=severity_number(word_of_level),
        message=message,
        trace_id=_hexadecimal(word(record, "OperationId"), 32),
        span_id=_hexadecimal(word(record, "Id", "ParentId"), 16),
        attributes=left_over(
            record,
            {_MESSAGES: message},
            *(*_USED, "AppRoleInstance", "AppRoleName", "SeverityLevel"),
        ),
    )


def decode_metric(record: Column, part: Column, topic: Column) -> Metric:
    given = {name: word(record, name) for name in ("Value", "Sum", "Min", "Max", "ItemCount")}
    numbers = {name: finite(to_number(said)) for name, said in given.items()}
    average = F.coalesce(F.when(numbers["ItemCount"] > 0, numbers["Sum"] / numbers["ItemCount"]), numbers["Sum"])
    bad = [F.when(said.isNotNull() & numbers[name].isNull(), "bad_value") for name, said in given.items()]
    resource = resource_id(record)
    return Metric(
        **place(record, resource),
        source=_source(record),
        native_id=word(record, "_ItemId"),
        event_time=time_of(record),
        host_name=F.lower(word(record, "AppRoleInstance")),
        namespace=F.coalesce(word(record, "Category"), F.lit("microsoft.insights/components")),
        metric=word(record, "Name", "Counter"),
        value=F.coalesce(numbers["Value"], average),
        minimum=numbers["Min"],
        maximum=numbers["Max"],
        total=numbers["Sum"],
        sample_count=numbers["ItemCount"],
        dimensions=_dimensions(record),
        attributes=rest(record, *_USED, *given, "Name", "Category", "Properties", *_LABELS),
        unusable=F.coalesce(*bad),
    )


_LABELS = ("AppRoleName", "AppRoleInstance", "Instance")


def _dimensions(record: Column) -> Column:
    """The measuring role and the custom properties, which the application itself tells its series apart by."""
    custom = F.coalesce(members(record, "Properties"), members(parse_whole(text(record, "Properties"))))
    labels = F.create_map(*(side for name in _LABELS for side in (F.lit(name), word(record, name))))
    both = F.map_concat(F.coalesce(F.map_filter(custom, lambda name, _: ~name.isin(*_LABELS)), _empty()), labels)
    return none_if_empty(F.map_filter(both, lambda _, value: value.isNotNull()))


def _empty() -> Column:
    return F.create_map().cast("map<string,string>")


def _source(record: Column) -> Column:
    return F.concat(F.lit("azure.application_insights."), F.lower(word(record, "Type")))


def _hexadecimal(text_: Column, length: int) -> Column:
    """An id in the old form of Application Insights is none of OpenTelemetry's."""
    return F.when(F.rlike(text_, F.lit(f"^[0-9a-fA-F]{{{length}}}$")), F.lower(text_))


FAMILIES = (
    RecordFamily("azure.application_insights_logs", is_table_of(_LOGS), Log, decode_log),
    RecordFamily("azure.application_insights_metrics", is_table_of(_METRICS), Metric, decode_metric),
)

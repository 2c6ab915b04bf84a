"""OTLP JSON logs, as the OpenTelemetry Collector's Kafka exporter sends them (encoding otlp_json): a row a log record.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.otlp.resources import cloud, host_name, resource_id, resource_type
from pipelines.sources.otlp.tree import Names, described, is_tree, leaves_of, no_object
from pipelines.sources.otlp.values import any_value, attributes_of, beside, hexadecimal, nanos
from pipelines.sources.reading.severities import severity_number
from pipelines.sources.reading.variant import member, members, merged, rest, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Log

_NAMES = Names(
    resources=("resourceLogs", "resource_logs"),
    scopes=("scopeLogs", "scope_logs", "instrumentationLibraryLogs", "instrumentation_library_logs"),
    leaves=("logRecords", "log_records", "logs"),
)
_TIME = ("timeUnixNano", "time_unix_nano")
_OBSERVED = ("observedTimeUnixNano", "observed_time_unix_nano")
_SEVERITY = ("severityNumber", "severity_number")
_SEVERITY_TEXT = ("severityText", "severity_text")
_TRACE, _SPAN = ("traceId", "trace_id"), ("spanId", "span_id")
_EVENT_NAME = ("eventName", "event_name")
# SEVERITY_NUMBER_INFO2 is the second of its four.
_ENUMERATOR = r"^SEVERITY_NUMBER_([A-Z]+)([2-4]?)$"


def is_logs(record: Column, topic: Column) -> Column:
    return is_tree(record, _NAMES)


def log_records(record: Column) -> Column:
    def part(one: Column) -> Column:
        own, body = attributes_of(one["leaf"]), any_value(member(one["leaf"], "body"))
        return F.to_variant_object(
            F.struct(
                *described(one),
                one["leaf"].alias("log"),
                F.coalesce(one["misshapen"], no_object(one["leaf"])).alias("misshapen"),
                own.alias("own"),
                body.alias("body"),
            )
        )

    return F.transform(leaves_of(record, _NAMES), part)


def decode(record: Column, part: Column, topic: Column) -> Log:
    log = member(part, "log")
    resource = F.coalesce(members(part, "resource"), F.create_map().cast("map<string,string>"))
    scope, own = members(part, "scope"), members(part, "own")
    severity, number = word(log, *_SEVERITY_TEXT), _number(text(log, *_SEVERITY))
    trace, span = hexadecimal(word(log, *_TRACE), 32), hexadecimal(word(log, *_SPAN), 16)
    misshapen = member(part, "misshapen")
    return Log(
        source=F.lit("otlp.logs"),
        native_id=own["log.record.uid"],
        event_time=F.coalesce(nanos(log, *_TIME), nanos(log, *_OBSERVED)),
        resource_id=resource_id(resource),
        resource_type=resource_type(resource),
        host_name=host_name(resource),
        **cloud(resource),
        severity_text=severity,
        severity_number=F.coalesce(number, severity_number(severity)),
        logger=F.coalesce(F.nullif(scope["otel.scope.name"], F.lit("")), own["logger.name"], resource["service.name"]),
        message=_message(text(part, "body"), log, own),
        trace_id=trace,
        span_id=span,
        attributes=merged(
            members(part, "besides"),
            scope,
            beside(resource, own),
            rest(log, "body", "attributes", *_TIME, *_SEVERITY_TEXT, *_SEVERITY, *_TRACE, *_SPAN),
            _unless_read(log, _SEVERITY, number),
            _unless_read(log, _TRACE, trace),
            _unless_read(log, _SPAN, span),
        ),
        unusable=F.when(misshapen.isNotNull(), "wrong_shape"),
        ignored=F.when(misshapen.isNull() & log.isNull(), "empty_records"),
    )


def _message(body: Column, log: Column, own: Column) -> Column:
    """Both body and attributes may be left out: an event has a name, and a record may be all attributes."""
    said = F.coalesce(body, word(log, *_EVENT_NAME), own["event.name"])
    says_something = (F.size(own) > 0) | member(log, "body").isNotNull()
    return F.coalesce(said, F.when(says_something, ""))


def _number(written: Column) -> Column:
    """1 to 24, or its name in protobuf; 0, which means that it is not known, is null."""
    word_, place = (F.regexp_extract(written, _ENUMERATOR, group) for group in (1, 2))
    named = severity_number(word_) + F.coalesce(place.try_cast("int"), F.lit(1)) - 1
    number = written.try_cast("int")
    return F.coalesce(F.when(number.between(1, 24), number), named)


def _unless_read(log: Column, names: tuple[str, ...], read: Column) -> Column:
    """The member as it was sent, where what it says has not found its way into a column."""
    sent = F.nullif(word(log, *names), F.lit("0"))
    return F.when(read.isNull() & sent.isNotNull(), F.create_map(F.lit(names[0]), sent))


FAMILIES = (RecordFamily("otlp.logs", is_logs, Log, decode, parts=log_records),)

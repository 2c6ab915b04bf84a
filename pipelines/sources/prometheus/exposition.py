"""Prometheus' text format and OpenMetrics, as a node exporter serves a scrape: one text of many samples, a row each.

https://prometheus.io/docs/instrumenting/exposition_formats/
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
A sample without a time was taken when it was sent. A scrape does not name its target; a node exporter's does, in
`node_uname_info`. Without that, and without a label `instance`, all that is known of the target is its Kafka topic.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.lines import SEPARATOR, text_of
from pipelines.sources.reading.times import epoch_to_time
from pipelines.sources.reading.values import to_number
from pipelines.sources.reading.variant import member, members, none_if_empty, pairs, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_LABEL = rf"\s*([a-zA-Z_][a-zA-Z0-9_.]*|{_QUOTED})\s*=\s*({_QUOTED})\s*"
_LABELS = rf"\{{(?:{_LABEL},?)*+\s*\}}"
_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?i:nan|inf(?:inity)?)"
# name {labels} value time # {exemplar} …
_SAMPLE = rf"^[ \t]*({_NAME})\s*({_LABELS})?\s*(?<=[\s}}])({_NUMBER})(?:\s+(-?\d+(?:\.\d+)?))?(?:\s+#\s+(\S.*))?\s*$"
_KINDS = "counter|gauge|histogram|summary|untyped|unknown|info|stateset|gaugehistogram"
_COMMENTED = rf"(?m)^[ \t]*#\s+TYPE\s+{_NAME}\s+(?:{_KINDS})[ \t\r]*$"
_LABELLED = rf"(?m)^[ \t]*{_NAME}{_LABELS}\s+(?:{_NUMBER})(?:\s+-?\d+(?:\.\d+)?)?\s*$"
_TYPED = rf"(?m)^[ \t]*#\s+TYPE\s+({_NAME})\s+(\w+)"
_HELPED = rf"(?m)^[ \t]*#\s+HELP\s+({_NAME})[ \t]+([^\r\n]+)"
_UNITED = rf"(?m)^[ \t]*#\s+UNIT\s+({_NAME})\s+(\S+)"
_NODE = r'(?m)^[ \t]*node_uname_info\{[^}]*?\bnodename="([^"]+)"'
_COMMENTS = {"types": _TYPED, "helps": _HELPED, "units": _UNITED}
_ONLY_COMMENTS = r"^(?:\s*#\s*(?:HELP|TYPE|UNIT|EOF)\b[^\n]*+(?:\n|$))++\s*$"
# What is counted has no unit, whatever that of the metric is.
_COUNTS = r"_(?:bucket|count|gcount)$"
# What the samples of one metric are called, behind its name.
_SUFFIXES = r"_(?:bucket|sum|count|total|created|info|gsum|gcount)$"


def is_scrape(record: Column, topic: Column) -> Column:
    """By a comment on a metric's type, or by a sample with labels: `name value` alone could be anything."""
    content = text_of(record)
    is_of_exporter = F.rlike(topic, F.lit("(?i)prometheus|exporter|openmetrics"))
    is_hinted = is_of_exporter | F.contains(content, F.lit("# HELP "))
    is_sure = F.rlike(content, F.lit(_COMMENTED)) | F.rlike(content, F.lit(_LABELLED))
    # A comment alone, of a scrape that was sent line by line.
    is_comment = is_of_exporter & F.rlike(content, F.lit(_ONLY_COMMENTS))
    has_sample = is_hinted & F.rlike(content, F.lit(f"(?m){_SAMPLE}"))
    return F.coalesce(is_sure | is_comment | has_sample, F.lit(0) == 1)


def samples(record: Column) -> Column:
    """A part for each line that is no comment, with what the comments say of its metric."""
    content = text_of(record)
    lines = F.filter(F.split(content, r"\r?\n"), lambda line: ~F.rlike(line, F.lit(r"^\s*(#|$)")))
    said = F.struct(
        F.transform(lines, _fields).alias("lines"),
        F.nullif(F.regexp_extract(content, _NODE, 1), F.lit("")).alias("node"),
        *(_said(content, pattern).alias(name) for name, pattern in _COMMENTS.items()),
    )
    return once(said, lambda of: F.transform(of["lines"], lambda one: _part(one, of)))


def decode(record: Column, part: Column, topic: Column) -> Metric:
    labels = members(part, "labels")
    written, at = word(part, "value"), word(part, "time")
    instance = labels["instance"]
    node = F.coalesce(labels["node"], labels["nodename"], word(part, "node"))
    return Metric(
        source=F.lit("prometheus.exposition"),
        event_time=F.when(at.isNull(), F.col("kafka_timestamp")).otherwise(_time(at)),
        resource_id=F.coalesce(instance, word(part, "node"), topic),
        resource_type=F.lit("prometheus.target"),
        host_name=F.lower(F.coalesce(node, F.substring_index(instance, ":", 1))),
        namespace=F.lit("prometheus"),
        metric=word(part, "name"),
        unit=word(part, "unit"),
        value=to_number(written),
        dimensions=none_if_empty(labels),
        attributes=pairs(type=word(part, "type"), help=text(part, "help"), exemplar=word(part, "exemplar")),
        unusable=F.when(member(part, "line").isNotNull(), "malformed_line"),
        ignored=F.when(part.isNull(), "no_data_points"),
    )


def _said(content: Column, pattern: str) -> Column:
    """What the comments of one kind say → map by metric."""
    names, words = (F.regexp_extract_all(content, F.lit(pattern), F.lit(group)) for group in (1, 2))
    return F.map_from_arrays(names, F.transform(words, _unescaped))


def _fields(line: Column) -> Column:
    """Name, value, time, exemplar and labels; null for a line that is no sample. One match of it for all of them."""
    groups = F.regexp_replace(line, _SAMPLE, SEPARATOR.join(("$1", "$5", "$6", "$7", "$2")))
    fields = F.when(F.rlike(line, F.lit(_SAMPLE)), F.split(groups, SEPARATOR, 5))
    return F.struct(line.alias("line"), fields.alias("fields"))


def _part(one: Column, of: Column) -> Column:
    name, value, at, exemplar, labels = (F.get(one["fields"], place) for place in range(5))
    family = F.regexp_replace(name, _SUFFIXES, "")

    def said(kind: str) -> Column:
        return F.coalesce(of[kind][name], of[kind][family])

    return F.to_variant_object(
        F.struct(
            F.when(name.isNull(), one["line"]).alias("line"),
            name.alias("name"),
            _labels(labels).alias("labels"),
            value.alias("value"),
            at.alias("time"),
            exemplar.alias("exemplar"),
            said("types").alias("type"),
            said("helps").alias("help"),
            F.when(~F.rlike(name, F.lit(_COUNTS)), said("units")).alias("unit"),
            of["node"].alias("node"),
        )
    )


def _labels(written: Column) -> Column:
    names, values = (F.regexp_extract_all(written, F.lit(_LABEL), F.lit(group)) for group in (1, 2))
    return F.map_from_arrays(F.transform(names, _unquoted), F.transform(values, _unquoted))


def _unquoted(written: Column) -> Column:
    """Its text, without quotes and escapes. A name stands without quotes unless it has other signs in it."""
    inner = F.when(F.startswith(written, F.lit('"')), F.substring(written, F.lit(2), F.length(written) - 2))
    bare = F.coalesce(inner, written)
    return _unescaped(bare)


def _unescaped(written: Column) -> Column:
    with_breaks = F.regexp_replace(written, r"(?<!\\)((?:\\\\)*+)\\n", "$1\n")
    return F.when(F.contains(written, F.lit("\\")), F.regexp_replace(with_breaks, r'\\([\\"])', "$1")).otherwise(
        written
    )


def _time(written: Column) -> Column:
    """Milliseconds; OpenMetrics writes seconds, which have less digits. A small number is in milliseconds surely."""
    is_recent = F.rlike(written, F.lit(r"^\d{9,}"))
    early = F.timestamp_millis(F.when(F.length(written) < 12, written.try_cast("bigint")))
    return F.when(is_recent, epoch_to_time(written)).otherwise(early)


FAMILIES = (RecordFamily("prometheus.exposition", is_scrape, Metric, decode, parts=samples),)

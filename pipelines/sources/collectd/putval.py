"""collectd: the PUTVAL lines that write_kafka sends (Format Command).

https://www.collectd.org/documentation/manpages/collectd-unixsock.html#putval
A line has one value list or more, and each of those a value or more, of one time. U is a value that is not known.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.collectd.values import metric_name, whole_seconds
from pipelines.sources.reading.lines import SEPARATOR, lines_of, text_of
from pipelines.sources.reading.times import epoch_to_time
from pipelines.sources.reading.values import to_number
from pipelines.sources.reading.variant import number, pairs, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_FIELDS = ("host", "plugin", "plugin_instance", "type", "type_instance", "options")
# PUTVAL "host/plugin-instance/type-instance" interval=10.000 1234.567:0.1:0.2
_IS_PUTVAL = r'(?im)^\s*PUTVAL\s+(?:[^\s"/]+|"[^"/]+)/'
_PUTVAL = (
    r'(?i)^\s*PUTVAL\s+"?([^/"]+)/([^/"-]+)(?:-([^/"]*))?/([^/"\s-]+)(?:-([^"]*?))?"?'
    r'((?:\s+[A-Za-z_:.]+=(?:"[^"]*"|\S+))*+)((?:\s+(?:N|[0-9.]+)(?::[^\s:]+)++)++)\s*$'
)
# The names of the values of collectd's own types that have several (types.db), which a line does not tell.
_TYPES = {
    "load": ("shortterm", "midterm", "longterm"),
    **dict.fromkeys(
        ("if_octets", "if_packets", "if_errors", "if_dropped", "io_octets", "io_packets", "ib_octets", "ib_packets",
         "memcached_octets", "mysql_octets", "node_octets", "serial_octets"),
        ("rx", "tx"),
    ),
    **dict.fromkeys(
        ("disk_octets", "disk_ops", "disk_time", "disk_merged", "disk_latency", "io_ops", "ps_disk_octets",
         "ps_disk_ops", "arc_l2_bytes"),
        ("read", "write"),
    ),
    **dict.fromkeys(("vf_bytes", "vf_packets", "vf_dropped"), ("vf_rx", "vf_tx")),
    "disk_io_time": ("io_time", "weighted_io_time"),
    "df": ("used", "free"),
    "compression": ("uncompressed", "compressed"),
    "dns_octets": ("queries", "responses"),
    "domain_state": ("state", "reason"),
    "ps_count": ("processes", "threads"),
    "ps_cputime": ("user", "syst"),
    "ps_pagefaults": ("minflt", "majflt"),
    "smart_attribute": ("current", "worst", "threshold", "pretty"),
    "voltage_threshold": ("value", "threshold"),
    "vmpage_io": ("in", "out"),
    "vmpage_faults": ("minflt", "majflt"),
    "arc_counts": ("demand_data", "demand_metadata", "prefetch_data", "prefetch_metadata"),
    "arc_size": ("current", "target", "minlimit", "maxlimit"),
    "mysql_qcache": ("hits", "inserts", "not_cached", "lowmem_prunes", "queries_in_cache"),
    "mysql_threads": ("running", "connected", "cached", "created"),
}  # fmt: skip


def is_putval(record: Column, topic: Column) -> Column:
    return F.coalesce(F.rlike(text_of(record), F.lit(_IS_PUTVAL)), F.lit(0) == 1)


def values_of_lines(record: Column) -> Column:
    """A part for each value of each line; one without fields for a line that cannot be read."""

    def read(line: Column) -> Column:
        content = text_of(line)
        groups = F.regexp_replace(content, _PUTVAL, SEPARATOR.join(f"${group}" for group in range(1, 8)))
        fields = F.when(F.rlike(content, F.lit(_PUTVAL)), F.split(groups, SEPARATOR))
        lists = F.split(F.btrim(F.get(fields, 6)), r"\s+")
        return F.struct(content.alias("line"), fields.alias("fields"), lists.alias("lists"))

    def of_line(one: Column) -> Column:
        lists = F.coalesce(one["lists"], F.array(F.lit(None).cast("string")))
        return F.flatten(F.transform(lists, lambda of_time: _values_of_time(one, F.split(of_time, ":"))))

    return F.flatten(F.transform(F.transform(lines_of(record), read), of_line))


def decode_line(record: Column, part: Column, topic: Column) -> Metric:
    interval = F.regexp_extract(text(part, "options"), r'(?i)\binterval="?([0-9.]+)', 1).try_cast("double")
    written, host = text(part, "value"), F.lower(word(part, "host"))
    kind, at = word(part, "type"), word(part, "time")
    known = F.create_map(*(side for name, of in _TYPES.items() for side in (F.lit(name), F.array(*map(F.lit, of)))))
    place = number(part, "place").cast("int")
    name = F.when(number(part, "of") > 1, F.coalesce(F.get(known[kind], place), word(part, "place")))
    return Metric(
        source=F.lit("collectd"),
        event_time=F.when(F.upper(at) == "N", F.col("kafka_timestamp")).otherwise(epoch_to_time(at)),
        resource_id=host,
        resource_type=F.lit("host"),
        host_name=host,
        namespace=word(part, "plugin"),
        metric=metric_name(kind, name),
        value=to_number(written),
        interval_seconds=whole_seconds(interval),
        dimensions=pairs(plugin_instance=word(part, "plugin_instance"), type_instance=word(part, "type_instance")),
        attributes=pairs(options=F.nullif(F.btrim(text(part, "options")), F.lit(""))),
        unusable=F.when(host.isNull(), "malformed_line").when(
            to_number(written).isNull() & (F.upper(written) != "U"), "bad_value"
        ),
        ignored=F.when(F.upper(written).isin("U", "NAN"), "no_data_points"),
    )


def _values_of_time(one: Column, at_and_values: Column) -> Column:
    """`time:value:…` of a line, a part for each value. Of a line that cannot be read, one with the line."""
    values = F.slice(at_and_values, 2, F.size(at_and_values) - 1)

    def part(value: Column, place: Column) -> Column:
        fields = (F.get(one["fields"], index).alias(name) for index, name in enumerate(_FIELDS))
        at, of = F.get(at_and_values, 0).alias("time"), F.size(values).alias("of")
        line = F.when(one["fields"].isNull(), one["line"]).alias("line")
        return F.to_variant_object(F.struct(line, *fields, at, of, place.alias("place"), value.alias("value")))

    return F.transform(F.coalesce(values, F.array(F.lit(None).cast("string"))), part)


FAMILIES = (RecordFamily("collectd.putval", is_putval, Metric, decode_line, parts=values_of_lines),)

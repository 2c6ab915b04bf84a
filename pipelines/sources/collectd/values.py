"""collectd: the value lists that write_kafka (Format JSON) and write_http send.

https://www.collectd.org/documentation/manpages/collectd.conf.html#plugin-write_kafka
A value list has one value or more, of one time: `if_octets` has rx and tx. Each is a row. null is what collectd writes
for NaN, for a gauge that could not be read: nothing has been measured.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.times import epoch_to_time, to_time_of_any_format
from pipelines.sources.reading.values import to_number
from pipelines.sources.reading.variant import elements, member, merged, number, pairs, rest, text, word
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_IDENTITY = ("host", "plugin", "plugin_instance", "type", "type_instance")
_VALUES = ("values", "dsnames", "dstypes")


def is_value_list(record: Column, topic: Column) -> Column:
    is_identified = word(record, "plugin").isNotNull() & member(record, "host", "type").isNotNull()
    return is_identified & member(record, *_VALUES).isNotNull()


def values_of(record: Column) -> Column:
    """A part for each value: its place in the list, name and type. A list that is none makes no part."""
    names, types = elements(record, "dsnames"), elements(record, "dstypes")

    def part(value: Column, place: Column) -> Column:
        one = F.struct(
            value.alias("value"),
            F.size(elements(record, "values")).alias("of"),
            place.alias("place"),
            F.get(names, place).alias("name"),
            F.get(types, place).alias("type"),
        )
        return F.to_variant_object(one)

    return F.transform(elements(record, "values"), part)


def decode_value(record: Column, part: Column, topic: Column) -> Metric:
    written, interval = text(part, "value"), number(record, "interval")
    is_empty = F.size(elements(record, "values")) == 0
    is_unmeasured = part.isNotNull() & (member(part, "value").isNull() | F.isnan(to_number(written)))
    host, kind = F.lower(word(record, "host")), word(record, "type")
    name = F.coalesce(word(part, "name"), F.when(number(part, "of") > 1, word(part, "place")))
    return Metric(
        source=F.lit("collectd"),
        event_time=F.coalesce(epoch_to_time(word(record, "time")), to_time_of_any_format(word(record, "time"))),
        resource_id=host,
        resource_type=F.lit("host"),
        host_name=host,
        namespace=word(record, "plugin"),
        metric=metric_name(F.coalesce(kind, word(record, "plugin")), name),
        value=to_number(written),
        interval_seconds=whole_seconds(interval),
        dimensions=pairs(plugin_instance=word(record, "plugin_instance"), type_instance=word(record, "type_instance")),
        attributes=merged(rest(record, *_IDENTITY, *_VALUES, "time"), pairs(dstype=word(part, "type"))),
        unusable=F.when(part.isNull() & ~F.coalesce(is_empty, F.lit(0) == 1), "wrong_shape").when(
            written.isNotNull() & to_number(written).isNull(), "bad_value"
        ),
        ignored=F.when(is_empty | is_unmeasured, "no_data_points"),
    )


def metric_name(kind: Column, name: Column) -> Column:
    """The type and, where it has several values, the value's name: if_octets.rx. A single one is called `value`."""
    return F.concat_ws(".", kind, F.when(F.lower(name) != "value", name))


def whole_seconds(interval: Column) -> Column:
    """Null for a part of a second, which the column cannot say; it is in the attributes."""
    return F.when(interval == F.floor(interval), interval.try_cast("int"))


FAMILIES = (RecordFamily("collectd", is_value_list, Metric, decode_value, parts=values_of),)

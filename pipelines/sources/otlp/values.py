"""What OTLP JSON has in every signal: values of any kind, attributes, times, ids.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: 64-bit integers are text, ids hexadecimal. Producers
that print the protobuf with another library write members in snake_case and ids in base64.

An AnyValue is an object of one member, whose name tells its kind. It is read into a struct of `kind` and `content`
before it is written, as an expression is evaluated as often as it is named.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.values import EARLIEST_MS, LATEST_MS
from pipelines.sources.reading.variant import elements, member, members, merged, text, word

# What is further inside stays JSON as it was sent. Spark has no recursion.
_DEPTH = 3


def any_value(value: Column) -> Column:
    """An AnyValue → text: a list or map is its JSON, what is empty is null. What is no AnyValue is taken as it is."""
    return once(_read(value), _as_text)


def attributes_of(record: Column) -> Column:
    """The `attributes` of a resource, scope, point or log record → map<string,string>.

    Also `labels` of OTLP before 0.9, whose values are text, and an object in the place of a list. What is no pair of a
    key and a value, or no list of such, is kept as it was sent, by the name `attributes`.
    """
    names = ("attributes", "labels")

    def read(pair: Column) -> Column:
        key = word(pair, "key")
        value = F.when(key.isNull(), pair).otherwise(member(pair, "value"))
        known = F.coalesce(key, F.when(~F.is_variant_null(pair), names[0]))
        return F.struct(known.alias("key"), _read(value).alias("value"))

    def written(pair: Column) -> Column:
        return F.struct(pair["key"], _as_text(pair["value"]))

    pairs = F.filter(F.transform(elements(record, *names), read), lambda pair: pair["key"].isNotNull())
    other = F.when(member(record, *names).isNotNull(), F.create_map(F.lit(names[0]), text(record, *names)))
    return F.coalesce(F.map_from_entries(F.transform(pairs, written)), members(record, *names), other)


def beside(resource: Column, own: Column) -> Column:
    """Both as one map. What has one key in both keeps its own; the resource's is then `resource.<key>`."""

    def rename(taken: Column) -> Column:
        return F.transform_keys(
            resource,
            lambda key, _: F.when(F.array_contains(taken, key), F.concat(F.lit("resource."), key)).otherwise(key),
        )

    return merged(once(F.coalesce(F.map_keys(own), F.array().cast("array<string>")), rename), own)


def nanos(record: Column, *names: str) -> Column:
    """Nanoseconds since 1970 → timestamp. Absent and 0, which mean that it is not known, are null."""
    return F.coalesce(*(_nanos(text(record, name).try_cast("decimal(38,0)")) for name in names))


def hexadecimal(identity: Column, digits: int) -> Column:
    """A trace or span id, also one in base64 → hexadecimal, lower case; null if it is none, or all zeros."""
    as_bytes = F.try_to_binary(identity, F.lit("base64"))
    known = F.when(F.rlike(identity, F.lit(f"^[0-9a-fA-F]{{{digits}}}$")), F.lower(identity)).when(
        F.octet_length(as_bytes) == digits // 2, F.lower(F.hex(as_bytes))
    )
    return F.nullif(known, F.lit("0" * digits))


def _nanos(number: Column) -> Column:
    micros = F.floor(number / 1000).try_cast("bigint")
    is_time = (number > 0) & F.floor(micros / 1000).between(EARLIEST_MS, LATEST_MS)
    return F.when(is_time, F.timestamp_micros(micros))


def _read(value: Column) -> Column:
    """AnyValue → struct of kind, such as `stringvalue`, content, and sent: the value as it is."""
    entries = F.map_entries(F.try_variant_get(value, "$", "map<string,variant>"))
    known = F.filter(
        entries, lambda entry: F.endswith(entry["key"], F.lit("alue")) & ~F.is_variant_null(entry["value"])
    )
    return F.struct(
        F.lower(F.replace(F.get(known, 0)["key"], F.lit("_"), F.lit(""))).alias("kind"),
        F.get(known, 0)["value"].alias("content"),
        value.alias("sent"),
    )


def _as_text(read: Column) -> Column:
    as_sent = F.nullif(_text(read["sent"]), F.lit("{}"))
    is_plain = F.when(read["kind"].isNotNull(), _text(read["content"])).otherwise(as_sent)
    return F.when(_is_nested(read), _nested_json(read, _DEPTH)).otherwise(is_plain)


def _as_json(read: Column, depth: int) -> Column:
    plain = F.when(read["kind"] == "intvalue", _text(read["content"])).when(
        read["kind"].isNotNull(), F.to_json(read["content"])
    )
    inner = F.when(_is_nested(read), _nested_json(read, depth)) if depth > 0 else F.lit(None).cast("string")
    return F.coalesce(inner, plain, F.nullif(F.to_json(read["sent"]), F.lit("{}")), F.lit("null"))


def _is_nested(read: Column) -> Column:
    return read["kind"].isin("arrayvalue", "kvlistvalue")


def _nested_json(read: Column, depth: int) -> Column:
    """Of a list its values, of a map its pairs."""
    is_map = read["kind"] == "kvlistvalue"

    def inside(item: Column) -> Column:
        value = F.when(is_map, member(item, "value")).otherwise(item)
        name = F.when(is_map, F.concat(F.coalesce(F.to_json(member(item, "key")), F.lit('""')), F.lit(":")))
        return F.struct(name.alias("name"), _read(value).alias("value"))

    def written(one: Column) -> Column:
        return F.concat(F.coalesce(one["name"], F.lit("")), _as_json(one["value"], depth - 1))

    start, end = F.when(is_map, "{").otherwise("["), F.when(is_map, "}").otherwise("]")
    items = F.transform(F.transform(elements(read["content"], "values"), inside), written)
    return F.concat(start, F.coalesce(F.array_join(items, ","), F.lit("")), end)


def _text(value: Column) -> Column:
    return F.try_variant_get(value, "$", "string")

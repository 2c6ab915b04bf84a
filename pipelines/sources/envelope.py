"""Kafka value → items: the part of decoding that is the same for every JSON family.

A value becomes one item for each telemetry record in it. What senders do, and this undoes:

- one object; a JSON array; `{"records": […]}`; objects with line breaks between them, or with nothing between them;
- `from_json` reads the first JSON value and ignores what follows, and may give part of a truncated one. So the text
  is wrapped, `{"x": <text>, "end": 1}`: `end` is only found if the text was exactly one whole JSON value;
- one bad element spoils `from_json` for its whole array. Such values take the slow path, piece by piece.

The fast path parses a value once, with the schema of the family whose marker (the name of a member that all its records
have) occurs in it. The slow path finds the family of each piece by its members. An expression that is named twice in
one projection is evaluated twice, so each parse stands in a projection of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.family import Family

# Strict JSON: Spark's default also takes bare NaN and single quotes.
_STRICT = {"allowNonNumericNumbers": "false", "allowSingleQuotes": "false", "mode": "PERMISSIVE"}
_END = ',"end":1}'
_BLANK = " \t\r\n"
_BETWEEN_LINES = r"\}\s*\n\s*\{"  # never inside a JSON string: it may not hold a raw line break
_BETWEEN_OBJECTS = r"\}\s*\{"


def parse_json(text: Column, schema: str) -> Column:
    """`text` as `schema` (a DDL type), null unless all of it is exactly one JSON value of that shape."""
    wrapped = F.from_json(F.concat(F.lit('{"v":'), text, F.lit(_END)), f"struct<v: {schema}, end: int>", _STRICT)
    return F.when(wrapped["end"].isNotNull(), wrapped["v"])


def value_reason(text: Column) -> Column:
    """Why a Kafka value, its bytes taken as `text`, holds nothing to decode; null if it does."""
    return (
        F.when(text.isNull(), "null_value")
        .when(~F.is_valid_utf8(text), "invalid_utf8")
        .when(F.btrim(text, F.lit(_BLANK)) == "", "empty_value")
    )


def parse_value(text: Column, families: Sequence[Family]) -> Column:
    """The fast path's one parse: struct of `e<i>` (enveloped), `l<i>` (listed) for each family, and `end`."""
    names_records = _names_records(text)
    listed = _as_array(text)
    wrapped: Column | None = None
    for index, family in enumerate(families):
        marked = F.contains(text, F.lit(f'"{family.marker}"'))
        inner = F.when(names_records, F.concat(F.lit(f'{{"e{index}":'), text)).otherwise(
            F.concat(F.lit(f'{{"l{index}":'), listed)
        )
        wrapped = F.when(marked, inner) if wrapped is None else wrapped.when(marked, inner)
    assert wrapped is not None
    schema = ", ".join(
        f"e{index}: struct<records: array<{family.schema}>>, l{index}: array<{family.schema}>"
        for index, family in enumerate(families)
    )
    return F.from_json(F.concat(wrapped, F.lit(_END)), f"struct<{schema}, end: int>", _STRICT)


def family_records(parsed: Column, index: int) -> Column:
    """The records of one family on the fast path, null if the value has none of them or is not wholly parsed."""
    return F.when(parsed["end"].isNotNull(), F.coalesce(parsed[f"e{index}"]["records"], parsed[f"l{index}"]))


def is_fast(records: Sequence[Column], text: Column) -> Column:
    """Whether the fast path took the value as a whole."""
    found_any = (F.coalesce(F.size(found) > 0, F.expr("false")) for found in records)
    return reduce(lambda one, other: one | other, found_any) & ~_repeats_records(text)


def pieces(text: Column, reason: Column, families: Sequence[Family]) -> Column:
    """The slow path: array, never empty, of struct<r0, r1, …, raw, reason>; either one `r<i>` or `reason` is set.

    `reason` is `value_reason(text)`.
    """
    enveloped = parse_json(text, "struct<records: array<string>>")["records"]
    listed = parse_json(_as_array(text), "array<string>")
    concatenated = parse_json(
        F.concat(F.lit("["), F.regexp_replace(text, _BETWEEN_OBJECTS, "},{"), F.lit("]")), "array<string>"
    )
    lines = F.filter(F.split(text, r"\r?\n"), lambda line: F.btrim(line, F.lit(_BLANK)) != "")

    def failed(why: Column) -> Column:
        return F.array(_piece(text, [_absent(family) for family in families], why))

    def element(raw: Column) -> Column:
        return _decode_piece(F.coalesce(raw, F.lit("null")), families, "wrong_shape")

    def line(raw: Column) -> Column:
        return _decode_piece(raw, families, "malformed_json")

    return (
        F.when(reason.isNotNull(), failed(reason))
        .when(_repeats_records(text) & enveloped.isNotNull(), failed(F.lit("duplicate_key")))
        .when(_names_records(text) & (F.size(enveloped) > 0), F.transform(enveloped, element))
        .when(_names_records(text) & (F.size(enveloped) == 0), failed(F.lit("empty_records")))
        .when(F.size(listed) > 0, F.transform(listed, element))
        .when(F.size(listed) == 0, failed(F.lit("empty_records")))
        .when(F.size(concatenated) > 0, F.transform(concatenated, element))
        .when(F.size(lines) > 1, F.transform(lines, line))
        .otherwise(failed(F.lit("malformed_json")))
    )


def _decode_piece(raw: Column, families: Sequence[Family], not_an_object: str) -> Column:
    members = parse_json(raw, "map<string,string>")
    records = []
    reason = F.when(members.isNull(), not_an_object).when(_repeats_key(members), "duplicate_key")
    for family in families:
        mine = F.map_contains_key(members, F.lit(family.marker))
        record = parse_json(raw, family.schema)
        records.append(F.when(reason.isNull() & mine, record))
        reason = reason.when(mine & record.isNull(), "wrong_shape").when(mine, F.lit(None))
    return _piece(raw, records, reason.otherwise("unknown_envelope"))


def _piece(raw: Column, records: Sequence[Column], reason: Column) -> Column:
    named = [record.alias(f"r{index}") for index, record in enumerate(records)]
    return F.struct(*named, raw.alias("raw"), reason.alias("reason"))


def _absent(family: Family) -> Column:
    return F.lit(None).cast(family.schema)


def _repeats_key(members: Column) -> Column:
    return F.size(F.array_distinct(F.map_keys(members))) < F.size(members)


def _names_records(text: Column) -> Column:
    return F.contains(text, F.lit('"records"'))


def _repeats_records(text: Column) -> Column:
    """The key `records` twice in one object: the second would replace the first, and its rows be lost.

    The text search is cheap and rarely true; variant parsing, which refuses repeated keys, then decides.
    """
    twice = F.length(F.substring_index(text, '"records"', 2)) < F.length(text)
    return _names_records(text) & twice & F.try_parse_json(text).isNull()


def _as_array(text: Column) -> Column:
    """A JSON array as it is; one object, or objects with line breaks between them, as an array."""
    joined = F.when(F.contains(text, F.lit("\n")), F.regexp_replace(text, _BETWEEN_LINES, "},{")).otherwise(text)
    is_array = F.startswith(F.ltrim(text, F.lit(_BLANK)), F.lit("["))
    return F.when(is_array, text).otherwise(F.concat(F.lit("["), joined, F.lit("]")))

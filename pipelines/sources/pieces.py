"""Kafka value → records, the slow path: for values that are partly bad, mixed, or written in an unusual way.

One bad element spoils `from_json` for its whole array, so a value is taken apart here and each piece parsed by itself,
with the family that its members tell. Slow, as each step is evaluated by itself, and rarely needed. What a lambda names
is evaluated for each element: so what it needs of the value comes from a column, and not from an expression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.envelope import BLANK, END, STRICT
from pipelines.sources.family import CORRUPT, MAP, WHOLE, Family

_BETWEEN_OBJECTS = r"\}\s*\{"


def raw_pieces(text: Column) -> Column:
    """A value → struct<raws, reason, not_an_object>.

    raws: its records' texts; reason: why it holds none; not_an_object: the reason for a text of them that is no object.
    """
    enveloped = _parse(text, "struct<records: array<string>>")["records"]
    listed = _parse(_as_array(text), "array<string>")
    concatenated = _parse(
        F.concat(F.lit("["), F.regexp_replace(text, _BETWEEN_OBJECTS, "},{"), F.lit("]")), "array<string>"
    )
    lines = F.filter(F.split(text, r"\r?\n"), lambda line: F.btrim(line, F.lit(BLANK)) != "")

    def found(raws: Column | None, reason: Column | None, not_an_object: str) -> Column:
        return F.struct(
            (F.lit(None).cast("array<string>") if raws is None else raws).alias("raws"),
            (F.lit(None).cast("string") if reason is None else reason).alias("reason"),
            F.lit(not_an_object).alias("not_an_object"),
        )

    def records(raws: Column) -> Column:
        return found(raws, F.when(F.size(raws) == 0, "empty_records"), "wrong_shape")

    nothing, twice = _value_reason(text), _repeats_records(text) & enveloped.isNotNull()
    return (
        F.when(nothing.isNotNull(), found(None, nothing, ""))
        .when(twice, found(None, F.lit("duplicate_key"), ""))
        .when(enveloped.isNotNull(), records(enveloped))
        .when(listed.isNotNull(), records(listed))
        .when(F.size(concatenated) > 0, records(concatenated))
        .when(F.size(lines) > 1, found(lines, None, "malformed_json"))
        .otherwise(found(None, F.lit("malformed_json"), ""))
    )


def decode_pieces(text: Column, raw: Column, families: Sequence[Family]) -> Column:
    """`raw_pieces` of `text` → array, never empty, of struct<r0, r1, …, raw, reason>.

    Each has an `r<i>`, or the `reason` why it has none, or both.
    """

    def piece(one: Column) -> Column:
        return _decode_piece(F.coalesce(one, F.lit("null")), families, raw["not_an_object"])

    failed = F.array(_piece(text, [_absent(family) for family in families], raw["reason"]))
    return F.when(raw["reason"].isNotNull(), failed).otherwise(F.transform(raw["raws"], piece))


def pieces_type(families: Sequence[Family]) -> str:
    records = ", ".join(f"r{index}: {family.schema}" for index, family in enumerate(families))
    return f"array<struct<{records}, raw: string, reason: string>>"


def _value_reason(text: Column) -> Column:
    """Why a Kafka value, its bytes taken as `text`, holds nothing to decode; null if it does."""
    return (
        F.when(text.isNull(), "null_value")
        .when(~F.is_valid_utf8(text), "invalid_utf8")
        .when(F.btrim(text, F.lit(BLANK)) == "", "empty_value")
    )


def _parse(text: Column, schema: str) -> Column:
    """`text` as `schema` (a DDL type), null unless all of it is exactly one JSON value of that shape."""
    whole = F.from_json(F.concat(F.lit('{"v":'), text, F.lit(END)), f"struct<v: {schema}, {WHOLE}: int>", STRICT)
    return F.when(whole[WHOLE].isNotNull(), whole["v"])


def _decode_piece(raw: Column, families: Sequence[Family], not_an_object: Column) -> Column:
    def with_members(members: Column) -> Column:
        chosen = F.when(members.isNull(), _piece(raw, [_absent(family) for family in families], not_an_object))
        for index, family in enumerate(families):
            claims = F.map_contains_key(members, F.lit(family.marker))
            if family.second_marker is not None:
                claims = claims | F.map_contains_key(members, F.lit(family.second_marker))
            chosen = chosen.when(claims, _as_family(raw, families, index))
        unknown = _piece(raw, [_absent(family) for family in families], F.lit("unknown_envelope"))
        return chosen.otherwise(unknown)

    return _let(_parse(raw, MAP), with_members)


def _as_family(raw: Column, families: Sequence[Family], index: int) -> Column:
    family = families[index]

    def with_record(record: Column) -> Column:
        failure, tight = F.when(record[CORRUPT].isNotNull(), "wrong_shape"), record
        if family.loose is not None:
            failure = failure.when(family.loose.unreadable(record), "bad_value")
            for name, number in family.loose.tighten(record).items():
                tight = tight.withField(name, number)
        records = [_absent(other) for other in families]
        records[index] = tight.dropFields(WHOLE, CORRUPT).cast(family.schema)
        return _piece(raw, records, failure)

    trimmed = F.btrim(raw, F.lit(BLANK)).cast("binary")
    but_last = F.substring(trimmed, 1, F.octet_length(trimmed) - 1).cast("string")
    return _let(F.from_json(F.concat(but_last, F.lit(END)), family.text_schema, STRICT), with_record)


def _let(column: Column, use: Callable[[Column], Column]) -> Column:
    """`use(column)`, with `column` evaluated once."""
    return F.get(F.transform(F.array(column), use), F.lit(0))


def _piece(raw: Column, records: Sequence[Column], reason: Column) -> Column:
    named = [record.alias(f"r{index}") for index, record in enumerate(records)]
    return F.struct(*named, raw.alias("raw"), reason.alias("reason"))


def _absent(family: Family) -> Column:
    return F.lit(None).cast(family.schema)


def _repeats_records(text: Column) -> Column:
    """The key `records` twice in one object: variant parsing, which refuses repeated keys, decides."""
    twice = F.length(F.substring_index(text, '"records"', 2)) < F.length(text)
    return twice & F.try_parse_json(text).isNull()


def _as_array(text: Column) -> Column:
    """A JSON array as it is; one object, or objects with line breaks between them, as an array."""
    joined = F.when(F.contains(text, F.lit("\n")), F.regexp_replace(text, r"\}\s*\n\s*\{", "},{")).otherwise(text)
    is_array = F.startswith(F.ltrim(text, F.lit(BLANK)), F.lit("["))
    return F.when(is_array, text).otherwise(F.concat(F.lit("["), joined, F.lit("]")))

"""Kafka value → records, the fast path: a value that is wholly of one family is parsed once, with its schema.

What senders do, and this undoes: one object; a JSON array; `{"records": […]}`; objects with a line break between them.
What it does not take as a whole, for whatever reason, goes to `pieces`, which finds out why. Three traps:

- `from_json` reads the first JSON value and ignores what follows, and may give part of a truncated one. So a member is
  written behind the last one, and only found if the text was exactly one whole JSON value;
- a second `records` in one object would replace the first: as a map, `from_json` keeps both;
- a member of the wrong type is null, silently, but for the column that a schema may name for such.

The family is that whose marker occurs near the beginning of the text: a look at all of it would cost as much as
parsing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.family import CORRUPT, WHOLE, Family

# Strict JSON: Spark's default also takes bare NaN and single quotes.
STRICT = {
    "allowNonNumericNumbers": "false",
    "allowSingleQuotes": "false",
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": CORRUPT,
}
BLANK = " \t\r\n"
_HEAD = 1024
_SINGLE, _ENVELOPED, _ARRAY, _LINES = "{", '{"e":', '{"l":', '{"l":['


def family_index(text: Column, families: Sequence[Family]) -> Column:
    """Which family the text seems to be of; null if none, or if it is no text."""
    head = F.substring(text, 1, _HEAD)
    marked = (
        F.when(F.contains(head, F.lit(f'"{family.marker}"')), F.lit(index)) for index, family in enumerate(families)
    )
    return F.when(F.is_valid_utf8(text), F.coalesce(*marked))


def opening(text: Column) -> Column:
    """What the text is to be wrapped in, by its first characters."""
    start = F.ltrim(F.substring(text, 1, 40), F.lit(BLANK))
    return (
        F.when(F.startswith(start, F.lit("[")), _ARRAY)
        .when(F.contains(start, F.lit('"records"')), _ENVELOPED)
        .when(
            F.endswith(text, F.lit("}")) & ~F.contains(text, F.lit("}\n{")) & ~F.contains(text, F.lit("}\r\n{")),
            _SINGLE,
        )
        .otherwise(_LINES)
    )


def parse_single(value: Column, start: Column, family: Family) -> Column:
    """A value that is one object → its record."""
    # On bytes, as the length of a text in characters has to be counted.
    but_last = F.substring(value, 1, F.octet_length(value) - 1).cast("string")
    closed = F.concat(but_last, F.lit(f',"{WHOLE}":1}}'))
    return F.when(start == _SINGLE, F.from_json(closed, family.schema, STRICT))


def parse_many(text: Column, start: Column, family: Family) -> Column:
    lines = F.replace(F.replace(text, F.lit("}\n{"), F.lit("},{")), F.lit("}\r\n{"), F.lit("},{"))
    wrapped = F.when(start == _LINES, F.concat(F.lit(_LINES), lines, F.lit(f'],"{WHOLE}":1}}'))).otherwise(
        F.concat(start, text, F.lit(f',"{WHOLE}":1}}'))
    )
    schema = (
        f"struct<e: map<string,array<{family.schema}>>, l: array<{family.schema}>, {WHOLE}: int, {CORRUPT}: string>"
    )
    return F.when(start != _SINGLE, F.from_json(wrapped, schema, STRICT))


def records_of(many: Column) -> Column:
    return F.coalesce(F.when(F.size(many["e"]) == 1, many["e"]["records"]), many["l"])


def is_whole(parsed: Column) -> Column:
    return parsed[WHOLE].isNotNull() & parsed[CORRUPT].isNull()


def is_single(record: Column, family: Family) -> Column:
    """Whether the record is the whole value, and surely of this family."""
    return F.coalesce(is_whole(record) & record[family.marker].isNotNull(), F.expr("false"))


def is_many(many: Column, family: Family) -> Column:
    """Whether the records are the whole value, and each surely of this family."""
    records = records_of(many)
    all_marked = F.forall(records, lambda record: record[family.marker].isNotNull())
    return F.coalesce(is_whole(many) & (F.size(records) > 0) & all_marked, F.expr("false"))


def any_of(conditions: Iterable[Column]) -> Column:
    return reduce(lambda one, other: one | other, conditions)

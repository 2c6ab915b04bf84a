"""Kafka value → records, the fast path: a value that is wholly of one family is parsed once, with its schema.

What senders do, and this undoes: one object; a JSON array; `{"records": […]}`; objects with a line break between them.
What it does not take as a whole, for whatever reason, goes to `pieces`, which finds out why. Three traps:

- `from_json` reads the first JSON value and ignores what follows, and may give part of a truncated one. So a member is
  written behind the last one, and only found if the text was exactly one whole JSON value;
- a second `records` in one object would replace the first: as a map, `from_json` keeps both;
- a member of the wrong type is null, silently, but for the column that a schema may name for such.

Whatever its form, a value becomes the text of one object, `{"e": {"records": […]}}` or `{"l": […]}`, so that one schema
a family reads them all.

A schema reads what it knows of. So that a member that a service adds is not lost, the members of the first record of a
value are compared with the schema (`known_throughout`): the others of a value are of the same table or stream.

The family is that whose marker occurs near the beginning of the text: a look at all of it would cost as much as
parsing.
"""

from __future__ import annotations

from collections.abc import Sequence

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
END = f',"{WHOLE}":1}}'
# No text in a value: what `array_contains` is asked for to hear of nulls.
_NOWHERE = "\x00"


def family_index(value: Column, topic: Column, families: Sequence[Family]) -> Column:
    """Which family a value (binary) seems to be of; null if none, or if it is no text."""
    head = F.substring(value, 1, _HEAD).cast("string")

    def is_marked(family: Family) -> Column:
        marked = F.contains(head, F.lit(f'"{family.marker}"'))
        if family.only is None:
            return marked
        return marked & (F.contains(head, F.lit(f'"{family.only}"')) | F.endswith(topic, F.lit(f"-{family.only}")))

    marked = (F.when(is_marked(family), F.lit(index)) for index, family in enumerate(families))
    return F.when(F.is_valid_utf8(value.cast("string")), F.coalesce(*marked))


def known_throughout(family: Column, text: Column, families: Sequence[Family]) -> Column:
    """`family`, or null if the value's first record has a member that its schema lacks: the slow path keeps it."""
    for index, one in enumerate(families):
        if one.first is not None:
            names = F.json_object_keys(one.first(text))
            ours = F.array(*map(F.lit, (*one.names, "records")))
            known = F.coalesce(F.size(F.array_except(names, ours)) == 0, F.lit(0) == 0)
            # In this order, so that the names are read of this family's values alone.
            family = F.when(F.coalesce(family != index, F.lit(0) == 0), family).when(known, family)
    return family


def first_flat(text: Column) -> Column:
    """The first record of a value whose records hold no objects."""
    inner = F.substring_index(F.substring_index(text, "}", 1), "{", -1)
    return F.concat(F.lit("{"), inner, F.lit("}"))


def first_line(text: Column) -> Column:
    return F.substring_index(text, "\n", 1)


def wrap(text: Column) -> Column:
    """A value as the text of one object with a list of records in it, told by its first characters."""
    start = F.ltrim(F.substring(text, 1, 40), F.lit(BLANK))
    is_single = F.endswith(text, F.lit("}")) & ~F.contains(text, F.lit("}\n{")) & ~F.contains(text, F.lit("}\r\n{"))
    lines = F.replace(F.replace(text, F.lit("}\n{"), F.lit("},{")), F.lit("}\r\n{"), F.lit("},{"))
    return (
        F.when(F.startswith(start, F.lit("[")), F.concat(F.lit('{"l":'), text, F.lit(END)))
        .when(F.contains(start, F.lit('"records"')), F.concat(F.lit('{"e":'), text, F.lit(END)))
        .when(is_single, F.concat(F.lit('{"l":['), text, F.lit("]" + END)))
        .otherwise(F.concat(F.lit('{"l":['), lines, F.lit("]" + END)))
    )


def parse(wrapped: Column, family: Family) -> Column:
    schema = (
        f"struct<e: map<string,array<{family.schema}>>, l: array<{family.schema}>, {WHOLE}: int, {CORRUPT}: string>"
    )
    return F.from_json(wrapped, schema, STRICT)


def records_of(parsed: Column, family: Family) -> Column:
    """The records of a parsed value; null unless they are all that it holds, and each surely of this family."""
    records = F.coalesce(F.when(F.size(parsed["e"]) == 1, parsed["e"]["records"]), parsed["l"])
    is_whole = parsed[WHOLE].isNotNull() & parsed[CORRUPT].isNull()
    # Null, neither true nor false, if an element is null: no lambda, which would cost as much as the parsing.
    found = records[family.always]
    all_have_it = F.array_contains(found, F.lit(_NOWHERE)).isNotNull()
    if family.only is not None:
        all_have_it = F.size(F.array_except(found, F.array(F.lit(family.only)))) == 0
    return F.when(is_whole & (F.size(records) > 0) & all_have_it, records)

"""Reading a JSON record as VARIANT: any shape, each member by its exact name, numbers as they were written.

A variant is parsed once and then asked for members by path. Unlike a typed `from_json`, one member of an unexpected
type spoils nothing, `count` and `Count` are two members, and a decimal keeps its digits (up to 38).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import kept, once, variant_get
from pipelines.sources.reading.times import to_time_of_any_format

_WHOLE = "__whole__"
_SINGLE_QUOTES = {"allowSingleQuotes": "true", "allowNonNumericNumbers": "false"}
_ANY_ESCAPE = _SINGLE_QUOTES | {"allowBackslashEscapingAnyCharacter": "true"}


def parse_whole(text: Column) -> Column:
    """Text → variant; null unless all of it is exactly one JSON value.

    `try_parse_json` reads the first value and ignores what follows, so both are put in a list, with a word behind them
    that is only found in its second place if there was one value and no more.
    """
    return whole_of(read_listed(text))


def read_listed(text: Column) -> Column:
    """The first half of `parse_whole`, for a projection of its own: what reads twice is parsed twice."""
    return F.try_parse_json(_listed(text))


def whole_of(read: Column) -> Column:
    """The second half of `parse_whole`."""
    is_whole = F.try_variant_get(read, "$[1]", "string") == _WHOLE
    return F.when(is_whole, F.try_variant_get(read, "$[0]", "variant"))


def parse_single_quoted(text: Column) -> Column:
    """The same of JSON with single quotes, as Azure Functions write it; else as strict. Of a member twice, the last.

    For what `parse_whole` does not take. Valid JSON means the same here, as an apostrophe outside a text is no JSON.
    """
    return F.when(F.contains(text, F.lit("'")), _relaxed(text, _SINGLE_QUOTES))


def parse_relaxed(text: Column) -> Column:
    """Either of both, and a backslash before any sign: for a text that is known to be JSON of a kind."""
    return F.coalesce(parse_whole(text), _relaxed(text, _ANY_ESCAPE))


def kept_json(text: Column) -> Column:
    """As `parse_relaxed`, each step in a projection of its own; not for what a lambda's variable is part of."""
    whole = kept(whole_of(kept(read_listed(text))))
    return kept(F.when(text.isNotNull(), F.coalesce(whole, _relaxed(text, _ANY_ESCAPE))))


def _relaxed(text: Column, options: dict[str, str]) -> Column:
    read = F.from_json(_listed(text), "array<variant>", options)
    return once(
        read,
        lambda read: F.when(
            (F.size(read) == 2) & (F.try_variant_get(F.get(read, F.lit(1)), "$", "string") == _WHOLE),
            F.get(read, F.lit(0)),
        ),
    )


def _listed(text: Column) -> Column:
    return F.concat(F.lit("["), text, F.lit(f',"{_WHOLE}"]'))


def member(record: Column, *names: str) -> Column:
    """The member of that name, or the first there is of several names, as a variant. JSON null is null."""
    found = [variant_get(record, path(name), "variant") for name in names]
    # JSON null is a variant of its own, which is not null.
    there = [F.when(~F.is_variant_null(one), one) for one in found]
    return there[0] if len(there) == 1 else F.coalesce(*there)


def text(record: Column, *names: str) -> Column:
    """The same as text: an object or array is its JSON, a number as it was written."""
    return _first(record, names, "string")


def word(record: Column, *names: str) -> Column:
    """The same, null for an empty text: what senders write for nothing."""
    return F.coalesce(*(F.nullif(text(record, name), F.lit("")) for name in names))


def number(record: Column, *names: str) -> Column:
    """The same as double, also of a number in quotes; null if it is none."""
    return _first(record, names, "double")


def integer(record: Column, *names: str) -> Column:
    """The same as 64-bit integer, also of one in quotes."""
    return _first(record, names, "bigint")


def decimal(record: Column, *names: str) -> Column:
    """The same as decimal(38,18), never by way of a double."""
    return _first(record, names, "decimal(38,18)")


def time(record: Column, *names: str) -> Column:
    """The same as timestamp, in any of the formats of `times.to_time_of_any_format`."""
    return F.coalesce(*(to_time_of_any_format(text(record, name)) for name in names))


def elements(record: Column, *names: str) -> Column:
    """The elements of an array as array<variant>; null if it is none. Without names: of the record itself."""
    return _first(record, names, "array<variant>") if names else variant_get(record, "$", "array<variant>")


def is_nested(record: Column, *names: str) -> Column:
    """Whether one of these members is an object or a list, where a name is expected; false if none is there."""

    def nested(name: str) -> Column:
        kind = F.schema_of_variant(member(record, name))
        return F.coalesce(F.startswith(kind, F.lit("OBJECT")) | F.startswith(kind, F.lit("ARRAY")), F.lit(0) == 1)

    return reduce(Column.__or__, map(nested, names))


def members(record: Column, *names: str) -> Column:
    """An object as map<string,string>, nested values as JSON; null if it is none. Without names: the record itself."""
    return _first(record, names, "map<string,string>") if names else variant_get(record, "$", "map<string,string>")


def rest(record: Column, *used: str) -> Column:
    """The members that have no column of their own, so that no field is lost; null if there are none."""
    left = F.map_filter(members(record), lambda name, value: value.isNotNull() & ~name.isin(*used))
    return none_if_empty(left)


def left_over(record: Column, taken: Mapping[str, Column] | Mapping[tuple[str, ...], Column], *used: str) -> Column:
    """As `rest`, but of what goes by several names, a member is left out only if the column made of it says the same.

    So if `Level` and `level` stand side by side and differ, the one that the column does not have stays.
    """
    by_names = (((names,) if isinstance(names, str) else names, column) for names, column in taken.items())
    groups = (
        F.arrays_zip(F.array(*map(F.lit, names)), F.array_repeat(column.cast("string"), len(names)))
        for names, column in by_names
    )
    same = F.flatten(F.array(*(group.cast("array<struct<key: string, value: string>>") for group in groups)))
    return none_if_empty(F.map_from_entries(F.array_except(F.map_entries(rest(record, *used)), same)))


def none_if_empty(entries: Column) -> Column:
    return F.when(F.size(entries) > 0, entries)


def pairs(**columns: Column) -> Column:
    """A map of what is not null; null if nothing is."""
    named = F.create_map(*(part for name, column in columns.items() for part in (F.lit(name), column.cast("string"))))
    return none_if_empty(F.map_filter(named, lambda _, value: value.isNotNull()))


def merged(*maps: Column) -> Column:
    """Maps as one, nulls as nothing; of a key that two have, the last."""
    empty = F.create_map().cast("map<string,string>")
    return none_if_empty(F.map_concat(*(F.coalesce(entries, empty) for entries in maps)))


def joined(*maps: Column) -> Column:
    """As `merged`, but empty if there is nothing: each map is named once, for what is nested in lambdas."""
    empty = F.create_map().cast("map<string,string>")
    return F.map_concat(*(F.coalesce(entries, empty) for entries in maps))


def path(name: str) -> str:
    """`a.b` → the member b of the member a; a name with other signs in it is taken as it is."""
    steps = name.split(".") if name.replace(".", "").replace("_", "").isalnum() else [name]
    return "$" + "".join(f"['{step}']" for step in steps)


def _first(record: Column, names: tuple[str, ...], kind: str) -> Column:
    found = [variant_get(record, path(name), kind) for name in names]
    return found[0] if len(found) == 1 else F.coalesce(*found)

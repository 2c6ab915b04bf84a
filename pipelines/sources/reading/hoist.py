"""Members of a record taken out once, in a projection of their own, however often a decoder names them.

What one projection names twice Spark evaluates twice, and a decoder names a time or a number in each test of its form.
Inside `hoisting`, asking a record for a member gives a reference to a column; `apply` adds those columns, to be there
before the decoder's.

To find one member, a variant compares its names one by one, each made a text anew. A map costs more to make, once, and
less to find each member in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_MEMBER, _NEAR, _KEPT, _ENTRIES = "__member", "__near", "__kept", "__entries"
# The first record as a map.
ENTRIES = f"{_ENTRIES}0"
WHOLE, ENTRIES_TYPE = "$", "map<string,string>"
# `$['a']`: a member of the record itself.
_OWN_MEMBER = re.compile(r"^\$\['([^']+)'\]$")


@dataclass
class Hoisted:
    """`members` of the records, by which record, path and type; then `near`, made of those alone, in one projection;
    then `kept`, the columns of a projection each, in order.

    With `at_least`, only members that are asked for so often as a run before has counted: taking one costs something
    also for a record that has no use for it. `paths` are those asked of anything, a member's member as well. Records at
    `as_map` are there as maps as well, which texts are taken from.
    """

    records: tuple[Column, ...]
    often: Counter[tuple[int, str, str]] | None = None
    at_least: int = 1
    as_map: frozenset[int] = frozenset()
    asked: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    members: dict[tuple[int, str, str], Column] = field(default_factory=dict)
    near: list[Column] = field(default_factory=list)
    kept: list[tuple[Column, ...]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    def member(self, record: Column, path: str, kind: str) -> Column:
        self.paths.add(path)
        place = next((place for place, own in enumerate(self.records) if own is record), None)
        if place is None:
            return F.try_variant_get(record, path, kind)
        key = (place, path, kind)
        self.asked[key] += 1
        if place in self.as_map and kind == ENTRIES_TYPE and path == WHOLE:
            return self.entries(place)
        if place in self.as_map and kind == "string" and (own := _OWN_MEMBER.match(path)) is not None:
            return self.entries(place).getItem(own.group(1))
        if self.often is not None and self.often[key] < self.at_least:
            return F.try_variant_get(record, path, kind)
        if key not in self.members:
            name = f"{_MEMBER}{len(self.members)}"
            self.members[key] = F.try_variant_get(record, path, kind).alias(name)
        return F.col(f"{_MEMBER}{list(self.members).index(key)}")

    def entries(self, place: int) -> Column:
        """The record at `place` as map<string,string>; null if it is no object."""
        return F.col(f"{_ENTRIES}{place}")

    def asked_whole(self) -> frozenset[int]:
        """The records that were asked for all of their members."""
        return frozenset(place for place, path, kind in self.asked if (path, kind) == (WHOLE, ENTRIES_TYPE))

    def keep(self, *columns: Column) -> tuple[Column, ...]:
        names = [f"{_KEPT}{len(self.kept)}_{place}" for place in range(len(columns))]
        self.kept.append(tuple(column.alias(name) for column, name in zip(columns, names, strict=True)))
        return tuple(map(F.col, names))

    def keep_near(self, column: Column) -> Column:
        name = f"{_NEAR}{len(self.near)}"
        self.near.append(column.alias(name))
        return F.col(name)

    def apply(self, rows: DataFrame) -> DataFrame:
        """`rows` with the columns that were referred to."""
        maps = (
            F.try_variant_get(self.records[place], WHOLE, ENTRIES_TYPE).alias(f"{_ENTRIES}{place}")
            for place in sorted(self.as_map)
        )
        first = (*maps, *self.members.values())
        projections = (first, tuple(self.near), *self.kept)
        return reduce(lambda found, columns: found.select("*", *columns) if columns else found, projections, rows)


_current: ContextVar[Hoisted | None] = ContextVar("hoisted", default=None)


@contextmanager
def hoisting(hoisted: Hoisted) -> Iterator[Hoisted]:
    token = _current.set(hoisted)
    try:
        yield hoisted
    finally:
        _current.reset(token)


def variant_get(record: Column, path: str, kind: str) -> Column:
    """`try_variant_get`, or a reference to its result."""
    hoisted = _current.get()
    return F.try_variant_get(record, path, kind) if hoisted is None else hoisted.member(record, path, kind)


def kept(column: Column) -> Column:
    """A column that is named several times below, worked out once. Not for what a lambda's variable is part of."""
    hoisted = _current.get()
    return column if hoisted is None else hoisted.keep(column)[0]


def kept_together(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The same of several, none of which is part of another: in one projection, as each costs time to plan."""
    hoisted = _current.get()
    kept = columns.values() if hoisted is None else hoisted.keep(*columns.values())
    return dict(zip(columns, kept, strict=True))


def kept_near(column: Column) -> Column:
    """The same of one that is made of a record's members alone: all of them are in one projection."""
    hoisted = _current.get()
    return column if hoisted is None else hoisted.keep_near(column)


def once(shared: Column, use: Callable[[Column], Column]) -> Column:
    """`use(shared)`, with `shared` computed once however often it is named there: as the only element of a list."""
    return F.get(F.transform(F.array(shared), use), 0)

"""What one telemetry family tells silver: how its records are recognised and parsed, and how to decode one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields

from pyspark.sql import Column
from pyspark.sql import functions as F

MAP = "map<string,string>"
# Written by us behind the last member of an object: only found if the parser got to the end of it.
WHOLE = "__whole__"
# Filled by `from_json` if any member is not of the type that the schema gives it.
CORRUPT = "__corrupt__"


@dataclass(frozen=True)
class Decoded:
    """The columns of one record, whatever its table; null where it has none."""

    table: Column  # the silver table it belongs to
    source: Column
    native_id: Column
    event_time: Column
    resource_id: Column
    reason: Column  # why it cannot be used although it is a whole object; null if it can
    content: Column  # what tells it from another record of that id and time, besides the columns below; may be null
    cloud_provider: Column | None = None
    cloud_account_id: Column | None = None
    cloud_region: Column | None = None
    resource_type: Column | None = None
    host_name: Column | None = None
    attributes: Column | None = None
    namespace: Column | None = None
    metric: Column | None = None
    unit: Column | None = None
    value: Column | None = None
    minimum: Column | None = None
    maximum: Column | None = None
    total: Column | None = None
    sample_count: Column | None = None
    percentiles: Column | None = None
    interval_seconds: Column | None = None
    dimensions: Column | None = None
    agent_version: Column | None = None
    os_type: Column | None = None
    os_name: Column | None = None
    os_version: Column | None = None


FIELDS = tuple(field.name for field in fields(Decoded))
_TYPES = {
    "event_time": "timestamp",
    "attributes": MAP,
    "dimensions": MAP,
    "percentiles": "map<string,double>",
    "value": "double",
    "minimum": "double",
    "maximum": "double",
    "total": "double",
    "sample_count": "double",
    "interval_seconds": "int",
}


@dataclass(frozen=True)
class Loose:
    """How to read a record that writes numbers as text, where the schema of its family has numbers."""

    tighten: Callable[[Column], dict[str, Column]]  # the members that are numbers, converted from text
    unreadable: Callable[[Column], Column]  # whether one of them cannot be converted


@dataclass(frozen=True)
class Family:
    """A telemetry family: `decode` is pure, from a record and its topic (only a hint) to Columns.

    marker: the member that tells it; of two families that claim a record, the first in the list has it.
    always: a member of text that a good record never lacks, often the marker itself.
    only: the one text that `always` may have, if the marker alone does not tell the family.
    members: DDL of its members.
    """

    name: str
    marker: str
    always: str
    members: str
    decode: Callable[[Column, Column], Decoded]
    claims: Callable[[Column, Column], Column]  # whether a record (variant) of a topic is of this family
    loose: Loose | None = None
    only: str | None = None
    # The text of the first record of a value, whose members tell whether there are any that `members` lacks.
    first: Callable[[Column], Column] | None = None

    @property
    def schema(self) -> str:
        return f"struct<{self.members}>"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(re.findall(r"(?:^|, )`?(\w+)`?: ", self.members))

    @property
    def text_schema(self) -> str:
        """The same with text for numbers, and what tells whether all of it could be read."""
        as_text = self.members.replace("double", "string").replace("bigint", "string")
        return f"struct<{as_text}, {WHOLE}: int, {CORRUPT}: string>"


def tighten(loose: Column, family: Family) -> Column:
    """A record read with `text_schema`, its numbers converted, as the family's schema has it."""
    tight = loose
    for name, number in family.loose.tighten(loose).items() if family.loose is not None else ():
        tight = tight.withField(name, number)
    return F.when(loose.isNotNull(), tight.dropFields(WHOLE, CORRUPT).cast(family.schema))


def failure(loose: Column, family: Family) -> Column:
    """Why such a record cannot be used; null if it can."""
    reason = F.when(loose[CORRUPT].isNotNull(), "wrong_shape")
    return reason if family.loose is None else reason.when(family.loose.unreadable(loose), "bad_value")


def field_of(decoded: Decoded, name: str) -> Column | None:
    column = getattr(decoded, name)
    return None if column is None else column.cast(_TYPES.get(name, "string"))


def nothing_for(name: str) -> Column:
    return F.lit(None).cast(_TYPES.get(name, "string"))


def strings(*members: str) -> str:
    """DDL of members that are read as text."""
    return ", ".join(f"`{member}`: string" for member in members)

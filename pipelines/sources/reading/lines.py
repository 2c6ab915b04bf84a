"""Values that are text and no JSON: as a record with the text in it, for families to claim and decode."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.variant import text

# Written between the groups of a match, to take them apart again: no text has these three signs in a row.
SEPARATOR = "\x1f\x1e\x1f"
_MEMBER = "__text__"


def as_record(payload: Column) -> Column:
    """Bytes → a variant that holds them as text; null if they are none."""
    content = payload.cast("string")
    return F.when(F.is_valid_utf8(content), F.to_variant_object(F.struct(content.alias(_MEMBER))))


def text_of(record: Column) -> Column:
    """The text of such a record; null for JSON."""
    return text(record, _MEMBER)


def lines_of(record: Column) -> Column:
    """Its lines that are not blank, as array<variant>, to be read with `text_of`."""
    lines = F.filter(F.split(text_of(record), r"\r?\n"), lambda line: F.btrim(line) != "")
    return F.transform(lines, lambda line: F.to_variant_object(F.struct(line.alias(_MEMBER))))

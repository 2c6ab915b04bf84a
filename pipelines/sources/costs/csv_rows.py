"""CSV with a header, as one value: its rows as records. RFC 4180, but that no cell may hold a line break.

https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.lines import text_of

# `from_csv` needs to know its columns; no cost report has more.
_WIDTH = 250
_SCHEMA = ", ".join(f"c{index} string" for index in range(_WIDTH))
_OPTIONS = {"quote": '"', "escape": '"', "multiLine": "true", "maxColumns": str(_WIDTH + 1), "emptyValue": ""}


def has_header(record: Column, *names: str) -> Column:
    """Whether the record is text whose first line has all those column names."""
    first = F.substring_index(F.substring(text_of(record), 1, 20_000), "\n", 1)
    bare = F.concat(F.lit(","), F.regexp_replace(first, r'["\s]', ""), F.lit(","))
    found = F.lit(1) == 1
    for name in names:
        found = found & F.contains(bare, F.lit(f",{name},"))
    return found


def rows_of(record: Column) -> Column:
    """The rows below the header → array<variant>, each an object by column name; cells that are empty are left out."""
    lines = F.filter(F.split(F.ltrim(text_of(record), F.lit("\ufeff")), r"\r?\n"), lambda line: F.btrim(line) != "")

    def rows(names_and_lines: Column) -> Column:
        names, below = names_and_lines["names"], names_and_lines["lines"]

        def row(line: Column) -> Column:
            cells = F.map_from_arrays(names, F.slice(_cells(line), 1, F.size(names)))
            return F.to_variant_object(F.map_filter(cells, lambda _, cell: F.coalesce(cell, F.lit("")) != ""))

        return F.transform(F.slice(below, 2, F.size(below)), row)

    # As elements of an array, so that they are worked out once and not for each line.
    header = F.array_compact(_cells(F.get(lines, F.lit(0))))
    return F.get(F.transform(F.array(F.struct(header.alias("names"), lines.alias("lines"))), rows), F.lit(0))


def _cells(line: Column) -> Column:
    parsed = F.from_csv(line, _SCHEMA, _OPTIONS)
    return F.array(*(parsed[f"c{index}"] for index in range(_WIDTH)))

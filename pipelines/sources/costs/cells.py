"""One row of a cost report, of JSON or of a file of CSV: its cells as text, by the names of its layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.costs.csv_rows import MALFORMED, MEASURED, OTHERS, TAGGED
from pipelines.sources.costs.layout import MEASURES, NOTHING, Layout
from pipelines.sources.reading.hoist import kept_near
from pipelines.sources.reading.variant import members, pairs, text


@dataclass(frozen=True)
class Cells:
    """`cell`: name → text, null for nothing. What the layout does not name or keeps is in maps of text: cells that are
    a tag each (`tagged`), amounts (`measured`), all else (`others`).

    `malformed`: the text of what is no row of this report. `is_absent`: whether there is a header alone.
    """

    cell: Callable[[str], Column]
    tagged: Column
    measured: Column
    others: Column
    malformed: Column
    is_absent: Column

    def first(self, *names: str) -> Column:
        """The first that is there."""
        return self.cell(names[0]) if len(names) == 1 else F.coalesce(*map(self.cell, names))

    def passed_over(self, *groups: tuple[str, ...]) -> Column:
        """Of groups of names, the cells that say something else than the first of theirs. Null if there are none."""
        differing = {
            name: F.when(self.cell(name) != self.first(*names), self.cell(name))
            for names in groups
            for name in names[1:]
        }
        # Rarely any: a map is only made if there are.
        return F.when(F.coalesce(*differing.values()).isNotNull(), pairs(**differing))


def of_object(record: Column, layout: Layout) -> Cells:
    """A row of JSON (variant)."""

    @cache
    def cell(name: str) -> Column:
        spellings = layout.spellings(name) if name in layout.report else (name,)
        found = (text(record, spelling) for spelling in spellings)
        known = [F.when(~one.isin(*NOTHING), one) for one in found]
        # Each is named many times, by whatever it goes into.
        return kept_near(known[0] if len(known) == 1 else F.coalesce(*known))

    taken = layout.taken
    rest = kept_near(F.map_filter(members(record), lambda name, value: ~name.isin(*taken) & ~value.isin(*NOTHING)))

    def left(is_of_kind: Callable[[Column], Column]) -> Column:
        return F.map_filter(rest, lambda name, _: is_of_kind(name))

    def is_tag(name: Column) -> Column:
        return F.rlike(name, F.lit(f"^{layout.tag}"))

    def is_measure(name: Column) -> Column:
        return F.rlike(F.lower(name), F.lit(MEASURES))

    return Cells(
        cell,
        F.transform_keys(left(is_tag), lambda name, _: F.regexp_replace(name, f"^{layout.tag}", "")),
        left(lambda name: is_measure(name) & ~is_tag(name)),
        left(lambda name: ~is_measure(name) & ~is_tag(name)),
        F.lit(None).cast("string"),
        F.lit(0) == 1,
    )


def of_csv(row: Column) -> Cells:
    """A row of CSV, a struct of `csv_rows.rows_of`."""
    return Cells(lambda name: row[name], row[TAGGED], row[MEASURED], row[OTHERS], row[MALFORMED], row.isNull())

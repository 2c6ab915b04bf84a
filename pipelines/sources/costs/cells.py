"""One row of a cost report, of JSON or of a file of CSV: its cells as text, by the names of its layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.costs.csv_rows import MALFORMED, MEASURED, OTHERS
from pipelines.sources.costs.layout import MEASURES, NOTHING, Layout
from pipelines.sources.reading.variant import members, pairs, text


@dataclass(frozen=True)
class Cells:
    """`cell`: name → text, null for nothing. `others`: the cells that the layout does not name, as map<string,string>,
    `measured` those of them that are amounts. `malformed`: the row's text if it is no row of this report. `is_absent`:
    whether there is no row at all, but a header alone."""

    cell: Callable[[str], Column]
    others: Column
    measured: Column
    malformed: Column
    is_absent: Column

    def first(self, *names: str) -> Column:
        """The first that is there."""
        return self.cell(names[0]) if len(names) == 1 else F.coalesce(*map(self.cell, names))

    def passed_over(self, *groups: tuple[str, ...]) -> Column:
        """Of groups of names, the cells that say something else than the first of their group."""
        return pairs(
            **{
                name: F.when(self.cell(name) != self.first(*names), self.cell(name))
                for names in groups
                for name in names[1:]
            }
        )


def of_object(record: Column, layout: Layout) -> Cells:
    """A row of JSON (variant)."""

    def cell(name: str) -> Column:
        spellings = layout.spellings(name) if name in layout.report else (name,)
        found = (text(record, spelling) for spelling in spellings)
        known = [F.when(~one.isin(*NOTHING), one) for one in found]
        return known[0] if len(known) == 1 else F.coalesce(*known)

    used = layout.all_spellings

    def left(is_measure: Callable[[Column], Column]) -> Column:
        return F.map_filter(
            members(record),
            lambda name, value: (
                ~name.isin(*used) & ~value.isin(*NOTHING) & is_measure(F.rlike(F.lower(name), F.lit(MEASURES)))
            ),
        )

    return Cells(cell, left(lambda found: ~found), left(lambda found: found), F.lit(None).cast("string"), F.lit(0) == 1)


def of_csv(row: Column) -> Cells:
    """A row of CSV, a struct of `csv_rows.rows_of`."""
    return Cells(lambda name: row[name], row[OTHERS], row[MEASURED], row[MALFORMED], row.isNull())

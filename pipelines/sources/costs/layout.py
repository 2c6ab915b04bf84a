"""The columns of a cost report that mean something here, however a sender spells them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

# What a table's export writes for nothing.
NOTHING = ("", "NULL", "null", "None", "\\N")
# Which export a row is part of, which delivery (run) of it, and whether that is of actual or amortized costs. The names
# are those of the manifests that AWS and Azure write beside their files, and of columns that a sender may add.
EXPORT = ("x_ExportId", "exportArn", "exportName")
DELIVERY = ("x_DeliveryId", "executionId", "assemblyId", "runId")
DATASET = ("x_Dataset", "exportType")
# Columns without a meaning here that hold amounts, or what a charge only gets when it is invoiced: a restated charge is
# the same charge although these differ. For Java and Python alike.
MEASURES = r"^#|cost|price|rate|amount|quantity|discount|credit|fee|commitment|units?$|factor|invoice"

_NEVER = "(?!)"


@dataclass(frozen=True)
class Layout:
    """`spellings`: how rows of JSON may name a column. In CSV the names are compared by their `key`.

    `kept`: columns of `report` that stay as they were sent as well, since FOCUS only has what is made of them.
    `tag`: how the name of a column begins that is one tag (a regular expression); the rest of it is the tag's name."""

    report: tuple[str, ...]
    spellings: Callable[[str], tuple[str, ...]]
    kept: tuple[str, ...] = ()
    tag: str = _NEVER

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.report, *EXPORT, *DELIVERY, *DATASET)

    @property
    def taken(self) -> tuple[str, ...]:
        """The spellings of the columns that do not stay."""
        named = (spelling for name in self.report if name not in self.kept for spelling in self.spellings(name))
        return (*named, *EXPORT, *DELIVERY, *DATASET)


def key(name: str) -> str:
    """`lineItem/UnblendedCost`, `line_item_unblended_cost`, ` "Line Item Unblended Cost"` → `lineitemunblendedcost`."""
    return re.sub("[^a-z0-9]", "", name.lower())


def as_it_is(name: str) -> tuple[str, ...]:
    return (name,)

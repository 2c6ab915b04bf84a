"""Cost reports in FOCUS, as rows of JSON or files of CSV: columns of the same name.

https://focus.finops.org/focus-specification/v1-2/. Rows of older versions lack some; providers add some.
"""

from __future__ import annotations

from pyspark.sql import Column

from pipelines.sources.costs import csv_rows
from pipelines.sources.costs.cells import Cells, of_csv, of_object
from pipelines.sources.costs.charge import AMOUNTS, TIMES, WORDS, charge, tags_of, time_of, unread_tags
from pipelines.sources.costs.layout import Layout, as_it_is
from pipelines.sources.reading.variant import member, merged, pairs
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Cost

# FOCUS 1.3 calls ProviderName so.
_SERVICE_PROVIDER = "ServiceProviderName"
LAYOUT = Layout((*WORDS, *AMOUNTS, *TIMES, "Tags", _SERVICE_PROVIDER), as_it_is)


def _is_row(record: Column, topic: Column) -> Column:
    return member(record, "BilledCost").isNotNull() & (
        member(record, "ChargePeriodStart").isNotNull() | member(record, "BillingCurrency").isNotNull()
    )


def _is_file(record: Column, topic: Column) -> Column:
    return csv_rows.has_header(record, ("BilledCost",), ("ChargePeriodStart",))


def _charge(cells: Cells, topic: Column) -> Cost:
    words = {name: cells.cell(name) for name in WORDS}
    written = cells.cell("Tags")
    tags = tags_of(written)
    return charge(
        "focus",
        cells,
        topic,
        words | {"ProviderName": cells.first("ProviderName", _SERVICE_PROVIDER)},
        {name: cells.cell(name) for name in AMOUNTS},
        {name: time_of(cells.cell(name)) for name in TIMES},
        tags,
        merged(unread_tags(written, tags), pairs(**{_SERVICE_PROVIDER: cells.cell(_SERVICE_PROVIDER)})),
    )


FAMILIES = (
    RecordFamily("focus", _is_row, Cost, lambda record, part, topic: _charge(of_object(record, LAYOUT), topic)),
    RecordFamily(
        "focus.csv",
        _is_file,
        Cost,
        lambda record, part, topic: _charge(of_csv(part), topic),
        lambda record: csv_rows.rows_of(record, LAYOUT),
    ),
)

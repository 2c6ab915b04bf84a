"""Which files of a Delta table can hold rows of a time range, by the statistics in its log: no file is opened for it.

pyarrow is imported where it is used, as `lakehouse sql` answers most questions without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

# Writers cut statistics to milliseconds, so the latest row may be up to one later than they say.
_CUT = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Within:
    """Rows of `table` (its full name) whose `column` is in [start, end). Times without a zone are UTC."""

    table: str
    column: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Span:
    """The first and last time that a column has, UTC without a zone, exact to a millisecond."""

    first: datetime
    last: datetime


def files_within(delta: DeltaTable, within: Within) -> list[str]:
    """The files that may hold such rows; one without statistics may hold anything."""
    import pyarrow.compute as pc

    actions = _actions(delta)
    first, last = _statistics(actions, within.column)
    if first is None or last is None:
        return delta.file_uris()
    starts_before_end = pc.less(first, _scalar(within.end))
    ends_after_start = pc.greater_equal(last, _scalar(within.start - _CUT))
    kept = pc.fill_null(pc.and_(starts_before_end, ends_after_start), fill_value=True).to_pylist()
    uris = {uri.rpartition("/")[2]: uri for uri in delta.file_uris()}
    names = [path.rpartition("/")[2] for path in actions.column("path").to_pylist()]
    return [uris[name] for name, keep in zip(names, kept, strict=True) if keep]


def time_span(delta: DeltaTable, column: str) -> Span | None:
    """Of the files whose statistics the log has: all that have rows, of Spark and delta-rs; None if there is none.

    Reading the column instead takes seconds where a table has tens of millions of rows.
    """
    import pyarrow.compute as pc

    first, last = _statistics(_actions(delta), column)
    if first is None or last is None or len(first) == first.null_count or len(last) == last.null_count:
        return None
    return Span(_naive(pc.min(first)), _naive(pc.max(last)))


def _actions(delta: DeltaTable) -> pa.Table:
    import pyarrow as pa

    return pa.table(delta.get_add_actions(flatten=True))


def _statistics(actions: pa.Table, column: str) -> tuple[pa.ChunkedArray | None, pa.ChunkedArray | None]:
    import pyarrow as pa

    names = f"min.{column}", f"max.{column}"
    if not set(names) <= set(actions.column_names):
        return None, None
    first, last = (actions.column(name) for name in names)
    if not pa.types.is_timestamp(first.type):
        return None, None
    zoned = pa.timestamp("us", "UTC")
    return first.cast(zoned), last.cast(zoned)


def _scalar(moment: datetime) -> pa.Scalar:
    import pyarrow as pa

    zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return pa.scalar(zoned, pa.timestamp("us", "UTC"))


def _naive(scalar: pa.Scalar) -> datetime:
    moment: datetime = scalar.as_py()
    return moment.astimezone(UTC).replace(tzinfo=None)

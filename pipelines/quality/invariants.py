"""Rules whose action is `fail`: what only a defect of ours can break stops the stream before it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pyspark.sql import DataFrame

from pipelines.errors import QualityError
from pipelines.quality.row_rules import keeps
from pipelines.quality.tally import Tally
from pipelines.rules import Action, RowRule
from pipelines.tables import Table

_PLACE = ("topic", "partition", "offset", "item")


def check_invariants(
    tally: Tally, tables: Iterable[Table], rows_of: Callable[[Table], DataFrame | None], parameters: Mapping[str, str]
) -> None:
    """Raises QualityError if `tally` has rows that break a rule of action `fail`. Costs nothing if there are none.

    rows_of: the good rows of a table, asked for an example.
    """
    for table in tables:
        for rule in table.rules:
            count = tally.broken[table.full_name, rule.reason]
            if rule.action is Action.FAIL and count:
                example = _example(rows_of(table), rule, parameters)
                raise QualityError(
                    f"table {table.full_name}, rule {rule.reason}: {count:,} rows break it, for example {example} "
                    f"({rule.message}). Nothing of the batch is written. Correct what makes such rows (that value is "
                    f"in bronze.telemetry), or the rule in schemas/tables/{table.layer}/{table.name}.yaml, and start "
                    "the job again: it goes on with this batch"
                )


def _example(rows: DataFrame | None, rule: RowRule, parameters: Mapping[str, str]) -> str:
    found = None if rows is None else rows.where(~keeps(rule, parameters)).select(*_PLACE).first()
    if found is None:
        return "of a position that is not known"
    return ", ".join(f"{name} {found[name]}" for name in _PLACE)

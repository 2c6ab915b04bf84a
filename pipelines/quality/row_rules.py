"""Row rules of a table contract, as Columns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.tables import RowRule, Table


def broken_rule(table: Table, parameters: Mapping[str, str]) -> Column:
    """The reason code of the first rule that a row of `table` breaks, null if it keeps them all.

    A rule that evaluates to null is broken. `parameters` are SQL expressions that stand for names in the conditions.
    """
    checks = [
        F.when(~F.coalesce(F.expr(_bind(rule, parameters)), F.expr("false")), rule.reason) for rule in table.rules
    ]
    return F.coalesce(*checks) if checks else F.lit(None).cast("string")


def messages(tables: tuple[Table, ...]) -> dict[str, str]:
    """What each reason code means, in a sentence."""
    return {rule.reason: rule.message for table in tables for rule in table.rules}


def _bind(rule: RowRule, parameters: Mapping[str, str]) -> str:
    return reduce(lambda condition, item: condition.replace(item[0], item[1]), parameters.items(), rule.condition)

"""Row rules of a table contract, as Columns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.rules import Action, RowRule
from pipelines.tables import Table


def broken_rule(table: Table, parameters: Mapping[str, str]) -> Column:
    """The reason code of the first rule that sends a row of `table` to quarantine, null if it keeps them all.

    A rule that evaluates to null is broken. `parameters` are SQL expressions that stand for names in the conditions.
    """
    rules = (rule for rule in table.rules if rule.action is Action.QUARANTINE)
    checks = [F.when(~keeps(rule, parameters), rule.reason) for rule in rules]
    return F.coalesce(*checks) if checks else F.lit(None).cast("string")


def counted_rules(table: Table) -> tuple[RowRule, ...]:
    """The rules that rows of the table itself may break: those that warn, and those that stop the stream."""
    return tuple(rule for rule in table.rules if rule.action is not Action.QUARANTINE)


def broken_counts(table: Table, among: Column, parameters: Mapping[str, str]) -> Column:
    """Aggregate to array<bigint>: of the rows `among` all, how many break each of `counted_rules`."""
    counts = [F.count_if(among & ~keeps(rule, parameters)) for rule in counted_rules(table)]
    return F.array(*counts).cast("array<bigint>")


def keeps(rule: RowRule, parameters: Mapping[str, str]) -> Column:
    """Whether a row keeps the rule; never null."""
    return F.coalesce(F.expr(bind(rule, parameters)), F.expr("false"))


def bind(rule: RowRule, parameters: Mapping[str, str]) -> str:
    """The rule's condition as SQL, with `parameters` for the names in it."""
    return reduce(lambda condition, item: condition.replace(item[0], item[1]), parameters.items(), rule.condition)


def messages(tables: tuple[Table, ...]) -> dict[str, str]:
    """What each reason code of quarantine means, in a sentence."""
    return {rule.reason: rule.message for table in tables for rule in table.rules if rule.action is Action.QUARANTINE}

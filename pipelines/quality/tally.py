"""What the rows of a micro-batch were found to be, counted: by table, by reason, and by the rules that they break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipelines.quality.row_rules import counted_rules
from pipelines.rules import Action
from pipelines.tables import Table


@dataclass(frozen=True)
class RuleCount:
    """Of the rows of a table that were held against a rule, how many broke it."""

    table: str
    rule: str
    action: Action
    checked: int
    broken: int


@dataclass
class Tally:
    """Rows by the full name of their table: `good` ones, and `bad` ones with their reason.

    `broken`: by table and rule, good rows that break a rule which does not send them to quarantine.
    """

    good: Counter[str] = field(default_factory=Counter)
    bad: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_good(self, table: Table, rows: int, broken: Sequence[int]) -> None:
        """`broken` as `broken_counts` gives it."""
        self.good[table.full_name] += rows
        for rule, count in zip(counted_rules(table), broken, strict=True):
            self.broken[table.full_name, rule.reason] += count

    def add(self, more: Tally) -> None:
        self.good.update(more.good)
        self.bad.update(more.bad)
        self.broken.update(more.broken)

    def rule_counts(self, tables: Iterable[Table]) -> tuple[RuleCount, ...]:
        """Of each table that has rows all its rules, and all reasons besides that its rows were quarantined for.

        A row that is quarantined counts for the first rule that it breaks, and is not held against those that warn.
        """
        found = []
        for table in tables:
            name = table.full_name
            bad = {reason: rows for (of, reason), rows in self.bad.items() if of == name and rows}
            good = self.good[name]
            judged = good + sum(bad.values())
            if not judged:
                continue
            sent_away = {rule.reason: 0 for rule in table.rules if rule.action is Action.QUARANTINE} | bad
            found += [
                RuleCount(name, reason, Action.QUARANTINE, judged, rows) for reason, rows in sorted(sent_away.items())
            ]
            found += [
                RuleCount(name, rule.reason, rule.action, good, self.broken[name, rule.reason])
                for rule in counted_rules(table)
                if good
            ]
        return tuple(found)

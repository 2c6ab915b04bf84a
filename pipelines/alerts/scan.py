"""Many rules in one pass over their table.

Rules over one table that have the same labels (`by`) and the same interval are one scan: one filter by time, one
aggregation. Each row goes to the moments at which it counts (moment - window < time <= moment) and there to the panes
whose rules want it; a pane is a window and a `where` that some rules share. All aggregates are columns of that one
GROUP BY, those that rules have in common once, and the HAVING of all rules are an array expression over its rows. What
leaves Spark is only what is true. A thousand rules are then one query over data that is read once; a query a rule would
plan, schedule and read a thousand times. A join with a table of thresholds would be as fast, but only for rules that
compare one number with another, not for joint conditions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.alerts.durations import micros
from pipelines.alerts.expressions import expand, names_in, substitute
from pipelines.alerts.rules import VALUE, Group, Rule
from pipelines.alerts.signals import Signal, quoted
from pipelines.tables import Table

METRICS = "silver.metrics"
_PANE, _STEP, _VALUES, _FOUND = "__pane", "__step", "__values", "__found"
# The bound of the files to read moves in such steps, as each new bound is new code that has to be compiled.
_READ_FROM = timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Pane:
    """Rows that some rules look at together. No window: all rows."""

    window: timedelta | None
    where: str | None

    def takes(self, age: str) -> str:
        """SQL: whether a row of that age (SQL, microseconds) is in it."""
        young = "true" if self.window is None else f"{age} < {micros(self.window)}L"
        return f"{young} AND ({self.where})" if self.where else young


@dataclass(frozen=True)
class Scan:
    """`rules`: number → rule. All have the table, the labels `by` and the interval of the scan."""

    table: Table
    interval: timedelta
    by: tuple[tuple[str, str], ...]
    rules: Mapping[int, Rule] = field(hash=False)

    @property
    def number(self) -> int:
        """That of its first rule."""
        return min(self.rules)

    @property
    def follows_events(self) -> bool:
        return next(iter(self.rules.values())).expr.follows_events

    @property
    def longest(self) -> timedelta | None:
        """The longest window; None if a rule looks at the table as it stands."""
        windows = [rule.expr.window for rule in self.rules.values()]
        known = [window for window in windows if window is not None]
        return max(known) if len(known) == len(windows) else None


def scans_of(groups: Sequence[Group], tables: Mapping[str, Table]) -> tuple[Scan, ...]:
    """The scans of all rules whose table there is. Rules are numbered through all groups."""
    found: dict[tuple[str, timedelta, tuple[tuple[str, str], ...]], dict[int, Rule]] = {}
    for number, (group, rule) in enumerate(numbered(groups)):
        if rule.expr.table in tables:
            key = (rule.expr.table, group.interval, tuple(rule.expr.by.items()))
            found.setdefault(key, {})[number] = rule
    return tuple(Scan(tables[name], interval, by, rules) for (name, interval, by), rules in found.items())


def numbered(groups: Sequence[Group]) -> list[tuple[Group, Rule]]:
    return [(group, rule) for group in groups for rule in group.rules]


def active_rows(frame: DataFrame, scan: Scan, signals: Mapping[str, Signal], steps: Sequence[int]) -> DataFrame:
    """What is true at the moments `steps` (microseconds): step, rule, key (the labels as JSON), value.

    `frame` has the columns of the scan's table.
    """
    rules = scan.rules
    panes = list(dict.fromkeys(_pane(rule) for rule in rules.values()))
    selects = {sql: f"__m{place}" for place, sql in enumerate(dict.fromkeys(_selects(scan)))}
    labels = {label: f"__l{place}" for place, (label, _) in enumerate(scan.by)}
    rows = _with_panes(_at_steps(_with_signals(frame, scan, signals), scan, steps), panes, _time(scan))
    grouped = rows.groupBy(
        _PANE, _STEP, *(F.expr(sql).cast("string").alias(labels[label]) for label, sql in scan.by)
    ).agg(*(F.expr(expand(sql, _time(scan))).alias(name) for sql, name in selects.items()))
    key = F.to_json(F.struct(*(F.col(name).alias(label) for label, name in labels.items()))) if labels else F.lit("{}")
    values = list(dict.fromkeys(selects[rule.expr.select[VALUE]] for rule in rules.values()))
    found = grouped.select(
        F.col(_STEP).alias("step"),
        key.alias("key"),
        F.array(*(F.col(name).cast("double") for name in values)).alias(_VALUES),
        F.expr(f"explode(array_compact({_true_rules(rules, panes, values, selects, labels)}))").alias(_FOUND),
    )
    rule = F.expr(f"{_FOUND} div {len(values)}").alias("rule")
    value = F.expr(f"get({_VALUES}, CAST({_FOUND} % {len(values)} AS INT))").alias("value")
    return found.select("step", rule, "key", value).where("value IS NULL OR NOT isnan(value)")


def _true_rules(
    rules: Mapping[int, Rule],
    panes: Sequence[Pane],
    values: Sequence[str],
    selects: Mapping[str, str],
    labels: Mapping[str, str],
) -> str:
    """SQL: what is true in a row, an array of (number of the rule) * (count of values) + (place of its value in them).

    A number a rule and no more, as each node of this expression is gone through hundreds of times while the query is
    planned; and a row is asked for the rules of its pane alone.
    """
    asked: dict[int, list[str]] = {}
    for number, rule in rules.items():
        meanings = {**labels, **{name: selects[sql] for name, sql in rule.expr.select.items()}}
        found = number * len(values) + values.index(meanings[VALUE])
        case = f"IF({substitute(rule.expr.having, meanings)}, {found}L, NULL)"
        asked.setdefault(panes.index(_pane(rule)), []).append(case)
    branches = " ".join(f"WHEN {pane} THEN array({', '.join(cases)})" for pane, cases in asked.items())
    return f"CASE {_PANE} {branches} END"


def _pane(rule: Rule) -> Pane:
    return Pane(rule.expr.window, rule.expr.where)


def _selects(scan: Scan) -> list[str]:
    return [sql for rule in scan.rules.values() for sql in rule.expr.select.values()]


def _time(scan: Scan) -> str:
    return scan.table.time_column or "NULL"


def _with_signals(frame: DataFrame, scan: Scan, signals: Mapping[str, Signal]) -> DataFrame:
    """The columns of the signals that the rules name; if every rule names one, the rows of other metrics are left."""
    if scan.table.full_name != METRICS:
        return frame
    used = [_names(rule) & signals.keys() for rule in scan.rules.values()]
    wanted = sorted(set().union(*used))
    if all(used):
        metrics = dict.fromkeys(metric for name in wanted for metric in signals[name].metrics)
        frame = frame.where(f"metric IN ({', '.join(map(quoted, metrics))})")
    return frame.withColumns({name: F.expr(signals[name].sql) for name in wanted})


def _names(rule: Rule) -> set[str]:
    texts = (*rule.expr.select.values(), rule.expr.where or "", *rule.expr.by.values())
    # What stands in the brackets of our functions, too.
    return set().union(*(names_in(text) for text in texts))


def _at_steps(frame: DataFrame, scan: Scan, steps: Sequence[int]) -> DataFrame:
    moments = F.lit(list(steps)).cast("array<bigint>")
    if scan.table.time_column is None or scan.longest is None:
        return frame.withColumn(_STEP, F.explode(moments))
    time = F.col(scan.table.time_column).cast("timestamp")
    longest = micros(scan.longest)
    read_from = (min(steps) - longest) // micros(_READ_FROM) * micros(_READ_FROM)
    recent = frame.where(time >= F.lit(_EPOCH + timedelta(microseconds=read_from)))
    at = F.unix_micros(time)
    return recent.withColumn(_STEP, F.explode(F.filter(moments, lambda step: (step >= at) & (step < at + longest))))


def _with_panes(rows: DataFrame, panes: Sequence[Pane], time: str) -> DataFrame:
    age = f"({_STEP} - unix_micros(CAST({time} AS TIMESTAMP)))"
    if len(panes) == 1:
        return rows.where(panes[0].takes(age)).withColumn(_PANE, F.lit(0))
    taken = ", ".join(f"IF({pane.takes(age)}, {number}, NULL)" for number, pane in enumerate(panes))
    return rows.withColumn(_PANE, F.expr(f"explode(array_compact(array({taken})))"))

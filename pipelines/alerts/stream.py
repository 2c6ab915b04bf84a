"""The query `gold_alerts`: rules evaluated every few seconds, their transitions appended to gold.alerts.

The query reads a tick; what the rules look at is read from the tables, their recent windows alone. Its checkpoint holds
nothing but the number of the tick. All that is known of alerts is in gold.alerts: a start takes the last transition of
each and goes on from there, so whatever a killed process had written is never written again, and what it had not is
found anew. It first claims the table (`claim`), so that no other evaluator can write what this one does not know of.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.alerts import evaluator, history
from pipelines.alerts.claim import Claim
from pipelines.alerts.durations import micros
from pipelines.alerts.evaluator import Due, RuleBook, session_of_rules, steps_between
from pipelines.alerts.history import TABLE, Transition
from pipelines.alerts.rules import Group, load_rules
from pipelines.alerts.scan import Scan, active_rows
from pipelines.alerts.signals import Signal, load_signals
from pipelines.alerts.state import no_states
from pipelines.errors import AlertRuleError
from pipelines.settings import Settings
from pipelines.streams import Trigger, start_query
from pipelines.tables import Table, all_contracts, ensure_table, parse_type, read_table

QUERY = "gold_alerts"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The newest event is looked for among those that are at most so much older than the newest known.
_NEWEST_WITHIN = timedelta(hours=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AlertOptions:
    """`tick`: how often rules are evaluated. `look_back`: how far back, in event time, a start evaluates what nobody
    has; `backlog`: likewise in a run that ends by itself, which nobody waits for. `steps_at_once`: moments
    of one Spark job."""

    tick: str = "5 seconds"
    look_back: timedelta = timedelta(hours=1)
    backlog: timedelta = timedelta(days=1)
    steps_at_once: int = 240


@dataclass
class Evaluation:
    """What the stream knows between two ticks, all of it to be had again from gold.alerts.

    `last`: number of a scan → the moment it was last made at; `newest`: the newest event. Microseconds since 1970.
    """

    spark: SparkSession
    settings: Settings
    claim: Claim
    book: RuleBook
    look_back: timedelta
    steps_at_once: int
    states: Any = field(default_factory=no_states)
    orphans: tuple[Any, ...] = ()
    last: dict[int, int] = field(default_factory=dict)
    newest: int | None = None

    def recover(self) -> None:
        self.claim.make()
        found = history.recover(read_table(self.spark, self.settings, TABLE), self.book.evaluated)
        self.states, self.orphans = found.states, found.orphans
        for scan in self.book.scans:
            times = [found.last[number] for number in scan.rules if number in found.last]
            if times:
                self.last[scan.number] = max(times)

    def tick(self, now: datetime) -> list[Transition]:
        """Evaluate what is due at `now` (UTC) and write it down; what was written."""
        clock = (now - _EPOCH) // timedelta(microseconds=1)
        due = self._due(clock)
        written = history.ends_of(self.orphans, clock if self.newest is None else self.newest, now)
        self._write(written)
        self.orphans = ()
        while due:
            part = [Due(one.scan, one.steps[: self.steps_at_once]) for one in due]
            outcome = evaluator.evaluate(self.book, self._read, part, self.states, now)
            # Nothing is remembered that is not written.
            self._write(outcome.transitions)
            written += outcome.transitions
            self.states = outcome.states
            self.last |= {one.scan.number: one.steps[-1] for one in part}
            due = [Due(one.scan, one.steps[self.steps_at_once :]) for one in due if one.steps[self.steps_at_once :]]
        return written

    def _due(self, clock: int) -> list[Due]:
        by_events = [scan for scan in self.book.scans if scan.follows_events]
        if by_events:
            found = newest_event(self._read, by_events, self.newest)
            # An event of the future is not yet.
            self.newest = self.newest if found is None else min(clock, max(found, self.newest or 0))
        due = []
        for scan in self.book.scans:
            if scan.follows_events:
                until = self.newest
                steps = (
                    ()
                    if until is None
                    else steps_between(self.last.get(scan.number), until, scan.interval, self.look_back)
                )
            else:
                # What is known now says nothing of moments that have passed.
                steps = (clock,) if clock - self.last.get(scan.number, 0) >= micros(scan.interval) else ()
            if steps:
                due.append(Due(scan, steps))
        return due

    def _read(self, table: Table) -> DataFrame:
        return read_table(self.spark, self.settings, table)

    def _write(self, transitions: Sequence[Transition]) -> None:
        if not transitions:
            return
        schema = ", ".join(f"`{column.name}` {column.type}" for column in TABLE.columns)
        self.claim.append(self.spark.createDataFrame([transition.row for transition in transitions], schema))


def newest_event(read: evaluator.Read, scans: Sequence[Scan], known: int | None) -> int | None:
    """The newest time in the tables of the scans, microseconds; None if they are empty."""
    parts = []
    for table in {scan.table.full_name: scan.table for scan in scans}.values():
        time = F.col(str(table.time_column))
        rows = read(table)
        if known is not None:
            whole_hours = (known // micros(_NEWEST_WITHIN) - 1) * micros(_NEWEST_WITHIN)
            rows = rows.where(time >= F.lit(history.moment(whole_hours)))
        parts.append(rows.agg(F.unix_micros(F.max(time)).alias("newest")))
    row = reduce(DataFrame.unionByName, parts).agg(F.max("newest")).first()
    return None if row is None else row[0]


def known_tables(groups: Sequence[Group]) -> dict[str, Table]:
    """The tables of the rules that have a contract."""
    names = {rule.expr.table for group in groups for rule in group.rules}
    return {table.full_name: table for table in all_contracts() if table.full_name in names}


def check_sql(spark: SparkSession, book: RuleBook) -> None:
    """Raises AlertRuleError for every rule whose SQL Spark cannot run over the columns of its table."""
    complaints = []
    for scan in book.scans:
        empty = empty_frame(spark, scan.table)
        if _complaint(empty, scan, book.signals) is None:
            continue
        for number, rule in scan.rules.items():
            alone = Scan(scan.table, scan.interval, scan.by, {number: rule})
            found = _complaint(empty, alone, book.signals)
            if found is not None:
                complaints.append(f"alert {rule.alert}: expr over {scan.table.full_name} cannot be run: {found}")
    if complaints:
        raise AlertRuleError("\n".join(complaints))


def _complaint(empty: DataFrame, scan: Scan, signals: Mapping[str, Signal]) -> str | None:
    try:
        # Spark looks at names and types when it is asked for the schema.
        active_rows(empty, scan, signals, (0,)).schema  # noqa: B018
    except PySparkException as error:
        return str(error).strip().splitlines()[0]
    return None


def empty_frame(spark: SparkSession, table: Table) -> DataFrame:
    return spark.range(0).select(
        *(F.lit(None).cast(parse_type(column.type)).alias(column.name) for column in table.columns)
    )


def prepare(
    spark: SparkSession, settings: Settings, trigger: Trigger, options: AlertOptions, groups: Sequence[Group]
) -> Evaluation:
    """Rules that can be run, tables that are there, states as gold.alerts tells them, and no other evaluator."""
    spark = session_of_rules(spark)
    book = RuleBook.of(groups, load_signals(), known_tables(groups))
    check_sql(spark, book)
    if book.skipped:
        names = ", ".join(f"{rule.alert} ({rule.expr.table})" for rule in book.skipped)
        _log.warning("%d alert rules are not evaluated, as their tables do not exist: %s", len(book.skipped), names)
    for table in {TABLE.full_name: TABLE, **{scan.table.full_name: scan.table for scan in book.scans}}.values():
        ensure_table(spark, settings, table)
    look_back = options.backlog if trigger is Trigger.AVAILABLE_NOW else options.look_back
    claim = Claim.of_this_process(spark, settings)
    evaluation = Evaluation(spark, settings, claim, book, look_back, options.steps_at_once)
    evaluation.recover()
    return evaluation


def start(
    spark: SparkSession,
    settings: Settings,
    trigger: Trigger,
    options: AlertOptions = AlertOptions(),
) -> StreamingQuery:
    """Raises AlertRuleError if a rule cannot be read or run."""
    evaluation = prepare(spark, settings, trigger, options, load_rules())
    ticks = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()

    def on_tick(_tick: DataFrame, _number: int) -> None:
        evaluation.tick(datetime.now(UTC))

    writer = ticks.writeStream.outputMode("append").foreachBatch(on_tick)
    return start_query(writer, settings, QUERY, trigger, options.tick)

"""The stream: what is true of the tables becomes transitions in gold.alerts, each once, whatever ends the process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pipelines import routing
from pipelines.alerts.claim import Claim
from pipelines.alerts.evaluator import RuleBook, steps_between
from pipelines.alerts.history import TABLE
from pipelines.alerts.rules import Group
from pipelines.alerts.signals import load_signals
from pipelines.alerts.stream import AlertOptions, Evaluation, check_sql, known_tables, prepare
from pipelines.errors import AlertRuleError, StreamError
from pipelines.settings import Settings
from pipelines.streams import Trigger
from pipelines.tables import ensure_table, read_table

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
_COLUMNS = ", ".join(f"`{column.name}` {column.type}" for column in routing.METRICS.columns)


def group(**changes: Any) -> Group:
    expr = {
        "select": {"value": "newest(cpu_utilization)"}, "from": "silver.metrics", "by": ["resource_id"],
        "window": "2m", "having": "100 / (value - 50) > 0 AND value > 80",
    }  # fmt: skip
    hot = {
        "alert": "Hot",
        "expr": expr | changes,
        "for": "2m",
        "labels": {"severity": "page"},
        "annotations": {"summary": "{{ $labels.resource_id }} {{ $value }}"},
    }
    return Group.model_validate({"name": "hosts", "interval": "1m", "rules": [hot]})


class Lakehouse:
    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self.spark, self.settings = spark, settings
        ensure_table(spark, settings, routing.METRICS)

    def measure(self, resource: str, first_minute: int, values: Sequence[float]) -> None:
        rows = []
        for place, value in enumerate(values):
            time = NOON + timedelta(minutes=first_minute + place)
            row = {
                "event_id": f"{resource}{time}", "event_time": time, "kafka_timestamp": time, "ingest_time": time,
                "source": "test", "resource_id": resource, "series_id": 1, "namespace": "n",
                "metric": "cpu_utilization", "value": float(value), "topic": "t", "partition": 0, "offset": 0,
                "item": 0, "part": 0,
            }  # fmt: skip
            rows.append(tuple(row.get(name) for name in routing.METRICS.column_names))
        frame = self.spark.createDataFrame(rows, _COLUMNS).coalesce(1)
        frame.write.format("delta").mode("append").save(routing.METRICS.path(self.settings))

    def start(self, *groups: Group) -> Evaluation:
        """As a process does that knows nothing of one before it."""
        return prepare(self.spark, self.settings, Trigger.CONTINUOUS, AlertOptions(), groups or (group(),))

    def alerts(self) -> list[tuple[str, str, int, float | None]]:
        """Resource, state, minute after noon and value of all transitions, in order."""
        rows = read_table(self.spark, self.settings, TABLE).orderBy("transition_time", "resource_id").collect()
        assert len({row["transition_id"] for row in rows}) == len(rows)
        noon = NOON.timestamp()
        return [
            (row["resource_id"], row["state"], int(row["transition_time"].timestamp() - noon) // 60, row["value"])
            for row in rows
        ]


@pytest.fixture
def lakehouse(spark: SparkSession, settings: Settings) -> Lakehouse:
    return Lakehouse(spark, settings)


def test_transitions_are_written_once_whoever_evaluates_again(lakehouse: Lakehouse) -> None:
    lakehouse.measure("vm1", 0, [50, 90, 91, 92])
    lakehouse.measure("vm2", 0, [float("nan"), 50, 85])
    first = lakehouse.start()
    first.tick(LATER)
    written = [("vm1", "pending", 1, 90.0), ("vm2", "pending", 2, 85.0), ("vm1", "firing", 3, 92.0)]
    assert lakehouse.alerts() == written
    # A second tick on the same rows, and a process that starts after a kill -9 of the first, find nothing new.
    assert first.tick(LATER) == []
    assert lakehouse.start().tick(LATER) == []
    # What was firing when the process ended goes on; a late row of the past changes nothing that was written.
    lakehouse.measure("vm2", 1, [99])
    lakehouse.measure("vm1", 4, [93, 60, 60])
    lakehouse.start().tick(LATER)
    assert lakehouse.alerts() == [*written, ("vm2", "inactive", 4, None), ("vm1", "resolved", 5, None)]


def test_of_two_evaluators_the_one_that_started_last_writes_and_the_other_ends(lakehouse: Lakehouse) -> None:
    lakehouse.measure("vm1", 0, [50, 90])
    first = lakehouse.start()
    first.tick(LATER)
    lakehouse.measure("vm1", 2, [91, 92])
    second = lakehouse.start()
    # Neither has the other's transitions twice, whoever comes first.
    message = f"another evaluator, {second.claim.holder}; this one, {first.claim.holder}, ends"
    with pytest.raises(StreamError, match=re.escape(message)):
        first.tick(LATER)
    assert lakehouse.alerts() == [("vm1", "pending", 1, 90.0)]
    second.tick(LATER)
    assert lakehouse.alerts() == [("vm1", "pending", 1, 90.0), ("vm1", "firing", 3, 92.0)]


def test_an_evaluator_whose_clock_is_behind_that_of_the_last_does_not_start(lakehouse: Lakehouse) -> None:
    ahead = lakehouse.start()
    behind = Claim(lakehouse.spark, lakehouse.settings, "process 1 on elsewhere", ahead.claim.version - 10)
    with pytest.raises(StreamError, match="its clock was ahead"):
        behind.make()


def test_an_alert_whose_rule_is_gone_is_resolved(lakehouse: Lakehouse) -> None:
    lakehouse.measure("vm1", 0, [90, 90, 90])
    lakehouse.start().tick(LATER)
    other = group(having="value > 95")
    renamed = other.model_copy(update={"rules": (other.rules[0].model_copy(update={"alert": "Hotter"}),)})
    lakehouse.start(renamed).tick(LATER)
    assert lakehouse.alerts()[-1] == ("vm1", "resolved", 2, None)


def test_rules_over_gold_go_by_the_clock_at_their_interval(spark: SparkSession, settings: Settings) -> None:
    silent = group(**{"from": "gold.agent_health", "select": {"value": "count(*)"}, "having": "value > 0"})
    book = RuleBook.of([silent], load_signals(), known_tables([silent]))
    claim = Claim.of_this_process(spark, settings)
    evaluation = Evaluation(spark, settings, claim, book, timedelta(hours=1), 60)
    minute = 60_000_000
    assert [one.steps for one in evaluation._due(7 * minute)] == [(7 * minute,)]
    evaluation.last[0] = 7 * minute
    assert evaluation._due(8 * minute - 1) == []
    assert [one.steps for one in evaluation._due(9 * minute)] == [(9 * minute,)]


def test_sql_that_cannot_be_run_stops_the_start(spark: SparkSession) -> None:
    wrong = group(select={"value": "newest(cpu_utilisation)"})
    book = RuleBook.of([wrong], load_signals(), known_tables([wrong]))
    with pytest.raises(AlertRuleError, match=r"alert Hot: expr over silver\.metrics cannot be run: .*cpu_utilisation"):
        check_sql(spark, book)


def test_a_rule_whose_table_does_not_exist_is_skipped() -> None:
    there_not = group(**{"from": "gold.not_yet"})
    book = RuleBook.of([group(), there_not], load_signals(), known_tables([group(), there_not]))
    assert [rule.expr.table for rule in book.skipped] == ["gold.not_yet"]
    assert list(book.evaluated) == [0]


def test_moments_are_the_steps_of_the_interval_and_the_newest_event() -> None:
    second = 1_000_000
    step, far = timedelta(seconds=10), timedelta(hours=1)
    assert steps_between(95 * second, 121 * second, step, far) == tuple(s * second for s in (100, 110, 120, 121))
    assert steps_between(100 * second, 110 * second, step, far) == (110 * second,)
    assert steps_between(110 * second, 110 * second, step, far) == ()
    assert steps_between(None, 120 * second, step, timedelta(seconds=15)) == (110 * second, 120 * second)

"""Everything that a producer can get wrong: each value is a silver row or a quarantine row with the right reason.

Nothing is lost, nothing stops the stream, and what comes after is processed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from pipelines import bronze, routing
from pipelines.operations.reconcile import TopicBalance, reconcile
from pipelines.settings import Settings
from pipelines.tables import read_table
from tests.conftest import NO_SCHEMAS, Kafka, SettingsFactory, catch_up

NOW = datetime.now(UTC).replace(microsecond=0)
TIME = NOW.isoformat().replace("+00:00", "Z")
MACHINE = "/subscriptions/s/resourcegroups/g/providers/microsoft.hybridcompute/machines/h"
PERF, HEARTBEAT, STREAM, PROMETHEUS = "am-Perf", "am-Heartbeat", "aws.metrics", "prometheus.metrics"


def perf(**changes: Any) -> dict[str, Any]:
    row = {
        "TimeGenerated": TIME, "Computer": "h", "ObjectName": "Processor", "CounterName": "% Processor Time",
        "InstanceName": "_Total", "CounterValue": 12.5, "Type": "Perf", "_ResourceId": MACHINE,
    }  # fmt: skip
    return {key: value for key, value in {**row, **changes}.items() if value != "absent"}


def heartbeat(**changes: Any) -> dict[str, Any]:
    row = {"TimeGenerated": TIME, "Computer": "h", "OSType": "Linux", "Type": "Heartbeat", "_ResourceId": MACHINE}
    return {key: value for key, value in {**row, **changes}.items() if value != "absent"}


def metric(**changes: Any) -> dict[str, Any]:
    row = {
        "metric_stream_name": "s", "account_id": "1", "region": "eu-west-1", "namespace": "AWS/EC2",
        "metric_name": "CPUUtilization", "dimensions": {"InstanceId": "i-1"},
        "timestamp": int(NOW.timestamp() * 1000), "value": {"count": 2.0, "sum": 30.0, "max": 20.0, "min": 10.0},
        "unit": "Percent",
    }  # fmt: skip
    return {key: value for key, value in {**row, **changes}.items() if value != "absent"}


def sample(**changes: Any) -> dict[str, Any]:
    row = {"labels": {"__name__": "up", "instance": "a:9100"}, "name": "up", "timestamp": TIME, "value": "1"}
    return {key: value for key, value in {**row, **changes}.items() if value != "absent"}


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@dataclass(frozen=True)
class Case:
    """A value, and what is to become of its records: values in silver, in order, and reasons in quarantine."""

    name: str
    topic: str
    value: bytes | str | None
    silver: tuple[float | None, ...] = ()
    quarantine: tuple[str, ...] = ()
    ignored: int = 0


def text(*records: dict[str, Any]) -> str:
    return json.dumps({"records": list(records)})


CASES = (
    # Nothing at all.
    *(Case(f"tombstone in {topic}", topic, None, quarantine=("null_value",)) for topic in (PERF, STREAM, PROMETHEUS)),
    Case("empty value", PERF, b"", quarantine=("empty_value",)),
    Case("blanks only", STREAM, b" \r\n\t ", quarantine=("empty_value",)),
    Case("export without rows", PERF, '{"records":[]}', ignored=1),
    Case("empty list", PROMETHEUS, "[]", ignored=1),
    # Not JSON, or not all of it.
    Case("truncated sample", PROMETHEUS, json.dumps(sample())[:-9], quarantine=("malformed_json",)),
    Case("truncated export", PERF, text(perf(), perf())[:-30], quarantine=("malformed_json",)),
    Case("truncated last line of two", STREAM, json.dumps(metric()) + "\n" + json.dumps(metric(unit="x"))[:40],
         silver=(15.0,), quarantine=("malformed_json",)),
    Case("prose", PERF, "it is quite warm today", quarantine=("malformed_json",)),
    Case("a sample and a half", PROMETHEUS, json.dumps(sample(value="3")) + "}", quarantine=("malformed_json",)),
    Case("single quotes, as some services write them", PROMETHEUS, str(sample(value="4")), silver=(4.0,)),
    Case("truncated single quotes", PROMETHEUS, str(sample())[:-9], quarantine=("malformed_json",)),
    Case("bare NaN", PERF, text(perf(CounterValue=float("nan"))), quarantine=("malformed_json",)),
    # Not UTF-8.
    Case("invalid UTF-8", PERF, b'{"records":[{"Computer":"\xff\xfe"}]}', quarantine=("invalid_utf8",)),
    Case("random bytes", STREAM, bytes(range(128, 256)), quarantine=("invalid_utf8",)),
    Case("UTF-16", PROMETHEUS, json.dumps(sample()).encode("utf-16"), quarantine=("invalid_utf8",)),
    # JSON of another shape.
    Case("a number", PROMETHEUS, "42", quarantine=("wrong_shape",)),
    Case("null", PERF, "null", quarantine=("wrong_shape",)),
    Case("a list of texts", STREAM, '["AWS/EC2"]', quarantine=("wrong_shape",)),
    Case("a text among rows", PERF, '{"records":[' + json.dumps(perf(CounterValue=2)) + ',"Perf"]}',
         silver=(2.0,), quarantine=("wrong_shape",)),
    Case("labels that are a list", PROMETHEUS, json.dumps(sample(labels=["up"])), quarantine=("wrong_shape",)),
    Case("a foreign object", PERF, '{"greeting":"hello"}', quarantine=("unknown_envelope",)),
    Case("an empty object", PERF, "{}", quarantine=("unknown_envelope",)),
    Case("another table", PERF, text(perf(Type="Syslog")), quarantine=("unsupported_table",)),
    # Numbers as text, text as numbers.
    Case("numbers as text", PERF, text(perf(CounterValue="12.75", InstanceName="text")), silver=(12.75,)),
    Case("statistics as text", STREAM,
         json.dumps(metric(unit="text", value={"count": "4", "sum": "10", "max": "3", "min": "2"})), silver=(2.5,)),
    Case("text that is no number", PERF, text(perf(CounterValue="n/a")), quarantine=("bad_value",)),
    Case("a sample that is no number", PROMETHEUS, json.dumps(sample(value="high")), quarantine=("bad_value",)),
    Case("a number where text belongs", PERF, text(perf(InstanceName=7, CounterValue=7.25)), silver=(7.25,)),
    Case("a sample's value as number", PROMETHEUS, json.dumps(sample(value=8)), silver=(8.0,)),
    Case("a number that no double holds", PERF, '{"records":[' + json.dumps(perf())[:-1] + ',"CounterValue":1e400}]}',
         quarantine=("bad_value",)),
    Case("a statistic that no double holds", STREAM, json.dumps(metric()).replace("30.0", "1e400"),
         quarantine=("bad_value",)),
    Case("no number at all", PERF, text(perf(CounterValue="absent")), quarantine=("no_value",)),
    # Times.
    Case("no time", PROMETHEUS, json.dumps(sample(timestamp="absent")), quarantine=("bad_time",)),
    Case("a time that is none", PERF, text(perf(TimeGenerated="yesterday")), quarantine=("bad_time",)),
    Case("the 30th of February", PERF, text(perf(TimeGenerated="2026-02-30T10:00:00Z")), quarantine=("bad_time",)),
    Case("a time beyond any calendar", STREAM, json.dumps(metric(timestamp=10**17)), quarantine=("bad_time",)),
    Case("next year", HEARTBEAT, text(heartbeat(TimeGenerated=(NOW + timedelta(days=365)).isoformat())),
         quarantine=("future_time",)),
    Case("a heartbeat of long ago", HEARTBEAT, text(heartbeat(TimeGenerated="2001-01-01T00:00:00Z")), silver=(None,)),
    # Shapes that are hard on a parser.
    Case("deep nesting", PERF, nested(900), quarantine=("unknown_envelope",)),
    Case("bottomless nesting", PERF, "[" * 20_000, quarantine=("malformed_json",)),
    Case("a key twice: the last one counts", PROMETHEUS, json.dumps(sample())[:-1] + ',"value":"2"}', silver=(2.0,)),
    Case("a key twice in what is taken apart", PERF,
         '{"records":[' + json.dumps(perf())[:-1] + ',"CounterValue":9},"Perf"]}',
         silver=(9.0,), quarantine=("wrong_shape",)),
    Case("records twice", PERF, text(perf())[:-1] + ',"records":[]}', quarantine=("duplicate_key",)),
    Case("1 MB in one record", PERF, text(perf(CounterPath="x" * 1_000_000, CounterValue=3.5)), silver=(3.5,)),
    Case("1 MB of nothing known", STREAM, json.dumps({"blob": "x" * 1_000_000}), quarantine=("unknown_envelope",)),
    Case("a huge array", PERF, text(*(perf(InstanceName=str(number), CounterValue=number) for number in range(3000))),
         silver=tuple(float(number) for number in range(3000))),
    Case("a huge array with one bad row", PERF,
         text(*(perf(ObjectName="Other", InstanceName=str(number), CounterValue=number) for number in range(1000)),
              perf(CounterValue="n/a")),
         silver=tuple(float(number) for number in range(1000)), quarantine=("bad_value",)),
)  # fmt: skip


class Outcome:
    """What became of the cases, each in a topic of its own."""

    def __init__(self, spark: SparkSession, settings: Settings, kafka: Kafka) -> None:
        self.spark, self.settings, self.kafka = spark, settings, kafka
        metrics = read_table(spark, settings, routing.METRICS).select("topic", "offset", "item", "value")
        heartbeats = read_table(spark, settings, routing.HEARTBEATS).select("topic", "offset", "item")
        quarantine = read_table(spark, settings, routing.QUARANTINE).withColumn("raw_size", F.octet_length("raw"))
        self.silver = [*metrics.collect(), *heartbeats.withColumn("value", F.lit(None)).collect()]
        self.quarantine = quarantine.orderBy("item").collect()
        self.balances: dict[str, TopicBalance] = {
            balance.topic: balance for balance in reconcile(spark, settings, NO_SCHEMAS)
        }


def topic_of(case: Case) -> str:
    """A topic of its own keeps the offsets of cases apart; the name keeps telling the family."""
    return f"{case.topic}.case{CASES.index(case)}"


@pytest.fixture(scope="module")
def outcome(spark: SparkSession, broker: str, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    from pipelines.settings import load_settings

    kafka = Kafka(broker)
    settings = load_settings(
        "local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("bad-input") / "lakehouse"), **kafka.environ}
    )
    kafka.create(*(topic_of(case) for case in CASES), partitions=1)
    for case in CASES:
        kafka.produce(topic_of(case), case.value)
    for job in ("bronze", "silver"):
        catch_up(spark, settings, kafka.bootstrap, job)
    return Outcome(spark, settings, kafka)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_in_silver_or_in_quarantine_for_the_right_reason(case: Case, outcome: Outcome) -> None:
    topic = outcome.kafka.topic(topic_of(case))
    values = [row["value"] for row in sorted(of(outcome.silver, topic), key=lambda row: row["item"])]
    bad = of(outcome.quarantine, topic)
    balance = outcome.balances[topic]

    assert [row["reason"] for row in bad] == list(case.quarantine)
    assert values == list(case.silver)
    assert balance.holds
    assert (balance.values, balance.ignored) == (1, case.ignored)
    assert balance.items == len(case.silver) + len(case.quarantine) + case.ignored
    for row in bad:
        assert row["message"]
        assert (row["raw_size"] or 0) > 0 or row["reason"] in ("null_value", "empty_value")


def of(rows: list[Row], topic: str) -> list[Row]:
    return [row for row in rows if row["topic"] == topic]


def test_bronze_has_the_bytes_as_they_came(outcome: Outcome) -> None:
    telemetry = read_table(outcome.spark, outcome.settings, bronze.TABLE).select("topic", "value").collect()
    found = {row["topic"]: row["value"] for row in telemetry}

    for case in CASES:
        sent = case.value.encode() if isinstance(case.value, str) else case.value
        assert found[outcome.kafka.topic(topic_of(case))] == sent, case.name


def test_the_stream_goes_on_afterwards(spark: SparkSession, kafka: Kafka, make_settings: SettingsFactory) -> None:
    """With the same checkpoint, batch after batch, and bad values among the good."""
    settings = make_settings(**kafka.environ)
    for number, bad in enumerate((None, b"", b"{", b"\xff", "[" * 20_000)):
        kafka.produce(PROMETHEUS, bad, json.dumps(sample(value=str(number))))
        catch_up(spark, settings, kafka.bootstrap, "bronze")
        catch_up(spark, settings, kafka.bootstrap, "silver")

    (balance,) = reconcile(spark, settings, NO_SCHEMAS)
    assert (balance.silver, balance.quarantined, balance.items) == (5, 5, 10)
    assert balance.holds

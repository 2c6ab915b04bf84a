"""From rows of silver.logs to patterns and scores, batch by batch; a repeated batch changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from pipelines.detection.logs.masking import masked
from pipelines.detection.logs.novelty import NoveltyRules
from pipelines.detection.logs.patterns import PatternRules
from pipelines.detection.logs.rows import TABLE
from pipelines.detection.logs.state import load_state, snapshots_of
from pipelines.detection.logs.stream import LOGS, LogRules, scores_table, write_batch
from pipelines.detection.scores import Scores
from pipelines.errors import StorageError
from pipelines.settings import Settings
from pipelines.tables import ensure_table, read_table

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = LogRules(patterns=PatternRules(novelty=NoveltyRules(probation_minutes=60, probation_messages=60)))
_SCHEMA = ", ".join(f"`{column.name}` {column.type}" for column in LOGS.columns)
_DEFAULTS: dict[str, Any] = {"source": "test", "host_name": "h", "logger": "sshd", "severity_number": 9}

Record = dict[str, Any]


@dataclass(frozen=True)
class LastValue:
    """What was last is expected; nothing, or much else, is an anomaly."""

    version: str = "1"

    def fresh_states(self, series: int) -> NDArray[np.float64]:
        return np.full((series, 1), np.nan)

    def score(
        self, states: NDArray[np.float64], series: NDArray[np.int64], times: NDArray[np.float64], values: Any
    ) -> Scores:
        expected = np.empty(len(values))
        for place, (row, value) in enumerate(zip(series, values, strict=True)):
            expected[place], states[row, 0] = states[row, 0], value
        score = np.where(np.abs(values - expected) > 5, 0.9, 0.1)
        return Scores(score, expected, expected - 1, expected + 1)


def record(minute: float, message: str, **columns: Any) -> Record:
    at = NOON + timedelta(minutes=minute)
    row = {"resource_id": "r", "message": message, "event_time": at, "kafka_timestamp": at, "ingest_time": at}
    return {**_DEFAULTS, **row, **columns}


def logins(first: int, last: int, **columns: Any) -> list[Record]:
    """Twenty logins in each of the minutes."""
    return [
        record(minute + place / 60, f"Accepted publickey for root from 10.0.0.{place} port {minute}", **columns)
        for minute in range(first, last + 1)
        for place in range(20)
    ]


class Logs:
    """The tables, and how to give them batches."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self.spark, self.settings = spark, settings
        for table in (TABLE, scores_table()):
            ensure_table(spark, settings, table)

    def write(self, batch_id: int, *records: Record) -> None:
        write_batch(self.frame(*records), batch_id, self.settings, "q", RULES, LastValue())

    def frame(self, *records: Record) -> DataFrame:
        numbered = [{"event_id": f"{place:05}", **row} for place, row in enumerate(records)]
        return self.spark.createDataFrame(
            [tuple(row.get(name) for name in LOGS.column_names) for row in numbered], _SCHEMA
        )

    def patterns(self) -> dict[str, Row]:
        return {
            row["template"]: row for row in read_table(self.spark, self.settings, TABLE).drop("updated_at").collect()
        }

    def scores(self, metric: str) -> list[Row]:
        rows = read_table(self.spark, self.settings, scores_table()).where(F.col("metric") == metric)
        minute = ((F.unix_seconds("event_time") - int(NOON.timestamp())) / 60).alias("minute")
        return rows.orderBy("event_time", "series_id").select("*", minute).drop("scored_at").collect()


@pytest.fixture
def logs(spark: SparkSession, settings: Settings) -> Logs:
    return Logs(spark, settings)


def test_what_varies_is_masked(spark: SparkSession) -> None:
    expected = {
        "Failed password for root from 10.1.2.3 port 22 ssh2": "Failed password for root from <ip> port <num> <num>",
        "client 10.1.2.3:4711 left": "client <ip> left",
        "took 12.5ms, 5% of 1,234": "took <num>, <num>% of <num>",
        "user 'bob smith' can't open \"a b\"": "user <text> can't open <text>",
        "no file /var/log/app.log here, and/or there": "no file <path> here, and/or there",
        r"no file C:\Windows\x.dll": "no file C<path>",
        "see https://a.b/c?d=1, please": "see https:<url>, please",
        "id f47ac10b-58cc-4372-a567-0e02b2c3d479 at 2026-03-02T12:00:00.123Z": "id <num> at <num>",
        "mac aa:bb:cc:dd:ee:01 has fe80::1": "mac <num> has <num>",
        "[17:ERROR] at 0xdeadbeef": "[<num>:ERROR] at <num>",
        "std::bad_alloc\n\tat main.cpp:17": "std::bad_alloc",
        '{"level": "info", "message": "queue 7 is full"}': "queue <num> is full",
        "": "",
    }
    frame = spark.createDataFrame([(message,) for message in expected], "message string")

    found = {
        row["message"]: row["masked"]
        for row in frame.select("message", masked(F.col("message")).alias("masked")).collect()
    }

    assert found == expected


def test_a_pattern_is_a_row_that_grows(logs: Logs) -> None:
    logs.write(0, *logins(0, 1))
    logs.write(1, record(2, "Accepted publickey for bob from 10.0.0.1 port 5", resource_id="s", severity_number=13))

    (row,) = logs.patterns().values()

    assert row["template"] == "Accepted publickey for <*> from <ip> port <num>"
    assert (row["count"], row["resources"], row["severity_number"]) == (41, 2, 13)
    assert row["example"] == "Accepted publickey for root from 10.0.0.0 port 0"
    assert (row["first_seen"].timestamp(), row["last_seen"].timestamp()) == (NOON.timestamp(), NOON.timestamp() + 120)


def test_a_new_pattern_is_an_anomaly_once_the_resource_is_known(logs: Logs) -> None:
    alarm = [record(90, f"Out of memory: killed process {pid}", severity_number=17) for pid in (11, 12)]
    logs.write(0, *logins(0, 80), record(3, "link eth0 is down", severity_number=17))
    logs.write(1, *logins(81, 90), *alarm, record(91, "time set to 5", severity_number=9))
    logs.write(2, *logins(91, 92), *alarm)

    worst, harmless = logs.scores("log pattern")

    assert worst["top_contributors"] == ["Out of memory: killed process <num>"]
    assert (worst["minute"], worst["value"], worst["expected"], worst["is_anomaly"]) == (90, 2.0, 0.0, True)
    assert (worst["resource_id"], worst["host_name"], worst["namespace"]) == ("r", "h", "logs")
    assert worst["detector"] == "log_pattern"
    assert (harmless["is_anomaly"], harmless["anomaly_score"] < 0.8) == (False, True)


def test_minutes_are_scored_when_they_are_over_and_silence_counts_zero(logs: Logs) -> None:
    logs.write(0, *logins(0, 3))
    logs.write(1, *logins(2, 2), *logins(7, 7))  # those of minute 2 are in time, as its grace is not past
    logs.write(2, *logins(1, 1), *logins(9, 9))  # and those of minute 1 too late

    rows = logs.scores("log volume")

    assert [(row["minute"], row["value"]) for row in rows] == [
        (0, 20), (1, 20), (2, 40), (3, 20), (4, 0), (5, 0), (6, 0), (7, 20),
    ]  # fmt: skip
    assert rows[0]["expected"] is None
    assert rows[4]["expected"] == pytest.approx(20)
    assert [row["is_anomaly"] for row in rows[3:6]] == [False, True, False]
    assert {tuple(row["top_contributors"]) for row in rows} == {("other",)}
    assert sum(row["count"] for row in logs.patterns().values()) == 160


def test_severities_are_series_of_their_own(logs: Logs) -> None:
    logs.write(0, *logins(0, 4), *logins(1, 4, severity_number=17), *logins(2, 4, severity_number=13))

    series = {(row["series_id"], row["top_contributors"][0]) for row in logs.scores("log volume")}

    assert {name for _, name in series} == {"error", "warning", "other"}
    assert len({identity for identity, _ in series}) == 3


def test_a_repeated_batch_changes_nothing(logs: Logs) -> None:
    second = [*logins(81, 90), record(90, "Out of memory: killed process 4", severity_number=17)]
    logs.write(0, *logins(0, 80))
    logs.write(1, *second)
    folder = snapshots_of(logs.settings.root, "q")
    once = (logs.patterns(), logs.scores("log pattern"), logs.scores("log volume"), load_state(folder, 2))

    logs.write(1, *second)

    assert (logs.patterns(), logs.scores("log pattern"), logs.scores("log volume")) == once[:3]
    again = load_state(folder, 2)
    for name in ("patterns", "resources", "series", "open_minutes", "detector"):
        assert str(getattr(again, name)) == str(getattr(once[3], name))
    assert len({row["score_id"] for row in once[2]}) == len(once[2])


def test_a_batch_without_rows_leaves_what_is_known(logs: Logs) -> None:
    logs.write(0, *logins(0, 2))
    logs.write(1)
    logs.write(2, *logins(3, 4))

    (row,) = logs.patterns().values()
    assert row["count"] == 100


def test_two_snapshots_are_kept_and_a_missing_one_is_named(logs: Logs) -> None:
    for batch in range(3):
        logs.write(batch)
    folder = snapshots_of(logs.settings.root, "q")

    assert sorted(path.name for path in folder.iterdir()) == ["1", "2"]
    with pytest.raises(StorageError, match=r"batch 9 starts from .*8.* delete the query's checkpoint"):
        logs.write(9, *logins(9, 9))

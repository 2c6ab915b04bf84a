"""gold.agent_health: who is alive, since when, and how long it was down today; in whatever order heartbeats come."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from pipelines import routing
from pipelines.gold.agent_health import TABLE, refresh, update_health
from pipelines.settings import Settings
from pipelines.tables import Table, ensure_table, read_table

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MIDNIGHT = NOON - timedelta(hours=12)
SILENT_SECONDS = 300.0  # conf/base.yaml: late after 2 minutes, silent after 5
FACTS = ("state", "state_since", "run_start", "first_heartbeat", "last_heartbeat", "downtime_seconds", "day")

Beat = tuple[str, float]  # agent, seconds after noon


def frame(spark: SparkSession, table: Table, rows: list[dict[str, Any]]) -> DataFrame:
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in rows], schema)


class Health:
    """The table, and the heartbeats so far; `hear` is one micro-batch."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self.spark, self.settings = spark, settings
        self._history: list[dict[str, Any]] = []
        self._rows: list[dict[str, Any]] = []

    def hear(self, *beats: Beat, now: float, **facts: str) -> None:
        """`beats` arrive, and all agents are judged `now` seconds after noon."""
        new = [
            {"resource_id": agent, "event_time": NOON + timedelta(seconds=second), "source": "test", **facts}
            for agent, second in beats
        ]
        self._history += new
        heartbeats, history = (frame(self.spark, routing.HEARTBEATS, rows) for rows in (new, self._history))
        before = frame(self.spark, TABLE, self._rows)
        after = update_health(before, heartbeats, history, self.settings, NOON + timedelta(seconds=now))
        self._rows = [aware(row) for row in after.collect()]

    def __getitem__(self, agent: str) -> dict[str, Any]:
        (row,) = [row for row in self._rows if row["resource_id"] == agent]
        return row

    @property
    def rows(self) -> list[dict[str, Any]]:
        return sorted(self._rows, key=lambda row: str(row["resource_id"]))


def aware(row: Row) -> dict[str, Any]:
    """Spark gives times without a zone, in that of this process."""
    return {key: value.astimezone(UTC) if isinstance(value, datetime) else value for key, value in row.asDict().items()}


def seconds(time: datetime) -> float:
    return (time - NOON).total_seconds()


@pytest.fixture
def health(spark: SparkSession, settings: Settings) -> Health:
    return Health(spark, settings)


def test_the_state_is_by_the_age_of_the_last_heartbeat(health: Health) -> None:
    health.hear(("connected", -120), ("late", -121), ("still late", -300), ("silent", -301), now=0)

    assert {row["resource_id"]: row["state"] for row in health.rows} == {
        "connected": "connected", "late": "late", "still late": "late", "silent": "silent",
    }  # fmt: skip


def test_a_state_began_when_the_heartbeat_was_overdue(health: Health) -> None:
    health.hear(("late", -200), ("silent", -1000), ("connected", -400), ("connected", -200), ("connected", -10), now=0)

    assert seconds(health["late"]["state_since"]) == -80
    assert seconds(health["silent"]["state_since"]) == -700
    assert seconds(health["connected"]["state_since"]) == -400
    assert health["silent"]["downtime_seconds"] == 1000  # not yet over: from the last heartbeat until now


def test_a_gap_is_downtime_from_heartbeat_to_heartbeat_and_begins_a_new_run(health: Health) -> None:
    health.hear(("a", -2000), ("a", -1000), ("a", -990), now=-980)  # within one batch
    assert (health["a"]["downtime_seconds"], seconds(health["a"]["run_start"])) == (1000, -1000)

    health.hear(("a", -100), now=-90)  # from one batch to the next
    assert (health["a"]["downtime_seconds"], seconds(health["a"]["run_start"])) == (1890, -100)

    assert seconds(health["a"]["first_heartbeat"]) == -2000
    assert health["a"]["state"] == "connected"


def test_a_pause_that_is_not_silence_is_no_downtime(health: Health) -> None:
    health.hear(("a", -600), ("a", -300), ("a", 0), now=1)

    assert (health["a"]["downtime_seconds"], seconds(health["a"]["run_start"])) == (0, -600)


def test_downtime_is_of_today_only(health: Health) -> None:
    """A gap over midnight counts from midnight."""
    half_past_midnight = -12 * 3600 + 1800
    health.hear(("back", -13 * 3600), ("gone", -13 * 3600), now=-13 * 3600 + 1)
    health.hear(("back", half_past_midnight), now=half_past_midnight + 60)

    assert health["back"]["downtime_seconds"] == 1800
    assert health["gone"]["downtime_seconds"] == 1860
    assert health["back"]["day"] == date(2026, 3, 2)
    assert seconds(health["gone"]["state_since"]) == -13 * 3600 + 300  # that is still told, though yesterday


def test_a_new_day_begins_without_downtime(health: Health) -> None:
    health.hear(("a", -13 * 3600 - 1000), ("a", -13 * 3600), now=-13 * 3600)
    assert health["a"]["downtime_seconds"] == 1000
    assert health["a"]["day"] == date(2026, 3, 1)

    midnight = -12 * 3600
    health.hear(*(("a", second) for second in range(-13 * 3600 + 240, midnight + 241, 240)), now=midnight + 241)

    assert (health["a"]["downtime_seconds"], health["a"]["closed_downtime_seconds"]) == (0, 0)
    assert health["a"]["day"] == date(2026, 3, 2)
    assert seconds(health["a"]["run_start"]) == -13 * 3600


def test_a_heartbeat_that_comes_late_fills_its_gap(health: Health) -> None:
    health.hear(("a", -900), ("a", 0), now=1)
    assert (health["a"]["downtime_seconds"], seconds(health["a"]["run_start"])) == (900, 0)

    health.hear(("a", -600), ("a", -300), now=2)

    assert (health["a"]["downtime_seconds"], seconds(health["a"]["run_start"])) == (0, -900)
    assert seconds(health["a"]["last_heartbeat"]) == 0


def test_a_heartbeat_older_than_all_others_is_the_first(health: Health) -> None:
    health.hear(("a", 0), now=1)
    health.hear(("a", -100), now=2)

    assert seconds(health["a"]["first_heartbeat"]) == -100
    assert seconds(health["a"]["run_start"]) == -100


def test_what_an_agent_is_was_said_by_its_latest_heartbeat(health: Health) -> None:
    health.hear(("a", 0), now=1, agent_version="2.0", host_name="new", os_type="Linux")
    health.hear(("a", -60), now=2, agent_version="1.0", host_name="old", os_type="Linux")  # sent before the update
    assert (health["a"]["agent_version"], health["a"]["host_name"]) == ("2.0", "new")

    health.hear(("a", 60), now=61, agent_version="3.0", host_name="newer", os_type="Linux")
    assert (health["a"]["agent_version"], health["a"]["host_name"]) == ("3.0", "newer")


def test_a_repeated_batch_changes_nothing(health: Health) -> None:
    health.hear(("a", -2000), ("b", -50), now=0)
    health.hear(("a", -1000), ("a", -20), ("c", -10), now=0)
    before = health.rows

    health.hear(("a", -1000), ("a", -20), ("c", -10), now=0)

    assert health.rows == before


def test_without_heartbeats_time_passes_all_the_same(spark: SparkSession, settings: Settings) -> None:
    """`refresh` judges the table as it is on disk."""
    for table in (routing.HEARTBEATS, TABLE):
        ensure_table(spark, settings, table)
    beats = [{"resource_id": "a", "event_time": NOON, "source": "test"}]
    heard = update_health(
        frame(spark, TABLE, []),
        frame(spark, routing.HEARTBEATS, beats),
        frame(spark, routing.HEARTBEATS, beats),
        settings,
        NOON,
    )
    heard.write.format("delta").mode("append").save(TABLE.path(settings))
    states = []
    for age in (60, 180, 1000, 12 * 3600 + 600):
        refresh(spark, settings, NOON + timedelta(seconds=age))
        (row,) = read_table(spark, settings, TABLE).collect()
        states.append((row.state, row.downtime_seconds, str(row.day)))

    assert states == [
        ("connected", 0, "2026-03-02"),
        ("late", 0, "2026-03-02"),
        ("silent", 1000, "2026-03-02"),
        ("silent", 600, "2026-03-03"),
    ]


def expected(beats: list[Beat], now: float) -> dict[str, dict[str, Any]]:
    """The same facts from all heartbeats at once, in plain Python."""
    by_agent = defaultdict(set)
    for agent, second in beats:
        by_agent[agent].add(second)
    midnight = -12 * 3600.0
    found = {}
    for agent, heard in by_agent.items():
        times = sorted(heard)
        gaps = [(start, end) for start, end in pairwise(times) if end - start > SILENT_SECONDS]
        last, run_start = times[-1], gaps[-1][1] if gaps else times[0]
        down = sum(max(0.0, end - max(start, midnight)) for start, end in gaps)
        state, since = "connected", run_start
        if now - last > SILENT_SECONDS:
            state, since, down = "silent", last + SILENT_SECONDS, down + now - max(last, midnight)
        elif now - last > 120:
            state, since = "late", last + 120
        times_of = {"state_since": since, "run_start": run_start, "first_heartbeat": times[0], "last_heartbeat": last}
        found[agent] = {
            "state": state,
            "downtime_seconds": pytest.approx(down),
            "day": NOON.date(),
            **{name: NOON + timedelta(seconds=second) for name, second in times_of.items()},
        }
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_the_order_of_arrival_the_outcome_is_that_of_all_at_once(health: Health, seed: int) -> None:
    """Sixty agents with random silences from the evening before on; a few heartbeats late, over several batches."""
    rng = random.Random(seed)
    arrivals: list[tuple[float, Beat]] = []
    for number in range(60):
        second = rng.uniform(-16 * 3600, -11 * 3600)
        while second < -600:
            late = rng.choice([0.0, 0.0, 0.0, 0.0, 1200.0, 10_000.0])
            arrivals.append((min(second + late, 0.0), (f"agent-{number:02}", float(round(second)))))
            second += rng.choice([60.0, 60.0, 299.0, 300.0, 301.0, 4000.0])
    arrivals.sort()
    moments = [-13 * 3600.0, -11.5 * 3600, -8 * 3600.0, -4 * 3600.0, 0.0]
    heard: list[Beat] = []
    for since, now in pairwise([-20 * 3600.0, *moments]):
        batch = [beat for arrival, beat in arrivals if since < arrival <= now]
        heard += batch
        health.hear(*batch, now=now)

    found = {row["resource_id"]: {name: row[name] for name in FACTS} for row in health.rows}
    assert found == expected(heard, now=0.0)

"""Features of a machine at a moment, in Spark: what they say, and that they know nothing of later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines.failure.features import features_at, grid_of
from pipelines.failure.names import FEATURES, KnownBy
from pipelines.failure.signals import Hours, Silver
from pipelines.tables import contract

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MACHINE = "machine-1"
TABLES = {name: contract(f"silver.{name}") for name in ("heartbeats", "metrics", "logs", "events")}

Row = dict[str, Any]


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def row(minutes: float, *, arrives: float | None = None, **values: Any) -> Row:
    """What happened `minutes` after noon, and arrived a second later unless said otherwise."""
    arrival = at(minutes) + timedelta(seconds=1) if arrives is None else at(arrives)
    return {"resource_id": MACHINE, "event_time": at(minutes), "ingest_time": arrival, **values}


def beats(first: float, last: float, every: float = 1) -> list[Row]:
    return [row(first + number * every) for number in range(int((last - first) / every) + 1)]


def metric(minutes: float, name: str, value: float, *, instance: str = "", unit: str = "%") -> Row:
    return row(minutes, metric=name, value=float(value), unit=unit, dimensions={"InstanceName": instance})


class Fleet:
    """The silver tables, a list of rows each."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.heartbeats: list[Row] = []
        self.metrics: list[Row] = []
        self.logs: list[Row] = []
        self.events: list[Row] = []

    def frame(self, name: str) -> DataFrame:
        table = TABLES[name]
        schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
        rows = [tuple(row.get(column) for column in table.column_names) for row in getattr(self, name)]
        return self.spark.createDataFrame(rows, schema)

    def silver(self) -> Silver:
        return Silver(*(self.frame(name) for name in TABLES))

    def at(self, *minutes: float, hours: Hours | None = None) -> list[Row]:
        """The features at moments, in their order. The moments are whole hours apart."""
        hours = hours or Hours(at(minutes[0]))
        grid = self.spark.createDataFrame(
            [(MACHINE, at(minute)) for minute in minutes], "resource_id string, as_of timestamp"
        )
        found = features_at(grid, self.silver(), hours).orderBy("as_of").collect()
        return [found_row.asDict() for found_row in found]


@pytest.fixture
def fleet(spark: SparkSession) -> Fleet:
    fleet = Fleet(spark)
    fleet.heartbeats = beats(-3000, 300, every=4)
    return fleet


def test_heartbeats_tell_their_age_their_gaps_and_their_silences(fleet: Fleet) -> None:
    fleet.heartbeats = [*beats(-600, -300), *beats(-290, -120), *beats(-117, -4)]  # 10 minutes missing, then 3

    (now,) = fleet.at(0)

    assert now["minutes_since_heartbeat"] == pytest.approx(4)
    assert now["longest_gap_minutes_1h"] == pytest.approx(1)
    assert now["longest_gap_minutes_24h"] == pytest.approx(10)
    assert now["silences_168h"] == 1  # of more than 5 minutes
    assert now["hours_observed_168h"] == 11  # the first heartbeat is the end of the eleventh hour back
    assert now["gap_deviation_minutes_24h"] > 0


def test_a_machine_that_has_not_been_heard_of_for_a_week_is_left_out(fleet: Fleet) -> None:
    fleet.heartbeats = [row(-8 * 24 * 60)]

    assert fleet.at(0) == []


def test_an_agent_that_became_another_is_counted(fleet: Fleet) -> None:
    fleet.heartbeats = [row(-3, agent_version="1"), row(-2, agent_version="1"), row(-1, agent_version="2")]

    assert fleet.at(0)[0]["agent_changes_168h"] == 1


def test_errors_are_counted_and_compared_with_the_machines_own_mean(fleet: Fleet) -> None:
    fleet.logs = [
        *(row(-90, severity_number=17) for _ in range(4)),
        *(row(-30, severity_number=17) for _ in range(30)),
        row(-20, severity_number=21),
        row(-20, severity_number=9),
    ]

    (now,) = fleet.at(0)

    assert (now["errors_1h"], now["errors_24h"], now["criticals_1h"], now["criticals_24h"]) == (30, 34, 1, 1)
    assert now["error_burst"] == pytest.approx(4.217, abs=0.001)  # log2(31 / (34 / 51 h + 1))


def test_events_are_counted_by_what_they_are(fleet: Fleet) -> None:
    fleet.events = [
        row(-10, category="audit", outcome="failure", action="Start"),
        row(-70, category="interruption", action="EC2 Spot Instance Interruption Warning"),
        row(-80, category="health", action="AWS Health Event"),
        row(-90, category="state_change", action="EC2 Instance State-change Notification", message="it: running"),
        row(-3000, category="audit", action="Reboot"),
        row(-3000, category="audit", outcome="failure"),
    ]

    (now,) = fleet.at(0)

    counted = {
        name: now[name] for name in ("interruptions_24h", "health_events_168h", "state_changes_24h", "reboots_168h")
    }
    assert counted == {
        "interruptions_24h": 1, "health_events_168h": 1, "state_changes_24h": 1, "reboots_168h": 1,
    }  # fmt: skip
    assert now["failures_24h"] == 2  # what failed within the day, and the warning, after which the machine ends


def test_the_fullest_disk_is_named_with_its_trend(fleet: Fleet) -> None:
    for hour in range(24):
        fleet.metrics += [
            metric(-60 * hour - 30, "% Free Space", 10 + 0.5 * hour, instance="C:"),  # 12 % a day fuller
            metric(-60 * hour - 30, "% Free Space", 60, instance="D:"),
            metric(-60 * hour - 30, "% Free Space", 1, instance="_Total"),
        ]

    (now,) = fleet.at(0)

    assert now["disk_volume"] == "C:"
    assert now["disk_percent"] == pytest.approx(90)
    assert now["disk_slope_day"] == pytest.approx(12)
    assert now["disk_hours_left"] == pytest.approx(20)


def test_a_fraction_and_a_percentage_mean_the_same(fleet: Fleet) -> None:
    fleet.metrics = [
        metric(-5, "system.memory.utilization", 0.4, unit="1") | {"dimensions": {"state": "used"}},
        metric(-5, "system.memory.utilization", 0.6, unit="1") | {"dimensions": {"state": "free"}},
        metric(-5, "CPUUtilization", 35, unit="Percent"),
    ]

    (now,) = fleet.at(0)

    assert (now["memory_percent"], now["cpu_percent"]) == (pytest.approx(40), pytest.approx(35))
    assert now["memory_slope_day"] is None  # one hour is no trend
    assert now["disk_percent"] is None


def test_nothing_that_comes_later_changes_what_was_known(fleet: Fleet) -> None:
    """Rows that happen later, and rows that happened before but arrive later."""
    fleet.logs = [row(-30, severity_number=17)]
    fleet.metrics = [metric(-60 * hour - 30, "% Used Memory", 50 + hour) for hour in range(24)]
    fleet.heartbeats = [*beats(-600, -60), *beats(-50, 0)]
    before = fleet.at(0)

    fleet.heartbeats += [row(-55, arrives=5), *beats(1, 100)]
    fleet.logs += [
        row(-40, arrives=0.5, severity_number=21),
        *(row(minute, severity_number=17) for minute in range(1, 50)),
    ]
    fleet.metrics += [metric(minute, "% Used Memory", 99) for minute in (1, 30, 61)]
    fleet.metrics += [metric(-10, "% Used Memory", 99) | {"ingest_time": at(30)}]
    fleet.events += [row(1, category="interruption", action="EC2 Spot Instance Interruption Warning")]

    assert fleet.at(0) == before
    assert fleet.at(0, 60)[0] == before[0]  # whatever other moments are asked about at the same time


def test_what_came_late_is_known_afterwards(fleet: Fleet) -> None:
    fleet.logs = [row(-40, arrives=30, severity_number=21)]

    first, second = fleet.at(0, 60)

    assert (first["criticals_24h"], second["criticals_24h"]) == (0, 1)
    assert second["criticals_1h"] == 0  # it happened before


def test_a_heartbeat_that_came_late_leaves_the_gap_that_was_seen(fleet: Fleet) -> None:
    fleet.heartbeats = [*beats(-120, -60), row(-50, arrives=30), *beats(-40, 60)]

    assert [moment["longest_gap_minutes_24h"] for moment in fleet.at(0, 60)] == [pytest.approx(20), pytest.approx(20)]


def test_a_history_imported_at_once_is_known_as_it_happened(fleet: Fleet) -> None:
    imported = 100_000.0
    fleet.heartbeats = [replace_arrival(beat, imported) for beat in beats(-600, 0)]
    fleet.logs = [row(-30, arrives=imported, severity_number=17)]

    assert fleet.at(0) == []
    (now,) = fleet.at(0, hours=replace(Hours(NOON), known_by=KnownBy.EVENT))
    assert (now["errors_1h"], now["minutes_since_heartbeat"]) == (1, 0)


def replace_arrival(beat: Row, minutes: float) -> Row:
    return beat | {"ingest_time": at(minutes)}


def test_hours_end_at_the_moment_that_is_asked_about(fleet: Fleet) -> None:
    fleet.logs = [row(-43, severity_number=17), row(16.9, severity_number=17), row(17.1, severity_number=17)]

    (now,) = fleet.at(17)

    assert now["errors_1h"] == 1  # of 11:17 to 12:17, the first of which is not part of it


def test_every_feature_is_there_even_if_nothing_is_known(fleet: Fleet) -> None:
    (now,) = fleet.at(0)

    assert set(FEATURES) <= set(now)
    assert now["anomalies_24h"] is None  # nothing scores
    assert now["errors_24h"] == 0


def test_the_grid_begins_with_the_first_heartbeat(fleet: Fleet) -> None:
    fleet.heartbeats = [row(-61)]
    grid = grid_of(fleet.frame("heartbeats"), at(-240), NOON, timedelta(hours=1))

    assert sorted(found["as_of"].astimezone(UTC) for found in grid.collect()) == [at(-60), NOON]

"""The process that evaluates and delivers alerts dies again and again, from pending to resolved: every transition is in
gold.alerts once and in Kafka, and for each alert somebody is told once that it fires and once that it is over."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from pipelines import routing
from pipelines.alerts.history import TABLE
from pipelines.local import services
from pipelines.settings import Settings
from pipelines.tables import ensure_table, read_table, save_table
from tests.conftest import Kafka, Launcher, SettingsFactory, wait_until
from tests.integration.test_alertmanager import webhooks

pytestmark = pytest.mark.faults

SEED = 20261127
STEP_SECONDS = 240.0
# Each alert is a notification of its own, so that one that is told twice is seen.
CONFIG = """
route: {receiver: all, group_by: ['...'], group_wait: 1s, group_interval: 1s, repeat_interval: 4h}
receivers: [{name: all, webhook_configs: [{url: WEBHOOKS}]}]
"""
# Share of requests that fail (page above 5 % for 2 minutes), in the minutes after the beginning.
LIVES = {
    "web-1": [0, 9, 9, 9, 9, 0, 0],
    "web-2": [0, 9, 9, 9, 9, 0, 0],
    "web-3": [0, 0, 9, 9, 9, 9, 0],
    "web-4": [0, 9, 0, 9, 9, 9, 0],
}
# What gold.alerts shall hold of them: (resource, state, minute).
TRANSITIONS = {
    *(("web-1", state, minute) for state, minute in (("pending", 1), ("firing", 3), ("resolved", 5))),
    *(("web-2", state, minute) for state, minute in (("pending", 1), ("firing", 3), ("resolved", 5))),
    *(("web-3", state, minute) for state, minute in (("pending", 2), ("firing", 4), ("resolved", 6))),
    *(("web-4", state, minute) for state, minute in (("pending", 1), ("inactive", 2))),
    *(("web-4", state, minute) for state, minute in (("pending", 3), ("firing", 5), ("resolved", 6))),
}


class Story:
    """silver.metrics, minute after minute, and what came of it."""

    def __init__(self, spark: SparkSession, settings: Settings, told: list[tuple[str, dict[str, Any]]]) -> None:
        self._spark, self._settings, self._told = spark, settings, told
        self._begin = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
        self._columns = ", ".join(f"`{column.name}` {column.type}" for column in routing.METRICS.columns)
        ensure_table(spark, settings, routing.METRICS)
        ensure_table(spark, settings, TABLE)

    def tell(self, *minutes: int) -> None:
        """What was measured in those minutes, in one commit."""
        rows = []
        for minute in minutes:
            time_ = self._begin + timedelta(minutes=minute)
            for resource, shares in LIVES.items():
                row = {
                    "event_id": f"{resource}{minute}", "event_time": time_, "kafka_timestamp": time_,
                    "ingest_time": time_, "source": "test", "resource_id": resource, "series_id": 1, "namespace": "n",
                    "metric": "http_5xx_share", "value": float(shares[minute]), "topic": "t", "partition": 0,
                    "offset": 0, "item": 0, "part": 0,
                }  # fmt: skip
                rows.append(tuple(row.get(name) for name in routing.METRICS.column_names))
        frame = self._spark.createDataFrame(rows, self._columns).coalesce(1)
        save_table(frame.write.mode("append"), self._settings, routing.METRICS)

    def transitions(self) -> list[tuple[str, str, int]]:
        rows = read_table(self._spark, self._settings, TABLE).collect()
        assert len({row["transition_id"] for row in rows}) == len(rows)
        return [
            (row["resource_id"], row["state"], (row["transition_time"].astimezone(UTC) - self._begin).seconds // 60)
            for row in rows
        ]

    def ids(self) -> set[str]:
        return {row[0] for row in read_table(self._spark, self._settings, TABLE).select("transition_id").collect()}

    def has(self, state: str, count: int) -> bool:
        """Whether gold.alerts has so many of them; quick enough to kill who wrote them before anything else is done."""
        table = DeltaTable(TABLE.path(self._settings))
        found: list[str] = table.to_pyarrow_table(columns=["state"])["state"].to_pylist()
        return found.count(state) >= count

    def told(self) -> Counter[tuple[str, str]]:
        """(resource, status) → notifications."""
        return Counter(
            (alert["labels"]["resource_id"], alert["status"]) for _, body in self._told for alert in body["alerts"]
        )

    def told_of(self, status: str) -> int:
        return sum(1 for _, found in self.told() if found == status)


@contextmanager
def alertmanager(settings: Settings, told: list[tuple[str, dict[str, Any]]], folder: Path) -> Iterator[str]:
    """A real one that goes on while the process that sends to it is killed."""
    with webhooks(told) as address:
        config = folder / "alertmanager.yaml"
        config.write_text(CONFIG.replace("WEBHOOKS", address))
        url = services.up_alertmanager(settings, config).status.address
        assert url is not None
        try:
            yield url
        finally:
            services.down(settings)


def events(kafka: Kafka, awaited: set[str]) -> Counter[str]:
    """Id of an event → messages, once the topic has all that are awaited; fails if it does not get them."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "test", "enable.auto.commit": False})
    found = Counter[str]()
    try:
        consumer.assign([TopicPartition(kafka.topic("alerts"), 0, 0)])
        deadline = time.monotonic() + STEP_SECONDS
        while not awaited <= found.keys():
            assert time.monotonic() < deadline, f"not in Kafka: {awaited - found.keys()}"
            found.update(json.loads(message.value())["id"] for message in consumer.consume(100, timeout=1))
    finally:
        consumer.close()
    return found


@pytest.mark.timeout(1500)
def test_kills_from_pending_to_resolved_double_nothing_and_lose_nothing(
    spark: SparkSession, kafka: Kafka, make_settings: SettingsFactory, launch: Launcher, tmp_path: Path
) -> None:
    settings, rng = make_settings(), random.Random(SEED)
    told: list[tuple[str, dict[str, Any]]] = []
    story = Story(spark, settings, told)
    kafka.create("alerts", partitions=1)
    log = settings.table_path("gold", "alerts") / "_delta_log"
    within_an_evaluation = kills = 0

    with alertmanager(settings, told, tmp_path) as url:
        environ = {
            "LAKEHOUSE_ROOT": str(settings.root),
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "LAKEHOUSE_ALERTS__KAFKA_TOPIC": kafka.topic("alerts"),
            "LAKEHOUSE_ALERTS__ALERTMANAGER_URLS": url,
            "LAKEHOUSE_ALERTS__NOTIFY_WITHIN": "3 seconds",
            "LAKEHOUSE_ALERTS__TICK_INTERVAL": "1 second",
        }

        def kill_when(condition: Callable[[], bool], what: str, patience: float = 0.0) -> None:
            nonlocal kills
            program = launch("lakehouse", "run", "alerts", environ=environ)
            wait_until(condition, STEP_SECONDS, what, program)
            time.sleep(rng.uniform(0, patience))
            program.kill_group()
            kills += 1

        def kill_within_an_evaluation() -> None:
            nonlocal within_an_evaluation
            # A start claims the table, and evaluates then.
            known, commits = len(story.ids()), len(list(log.glob("*.json")))
            kill_when(lambda: len(list(log.glob("*.json"))) > commits, "it has claimed the table", patience=2.0)
            within_an_evaluation += len(story.ids()) == known

        story.tell(0, 1)
        kill_within_an_evaluation()
        kill_when(lambda: story.has("pending", 3), "what pends is written")
        story.tell(2, 3)
        kill_within_an_evaluation()
        kill_when(lambda: story.has("firing", 2), "what fires is written", patience=0.5)
        kill_when(lambda: story.told_of("firing") >= 2, "somebody is told that it fires")
        story.tell(4)
        kill_when(lambda: story.has("firing", 3), "the third fires", patience=0.5)
        # The fourth fires for a minute, in which nobody may be told of it.
        story.tell(5)
        kill_when(lambda: story.has("firing", 4) and story.has("resolved", 2), "two are over", patience=0.5)
        story.tell(6)
        kill_within_an_evaluation()
        kill_when(lambda: story.told_of("resolved") >= 1, "somebody is told that it is over")
        last = launch("lakehouse", "run", "alerts", environ=environ)
        wait_until(lambda: story.told_of("resolved") == len(LIVES), STEP_SECONDS, "all are told to be over", last)
        sent = events(kafka, story.ids())
        time.sleep(5)  # in which what is told twice would be told
        last.kill_group()

    assert Counter(story.transitions()) == Counter(TRANSITIONS)
    assert story.told() == {(resource, status): 1 for resource in LIVES for status in ("firing", "resolved")}
    assert set(sent) == story.ids()
    assert within_an_evaluation > 0, f"none of {kills} kills came within an evaluation"

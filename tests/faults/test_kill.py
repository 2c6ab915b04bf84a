"""Ten times kill -9 within one run, with the broker fed throughout: the outcome is that of one clean batch."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.local.simulator import FleetSize, Message, Simulation, SimulationConfig
from pipelines.operations.reconcile import reconcile
from pipelines.settings import Settings
from tests.conftest import NO_SCHEMAS, Kafka, Launcher, Program, SettingsFactory, catch_up, score_all, wait_until
from tests.faults.comparison import differences

pytestmark = pytest.mark.faults

KILLS = 10
SEED = 20261121
START_SECONDS = 240.0
FINISH_SECONDS = 300.0
QUERIES = ("bronze", "silver", "silver_anomaly_scores", "gold_metric_rollup", "gold_agent_health")
# What each kill waits for (a batch of this stream committed; None: a time drawn by lot, be it in the start), and which
# stream it then tries to hit within a batch.
AIMS = (
    ("bronze", "silver"),
    ("gold_metric_rollup", "silver"),
    (None, None),
    ("silver", "gold_metric_rollup"),
    (None, "silver_anomaly_scores"),
    ("silver", "bronze"),
    (None, None),
    ("gold_agent_health", "gold_metric_rollup"),
    (None, "gold_agent_health"),
    (None, None),
)


class Feed:
    """A producer in a thread of its own, which never pauses for what the reader is going through."""

    def __init__(self, kafka: Kafka, messages: Iterator[Message]) -> None:
        self._kafka, self._messages, self._enough = kafka, messages, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0
        self.failure: Exception | None = None

    def __enter__(self) -> Feed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join(60)
        assert self.failure is None
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._enough.is_set():
                some = [message for _, message in zip(range(100), self._messages, strict=False)]
                if not some:
                    raise AssertionError("the simulation was over before the tenth kill")
                self.sent += self._kafka.publish(some, rate=150)
        except Exception as error:  # noqa: BLE001  told by __exit__
            self.failure = error


def numbers(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir() if path.name.isdigit()} if folder.is_dir() else set()


def within_a_batch(settings: Settings, query: str) -> bool:
    """A batch of it has begun and has not been committed."""
    checkpoint = settings.checkpoint_path(query)
    begun, done = (max(numbers(checkpoint / kind), default=-1) for kind in ("offsets", "commits"))
    return begun > done


def kill_at_some_moment(
    program: Program, settings: Settings, awaited: str | None, target: str | None, rng: random.Random
) -> set[str]:
    """Kill it, and if it can be within a batch of `target`; which streams were hit within a batch."""
    if awaited is None:
        time.sleep(rng.uniform(10, 30))
    else:
        commits = settings.checkpoint_path(awaited) / "commits"
        before = numbers(commits)
        wait_until(
            lambda: bool(numbers(commits) - before), START_SECONDS, f"a batch of {awaited} is committed", program
        )
        time.sleep(rng.uniform(1, 5))
    if target is not None:
        patience = time.monotonic() + 5
        while not within_a_batch(settings, target) and time.monotonic() < patience:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.3))
    assert program.process.poll() is None, f"it ended by itself; it said:\n{program.output[-3000:]}"
    program.kill_group()
    return {query for query in QUERIES if within_a_batch(settings, query)}


@pytest.mark.timeout(1500)
def test_ten_kills_leave_what_one_clean_batch_gives(
    spark: SparkSession, kafka: Kafka, make_settings: SettingsFactory, launch: Launcher, tmp_path: Path
) -> None:
    killed, clean = (
        make_settings(**kafka.environ),
        make_settings(**kafka.environ, LAKEHOUSE_ROOT=str(tmp_path / "clean")),
    )
    environ = {"LAKEHOUSE_ROOT": str(killed.root), **kafka.environ}
    simulation = Simulation(
        SimulationConfig(
            start=datetime.now(UTC) - timedelta(hours=2),
            duration=timedelta(hours=2),
            seed=SEED,
            fleet=FleetSize.of(60),
            bad_share=0.01,
            duplicate_share=0.05,
            late_share=0.02,
            control_share=0.02,
        )
    )
    rng, hit = random.Random(SEED), Counter[str]()
    kafka.create("am-Heartbeat", "am-Perf", "aws.metrics", "prometheus.metrics")

    with Feed(kafka, simulation.messages()) as feed:
        for number in range(KILLS):
            program = launch("lakehouse", "run", "all", environ=environ)
            hit.update(kill_at_some_moment(program, killed, *AIMS[number % len(AIMS)], rng))
    assert feed.sent > 0
    last = launch("lakehouse", "run", "all", "--trigger", "available-now", environ=environ)
    assert last.wait(FINISH_SECONDS) == 0, last.output
    catch_up(spark, clean, kafka.bootstrap)
    score_all(spark, clean)

    assert differences(spark, killed, clean) == {}
    assert all(balance.holds and not balance.late_duplicates for balance in reconcile(spark, killed, NO_SCHEMAS))
    assert hit["silver"] > 0, "no kill came within a batch of silver"
    assert hit["silver_anomaly_scores"] > 0, "no kill came within a batch of the scores"
    assert hit["gold_metric_rollup"] > 0, "no kill came within a batch of the rollup"

"""What the tests share: one Spark session, one Kafka broker, and processes that surely end.

The broker is one for the whole run; every test has topics of its own (`am-Perf` becomes `am-Perf.t<random>`) and a
storage root of its own, so that tests know nothing of each other and can be run twice.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil
import pytest
from confluent_kafka import Producer

from pipelines.local import services
from pipelines.local.kafka_client import create_topics
from pipelines.local.simulator import TOPICS, Message, Stamp, publish
from pipelines.schema_registry import RegisteredSchemas, Schemas
from pipelines.settings import PROJECT_DIR, Settings, load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A worker of pytest-xdist has no main file, which PySpark takes for a run of its own doctests, and exits.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

BIN = Path(sys.executable).parent
_FLUSH_SECONDS = 30.0
# No registry: what needs one waits in quarantine.
NO_SCHEMAS = RegisteredSchemas(lambda: None)


class SettingsFactory(Protocol):
    def __call__(self, **environ: str) -> Settings: ...


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The session that the pipelines build for `local`, shared by all tests in this process."""
    from pipelines.session import build_session

    folder = tmp_path_factory.mktemp("spark")
    environ = {
        "LAKEHOUSE_ROOT": str(folder / "lakehouse"),
        "LAKEHOUSE_SPARK__CONF__SPARK.SQL.WAREHOUSE.DIR": str(folder / "warehouse"),
        "LAKEHOUSE_SPARK__CONF__SPARK.DRIVER.MEMORY": "3g",
    }
    settings = load_settings("local", environ)
    # Hundreds of tests make thousands of classes, each kept with its source text; a test needs few of them again.
    few_classes = settings.spark.conf | {"spark.sql.codegen.cache.maxEntries": "300"}
    spark = settings.spark.model_copy(update={"conf": few_classes})
    session = build_session(settings.model_copy(update={"spark": spark}), "tests")
    yield session
    session.stop()


@pytest.fixture
def make_settings(tmp_path: Path) -> SettingsFactory:
    """Settings with a storage root of the test's own, and what else the environment is to say."""

    def make(**environ: str) -> Settings:
        return load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path / "lakehouse"), **environ})

    return make


@pytest.fixture
def settings(make_settings: SettingsFactory) -> Settings:
    return make_settings()


@dataclass(frozen=True)
class Kafka:
    """The broker, and the topics on it that belong to one test."""

    bootstrap: str
    mark: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:12]}")

    def topic(self, name: str) -> str:
        return f"{name}.{self.mark}"

    @property
    def environ(self) -> dict[str, str]:
        """What makes the pipelines read this test's topics, and no other's."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap, "LAKEHOUSE_KAFKA__TOPICS": rf".*\.{self.mark}"}

    def create(self, *names: str, partitions: int = 2) -> None:
        create_topics(self.bootstrap, [self.topic(name) for name in names], partitions)

    def produce(self, name: str, *values: bytes | str | None, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Send values to a topic of this test, and be sure that Kafka has them."""
        self.create(name)
        failures: list[object] = []
        producer = Producer({"bootstrap.servers": self.bootstrap, "message.max.bytes": 8_388_608, "log_level": 0})
        for value in values:
            producer.produce(
                self.topic(name),
                value,
                headers=list(headers),
                on_delivery=lambda error, _: failures.append(error) if error else None,
            )
        assert producer.flush(_FLUSH_SECONDS) == 0
        assert failures == []

    def publish(self, messages: Iterable[Message], rate: float | None = None, stamp: Stamp = Stamp.ARRIVAL) -> int:
        """Send simulated messages to this test's topics; the number of items sent."""
        self.create(*TOPICS)
        mine = (message._replace(topic=self.topic(message.topic)) for message in messages)
        return publish(mine, self.bootstrap, rate, stamp=stamp).items


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a real Kafka broker that lives as long as the test run."""
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("broker"))})
    started = services.up(settings)
    assert started.status.address is not None
    yield started.status.address
    services.down(settings)


@pytest.fixture
def kafka(broker: str) -> Kafka:
    return Kafka(broker)


@dataclass
class Program:
    """A process in a group of its own, its output in a file."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self, timeout: float) -> int:
        """Its exit code. Fails if it takes longer."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running after {timeout:.0f} s; it said:\n{self.output[-3000:]}")

    def signal(self, number: signal.Signals) -> None:
        """To the process alone, as an operator or a supervisor does."""
        self.process.send_signal(number)

    def kill_group(self) -> None:
        """SIGKILL to it and all that it started (Python and its JVM), and wait until none is left."""
        family = self.family()
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait(30)
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive

    def family(self) -> list[psutil.Process]:
        """All processes of its group: a JVM outlives the Python that started it."""
        members = []
        for process in psutil.process_iter():
            try:
                if os.getpgid(process.pid) == self.process.pid:
                    members.append(process)
            except ProcessLookupError:
                continue
        return members


class Launcher(Protocol):
    def __call__(self, *command: str, environ: Mapping[str, str]) -> Program: ...


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    """Start a command of this environment (`lakehouse`, `spark-submit`); whatever is left of it ends with the test."""
    programs: list[Program] = []

    def start(*command: str, environ: Mapping[str, str]) -> Program:
        log = tmp_path / f"program-{len(programs)}.log"
        # Nothing that this run of the tests was told, or told its own Spark, reaches the program.
        prefixes = ("LAKEHOUSE_", "KAFKA_", "SCHEMA_REGISTRY_", "MLFLOW_", "ANOMALY_", "PYSPARK_", "SPARK_HOME")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}
        inherited |= {key: os.environ[key] for key in ("LAKEHOUSE_CACHE",) if key in os.environ}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(BIN / command[0]), *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_DIR,
                env={**inherited, **environ},
                start_new_session=True,
            )
        programs.append(Program(process, log))
        return programs[-1]

    yield start
    for program in programs:
        program.kill_group()


def catch_up(
    spark: SparkSession, settings: Settings, bootstrap: str, job: str = "all", schemas: Schemas = NO_SCHEMAS
) -> None:
    """What `lakehouse run <job> --trigger available-now` does, here; of `all`, not the scores: `score_all`."""
    from pipelines.operations.run import Job, run_available, streams_of

    asked = streams_of(Job(job), bootstrap, schemas)
    streams = tuple(stream for stream in asked if stream.layer is not Job.SCORE or job == Job.SCORE)
    run_available(spark, settings, streams, lambda _queries: None, threading.Event())


def score_all(spark: SparkSession, settings: Settings) -> None:
    """What `lakehouse run score --trigger available-now` does, in this process."""
    catch_up(spark, settings, "", "score")


def wait_until(condition: Callable[[], bool], timeout: float, what: str, program: Program | None = None) -> None:
    """Poll until it holds. Fails after `timeout` seconds, or at once when `program` has ended."""
    deadline = time.monotonic() + timeout
    while not condition():
        if program is not None and program.process.poll() is not None:
            pytest.fail(f"ended with {program.process.returncode} before {what}; it said:\n{program.output[-3000:]}")
        if time.monotonic() > deadline:
            said = f"; it said:\n{program.output[-3000:]}" if program else ""
            pytest.fail(f"{what}: not within {timeout:.0f} s{said}")
        time.sleep(0.05)

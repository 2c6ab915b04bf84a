"""The jobs as an operator starts and stops them: spark-submit and `lakehouse run`, SIGTERM, exit codes."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable

from pipelines.artifacts.spark_defaults import write_spark_defaults
from pipelines.settings import PROJECT_DIR, Settings
from tests.conftest import Kafka, Launcher, Program, SettingsFactory, wait_until

# Of a micro-batch and the end of a JVM, on a machine that does other things too.
# It waits 60 seconds for running batches, then interrupts them, and writes down how the streams did.
STOP_SECONDS = 120.0


@pytest.fixture
def settings(kafka: Kafka, make_settings: SettingsFactory) -> Settings:
    return make_settings(**kafka.environ)


@pytest.fixture
def environ(settings: Settings, kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """That of a fresh shell: spark-submit has its own defaults, which `make setup` wrote."""
    monkeypatch.delenv("SPARK_CONF_DIR", raising=False)
    write_spark_defaults()
    return {"LAKEHOUSE_ROOT": str(settings.root), **kafka.environ}


def send(kafka: Kafka, count: int) -> None:
    time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    sample = '{{"labels":{{"instance":"a:{}"}},"name":"up","timestamp":"{}","value":"1"}}'
    kafka.produce("prometheus.metrics", *(sample.format(number, time) for number in range(count)))


def rows(settings: Settings, layer: str, table: str) -> int:
    path = str(settings.table_path(layer, table))
    return DeltaTable(path).count() if DeltaTable.is_deltatable(path) else 0


def batches(settings: Settings, query: str, kind: str) -> list[int]:
    """The batches that were begun (`offsets`) or committed (`commits`)."""
    return sorted(int(path.name) for path in (settings.checkpoint_path(query) / kind).iterdir() if path.name.isdigit())


def job(name: str) -> str:
    return str(Path("jobs") / f"{name}.py")


def test_each_job_by_spark_submit(launch: Launcher, environ: dict[str, str], kafka: Kafka, settings: Settings) -> None:
    send(kafka, 50)

    for name in ("bronze", "silver", "inventory", "gold"):
        program = launch("spark-submit", job(name), "--env", "local", "--trigger", "available-now", environ=environ)
        assert program.wait(240) == 0, program.output
        assert "Traceback" not in program.output

    assert rows(settings, "bronze", "telemetry") == 50
    assert rows(settings, "silver", "metrics") == 50
    assert rows(settings, "silver", "inventory") > 0
    assert rows(settings, "gold", "metric_rollup") == 100  # a minute and an hour of each series
    assert not (PROJECT_DIR / "metastore_db").exists()


def test_spark_submit_says_what_is_wrong(launch: Launcher, environ: dict[str, str]) -> None:
    program = launch("spark-submit", job("bronze"), "--env", "moon", environ=environ)

    assert program.wait(60) == 1
    assert "--env is 'moon'" in program.output
    assert "Traceback" not in program.output


def stop(program: Program, settings: Settings, queries: tuple[str, ...]) -> None:
    """SIGTERM to a program that runs streams: it ends them between two batches, and itself with 0."""
    program.signal(signal.SIGTERM)

    assert program.wait(STOP_SECONDS) == 0, program.output
    assert "Traceback" not in program.output
    wait_until(lambda: not program.family(), 10, "all its processes have ended")
    for query in queries:
        begun, done = (batches(settings, query, kind) for kind in ("offsets", "commits"))
        assert begun, query
        assert begun == done, f"{query} was stopped within a batch:\n{program.output}"


def test_sigterm_ends_lakehouse_run_after_the_running_batch(
    launch: Launcher, environ: dict[str, str], kafka: Kafka, settings: Settings
) -> None:
    send(kafka, 500)
    program = launch("lakehouse", "run", "all", environ=environ)
    wait_until(lambda: rows(settings, "silver", "metrics") == 500, 240, "silver has the first rows", program)
    send(kafka, 500)
    wait_until(lambda: 1 in batches(settings, "silver", "offsets"), 60, "silver has begun the next batch", program)

    stop(program, settings, ("bronze", "silver", "gold_metric_rollup"))


def test_sigterm_ends_spark_submit_after_the_running_batch(
    launch: Launcher, environ: dict[str, str], kafka: Kafka, settings: Settings
) -> None:
    """There the process that gets the signal is the JVM, and Python its child."""
    send(kafka, 500)
    program = launch("spark-submit", job("bronze"), "--env", "local", environ=environ)
    wait_until(lambda: rows(settings, "bronze", "telemetry") == 500, 240, "bronze has the first rows", program)
    send(kafka, 500)

    stop(program, settings, ("bronze",))

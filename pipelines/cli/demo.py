"""`lakehouse demo`: the whole way on this machine, from a made-up fleet to a page of answers."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.cli import output_width
from pipelines.errors import LakehouseError, ServiceError
from pipelines.settings import PROJECT_DIR, Settings, load_settings, without_outside_services

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipelines.operations.reconcile import TopicBalance

# Long enough for a detector to learn what is usual, before most incidents begin.
_SPAN = timedelta(hours=6)
_HOSTS = 24
_SEED = 20_260
# The fleet falls quiet when it has sent its two hours, and the streams need a while to get there: that is no lateness.
_LATE_AFTER = "4 minutes"


def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder of the demo: its tables, its broker's data, its page.")] = (
        PROJECT_DIR / "build" / "demo"
    ),
) -> None:
    """Six hours of a hybrid fleet's telemetry through a real Kafka broker into bronze, silver and gold, and answers.

    Some of it is Avro under a real schema registry. Every measurement is scored; what the scores found is held against
    what the simulator did.

    Starts from nothing each time, needs no network, and stops everything that it started. Ends with a page to open.
    """
    from pipelines.local import services

    root = out / "lakehouse"
    # The demo is of the embedded broker and of this folder, whatever the shell is set to.
    own = {"LAKEHOUSE_ROOT": str(root), "LAKEHOUSE_GOLD__LATE_AFTER": _LATE_AFTER}
    settings = load_settings("local", without_outside_services(os.environ) | own)
    console = Console(highlight=False, width=output_width())
    started = time.monotonic()
    with _peak_memory() as peak, ThreadPoolExecutor(1) as beside, _embedded(settings, out, console):
        # Spark takes as long to start as Kafka does with all that is sent to it.
        spark = beside.submit(_start_spark, settings, out / "spark.log")
        with _step(console, "starting the schema registry") as done:
            done(f"schema registry at {services.up_registry(settings).status.address}")
        _produce(settings, out, console)
        with _step(console, "starting Spark") as done:
            session = spark.result()
            done("Spark is up")
        _process(session, settings, out, console)
        console.print(f"\npeak memory of all processes: {peak[0] / 2**30:.1f} GiB; {time.monotonic() - started:.0f} s")


@contextmanager
def _embedded(settings: Settings, out: Path, console: Console) -> Iterator[None]:
    from pipelines.local import services

    if settings.services_dir.exists():
        services.down(settings)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with _step(console, "starting Kafka") as done:
        done(f"Kafka at {services.up(settings).status.address}")
    try:
        yield
    finally:
        services.down(settings)


def _produce(settings: Settings, out: Path, console: Console) -> None:
    from pipelines.cli.gateway_schemas import gateway_schemas
    from pipelines.local import services
    from pipelines.local.kafka_client import create_topics
    from pipelines.local.simulator import (
        AVRO_TOPICS,
        TOPICS,
        FleetSize,
        Simulation,
        SimulationConfig,
        publish,
        write_truth,
    )

    bootstrap = services.bootstrap_servers(settings)
    topics = (*TOPICS, *AVRO_TOPICS)
    create_topics(bootstrap, topics, 2)
    config = SimulationConfig(
        start=datetime.now(UTC) - _SPAN,
        duration=_SPAN,
        seed=_SEED,
        fleet=FleetSize.of(_HOSTS),
        avro=gateway_schemas(settings),
    )
    simulation = Simulation(config)
    with _step(console, f"{_HOSTS} machines send six hours of telemetry") as done:
        begun = time.monotonic()
        report = publish(simulation.messages(), bootstrap)
        write_truth(out / "truth.jsonl", simulation.incidents, simulation.summary())
        done(f"{report.items:,} records sent to {len(topics)} topics in {time.monotonic() - begun:.0f} s")


def _start_spark(settings: Settings, log: Path) -> SparkSession:
    """What the JVM and its workers print goes to `log`: greetings, mostly, between the lines that are to be read."""
    from pipelines.session import build_session

    kept = os.dup(2)
    with log.open("wb") as said:
        os.dup2(said.fileno(), 2)
    try:
        return build_session(settings, "lakehouse demo")
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _process(spark: SparkSession, settings: Settings, out: Path, console: Console) -> None:
    from pipelines.cli.reconcile import balance_table
    from pipelines.gold.daily import refresh
    from pipelines.gold.daily_tables import DAILY_TABLES
    from pipelines.local import services
    from pipelines.local.schemas import schemas_of
    from pipelines.operations.reconcile import reconcile
    from pipelines.operations.run import Job, run_available, streams_of

    bootstrap, schemas = services.bootstrap_servers(settings), schemas_of(settings)
    alertmanagers = _alertmanagers(settings, console)
    for job, says in (
        (Job.BRONZE, "Kafka to bronze"),
        (Job.SILVER, "bronze to silver: decode, validate, deduplicate"),
        (Job.SCORE, "silver to anomaly scores: each measurement against its series' own past"),
        (Job.INVENTORY, "silver to the inventory: which resources there are, and what is known of them"),
        (Job.GOLD, "silver to gold: rollups and agent health"),
        (Job.ALERTS, "alert rules, minute by minute, and who is told of what fires"),
    ):
        with _step(console, says) as done:
            begun = time.monotonic()
            streams = streams_of(job, bootstrap, schemas, alertmanagers)
            run_available(spark, settings, streams, lambda _: None, threading.Event())
            done(f"{says} ({time.monotonic() - begun:.0f} s)")
    with _step(console, "gold by the day: incidents, health, security, drift, cost") as done:
        begun = time.monotonic()
        for daily in DAILY_TABLES:
            refresh(spark, settings, daily)
        done(f"gold by the day: {len(DAILY_TABLES)} tables ({time.monotonic() - begun:.0f} s)")
    with _step(console, "proving that nothing was lost") as done:
        balances = reconcile(spark, settings, schemas)
        done("the account of every topic:")
    console.print(balance_table(balances))
    spark.stop()
    _report(settings, out, console, balances)
    if not all(balance.holds for balance in balances):
        raise LakehouseError("the account does not hold: see the table above")


def _alertmanagers(settings: Settings, console: Console) -> tuple[str, ...]:
    """Where there can be no Alertmanager, alerts go to Kafka alone."""
    from pipelines.local import services

    with _step(console, "starting Alertmanager") as done:
        try:
            address = services.up_alertmanager(settings).status.address
        except ServiceError as error:
            done(f"alerts go to Kafka alone: {error}")
            return ()
        assert address is not None
        done(f"Alertmanager at {address}")
    return (address,)


def _report(settings: Settings, out: Path, console: Console, balances: tuple[TopicBalance, ...]) -> None:
    from pipelines.operations.incident_story import most_telling
    from pipelines.operations.report import build_report
    from pipelines.operations.report_page import print_summary, write_page
    from pipelines.operations.story_text import print_story

    page = out.parent / "demo.html"
    with _step(console, "drawing the page") as done:
        report = build_report(settings, balances, out / "truth.jsonl")
        write_page(report, page)
        done("asked gold for answers:")
    print_summary(report, console)
    print_story(most_telling(settings), console)
    console.print(f"\nThe page to look at: {page}")
    dashboard = f"LAKEHOUSE_ROOT={settings.root} {Path(sys.executable).with_name('lakehouse')} dashboard"
    console.print(f"The dashboard, at http://127.0.0.1:8050: {dashboard}", soft_wrap=True)


@contextmanager
def _step(console: Console, doing: str) -> Iterator[Callable[[str], None]]:
    with console.status(doing):
        said: list[str] = []
        yield said.append
    console.print(f"[green]✓[/green] {said[-1] if said else doing}")


@contextmanager
def _peak_memory() -> Iterator[list[int]]:
    """The largest sum, in bytes, of the resident memory of this process and all below it, sampled twice a second."""
    from pipelines.local.processes import resident_memory

    peak, stop = [0], threading.Event()

    def sample() -> None:
        while not stop.wait(0.5):
            peak[0] = max(peak[0], resident_memory(os.getpid()))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()

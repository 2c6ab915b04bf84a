"""`lakehouse simulate`: a believable fleet's telemetry into Kafka, with a file of what really happened."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from pipelines.errors import SettingsError
from pipelines.local.simulator import (
    AVRO_TOPICS,
    TOPICS,
    AvroSchemas,
    Clock,
    FleetSize,
    Simulation,
    SimulationConfig,
    Stamp,
    expected_rate,
    publish,
    scale_hosts,
    scale_interval,
    write_truth,
)
from pipelines.settings import load_settings, parse_duration

DEFAULT_HOSTS = 200
_HISTORY_STEP_SECONDS = 5.0
_LIVE_STEP_SECONDS = 0.2
_HISTORY_INTERVAL_SECONDS = 60.0
# A live fleet reports more often, so that a few hundred machines make a fair load.
_LIVE_INTERVAL_SECONDS = 10.0


def simulate(
    *,
    duration: Annotated[str, typer.Option(help="Simulated span, such as '30 minutes' or '2 days'.")] = "1 hour",
    start: Annotated[
        str | None, typer.Option(help="First moment, such as 2026-03-02T06:00:00Z. Default: now - duration.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Events happen now, for --duration of real time. Ctrl-C ends it early.")
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option(
            min=1,
            help="Items/s. History: no faster than this. --live: the fleet (with --hosts: its interval) adapts.",
        ),
    ] = None,
    hosts: Annotated[
        int | None, typer.Option(min=1, help=f"Machines in the usual mix of kinds. Default: {DEFAULT_HOSTS}.")
    ] = None,
    arc_hosts: Annotated[int | None, typer.Option(min=0, help="Arc machines; overrides their part of --hosts.")] = None,
    azure_hosts: Annotated[int | None, typer.Option(min=0, help="Azure VMs, likewise.")] = None,
    aws_hosts: Annotated[int | None, typer.Option(min=0, help="EC2 instances, likewise.")] = None,
    kubernetes_nodes: Annotated[int | None, typer.Option(min=0, help="Nodes Prometheus scrapes, likewise.")] = None,
    interval: Annotated[
        float | None, typer.Option(help="Seconds between reports of a machine. Default: 60; with --live 10.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, start, flags and schema ids: the same bytes.")] = 1,
    bad_share: Annotated[float, typer.Option(help="Share of items that are malformed.")] = 0.001,
    duplicate_share: Annotated[float, typer.Option(help="Share sent again, within half an hour.")] = 0.005,
    late_share: Annotated[float, typer.Option(help="Share that arrives minutes to hours after its time.")] = 0.003,
    incident_share: Annotated[
        float, typer.Option(help="Share of machines with each kind of incident; 0: none.")
    ] = 0.03,
    truth: Annotated[
        Path | None, typer.Option(help="Write incidents and counts here, JSON Lines; last line: the summary.")
    ] = None,
    partitions: Annotated[int, typer.Option(min=1, help="Of the topics, where they do not exist yet.")] = 2,
    stamp: Annotated[
        Stamp, typer.Option(help="Kafka's timestamp. 'now' keeps an old --start from running into topic retention.")
    ] = Stamp.ARRIVAL,
    env: Annotated[
        str, typer.Option("--env", envvar="LAKEHOUSE_ENV", help="Which `conf/<env>.yaml` says where Kafka is.")
    ] = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Generate only, without Kafka, and say how fast.")] = False,
) -> None:
    """Fill Kafka with the telemetry of a made-up hybrid fleet, in its producers' own formats.

    Arc machines and Azure VMs (topics am-Heartbeat, am-Perf), AWS (aws.metrics), Kubernetes (prometheus.metrics), with
    daily rhythm, incidents, restarts, gaps, and some duplicate, late and broken records. --truth tells them apart.

    With a schema registry (`lakehouse up --registry`, or SCHEMA_REGISTRY_URL) also edge gateways that send Avro
    (telemetry.heartbeats, telemetry.metrics) in the contracts of `schemas/avro`, which are registered for them.

    Six hours at once:     lakehouse simulate --duration '6 hours' --truth truth.jsonl

    A load of 5,000/s:     lakehouse simulate --live --rate 5000 --duration '10 minutes'

    Generator speed only:  lakehouse simulate --dry-run
    """
    console = Console(soft_wrap=True)
    span = _span(duration)
    chosen = any(count is not None for count in (hosts, arc_hosts, azure_hosts, aws_hosts, kubernetes_nodes))
    usual = FleetSize.of(hosts or DEFAULT_HOSTS)
    config = SimulationConfig(
        start=_start(start, span, live=live),
        duration=span,
        seed=seed,
        fleet=FleetSize(
            arc=usual.arc if arc_hosts is None else arc_hosts,
            azure=usual.azure if azure_hosts is None else azure_hosts,
            aws=usual.aws if aws_hosts is None else aws_hosts,
            kubernetes=usual.kubernetes if kubernetes_nodes is None else kubernetes_nodes,
        ),
        interval_seconds=interval or (_LIVE_INTERVAL_SECONDS if live else _HISTORY_INTERVAL_SECONDS),
        step_seconds=_LIVE_STEP_SECONDS if live else _HISTORY_STEP_SECONDS,
        bad_share=bad_share,
        duplicate_share=duplicate_share,
        late_share=late_share,
        incident_share=incident_share,
        avro=None if dry_run else _avro(console, env),
    )
    if live and rate is not None:
        config = scale_interval(config, rate) if chosen else scale_hosts(config, rate)
    console.print(_description(config), highlight=False)
    if dry_run:
        simulation = Simulation(config)
        _dry_run(console, simulation)
    else:
        bootstrap = _prepare(env, TOPICS if config.avro is None else (*TOPICS, *AVRO_TOPICS), partitions)
        if live:
            config = replace(config, start=datetime.now(UTC) + _time_to_set_up(config))
        simulation = Simulation(config)
        _publish(console, simulation, bootstrap, rate, clock=Clock.LIVE if live else Clock.HISTORY, stamp=stamp)
    console.print(_counts(simulation))
    if truth is not None:
        write_truth(truth, simulation.incidents, simulation.summary())
        console.print(f"truth: {truth}", highlight=False)


def _span(duration: str) -> timedelta:
    try:
        return parse_duration(duration)
    except ValueError as error:
        raise SettingsError(f"--duration is {duration!r}: {error}") from error


def _start(text: str | None, span: timedelta, *, live: bool) -> datetime:
    if text is None:
        return datetime.now(UTC) if live else datetime.now(UTC) - span
    if live:
        raise SettingsError("--start cannot go with --live, whose events happen now: leave one of them out")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"--start is {text!r}: should be like 2026-03-02T06:00:00Z") from error


def _time_to_set_up(config: SimulationConfig) -> timedelta:
    """A generous guess, so that a live run starts on time rather than behind."""
    return timedelta(seconds=1 + config.fleet.hosts / 4000)


def _description(config: SimulationConfig) -> str:
    fleet = config.fleet
    kinds = f"{fleet.arc} Arc, {fleet.azure} Azure, {fleet.aws} AWS, {fleet.kubernetes} Kubernetes"
    if config.gateways:
        kinds += f", and {config.gateways} edge gateways"
    return (
        f"{fleet.hosts} machines ({kinds}), a report every {config.interval_seconds:.1f} s, "
        f"{expected_rate(config):,.0f} items/s of simulated time, for {config.duration} "
        f"from {config.start.isoformat(timespec='seconds')}, seed {config.seed}"
    )


def _avro(console: Console, env: str) -> AvroSchemas | None:
    from pipelines.cli.gateway_schemas import gateway_schemas

    schemas = gateway_schemas(load_settings(env))
    if schemas is None:
        console.print("no Avro topics, for which a schema registry is needed: `lakehouse up --registry` starts one")
    return schemas


def _prepare(env: str, topics: tuple[str, ...], partitions: int) -> str:
    # A dry run needs neither settings nor a Kafka client.
    from pipelines.local.kafka_client import create_topics
    from pipelines.local.services import bootstrap_servers

    bootstrap = bootstrap_servers(load_settings(env))
    create_topics(bootstrap, topics, partitions)
    return bootstrap


def _dry_run(console: Console, simulation: Simulation) -> None:
    began = time.perf_counter()
    items = size = 0
    with _interruptible(simulation):
        for message in simulation.messages():
            items += message.items
            size += len(message.value or b"")
    seconds = time.perf_counter() - began
    console.print(
        f"generated {items:,} items, {size / 1e6:,.1f} MB in {seconds:.2f} s: "
        f"[bold]{items / seconds:,.0f} records/s[/bold], {size / seconds / 1e6:,.0f} MB/s"
    )


def _publish(
    console: Console, simulation: Simulation, bootstrap: str, rate: float | None, *, clock: Clock, stamp: Stamp
) -> None:
    live = clock is Clock.LIVE
    config = simulation.config
    total = expected_rate(config) * config.duration.total_seconds()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} items"))
    progress = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True)
    with progress, _interruptible(simulation):
        task = progress.add_task(f"to {bootstrap}", total=total)
        report = publish(
            simulation.messages(),
            bootstrap,
            rate,
            lambda items: progress.update(task, completed=items),
            clock=clock,
            stamp=Stamp.NOW if live else stamp,
        )
    console.print(
        f"published {report.items:,} items in {report.messages:,} messages, {report.bytes / 1e6:,.1f} MB, "
        f"in {report.seconds:.1f} s: [bold]{report.items / report.seconds:,.0f} records/s[/bold]"
    )
    if live and report.behind_seconds > 1:
        console.print(
            f"[yellow]fell up to {report.behind_seconds:.1f} s behind the clock[/yellow]: take a lower --rate"
        )


def _counts(simulation: Simulation) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("topic", "values", "items", "unique", "late", "duplicates", "bad", "ignored"):
        table.add_column(column, justify="left" if column == "topic" else "right")
    for each in simulation.summary().topics:
        numbers = (
            each.values,
            each.items,
            each.unique,
            each.late,
            each.duplicates,
            sum(each.bad.values()),
            each.ignored,
        )
        table.add_row(each.topic, *(f"{number:,}" for number in numbers))
    return table


@contextmanager
def _interruptible(simulation: Simulation) -> Iterator[None]:
    """Ctrl-C (or SIGTERM) ends the simulation after its present step, so that the truth file stays the truth."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        simulation.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

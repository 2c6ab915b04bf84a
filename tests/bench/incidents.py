"""How many of the incidents that really happened does gold.incidents have, and how many of its rows are none? Run by

    python -m tests.bench.incidents --seeds 3 4

For each seed a fleet of the simulator sends six hours of telemetry on the way of `make demo`: Kafka, bronze, silver,
scores, inventory, alerts. What gold.incidents makes of it is held against the simulator's truth. An estate that was
made before (`--out`) is judged again as it is, so that a change of the rules is tried in a minute.

An incident of the truth is found if a row has its resource, and lasts while it lasts or begins at most ten minutes
after it. Restarts and gaps of telemetry are no incidents: a row of theirs is false. What begins after the fleet has
sent its last is not counted: on a slow machine alerts are evaluated minutes later, when all of it is silent.
"""

from __future__ import annotations

import argparse
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from pipelines.cli.gateway_schemas import gateway_schemas
from pipelines.gold.daily import Days, Silver
from pipelines.gold.incidents import DAILY
from pipelines.gold.incidents.table import SCORES
from pipelines.local import services
from pipelines.local.kafka_client import create_topics
from pipelines.local.schemas import schemas_of
from pipelines.local.simulator import (
    AVRO_TOPICS,
    TOPICS,
    FleetSize,
    Simulation,
    SimulationConfig,
    publish,
    write_truth,
)
from pipelines.operations.run import Job, run_available, streams_of
from pipelines.operations.truth_file import AGENT_SILENT, Happened, read_truth
from pipelines.session import build_session
from pipelines.settings import PROJECT_DIR, Settings, load_settings, without_outside_services

SPAN = timedelta(hours=6)
_JOBS = (Job.BRONZE, Job.SILVER, Job.SCORE, Job.INVENTORY, Job.GOLD, Job.ALERTS)
_HARMLESS = ("restart", "gap")
_AFTERMATH = timedelta(minutes=10)


@dataclass(frozen=True)
class Judged:
    """Of one estate. `silent`: incidents of the truth that no detector says anything of, so none could be found."""

    found: tuple[tuple[Happened, Row], ...]
    missed: tuple[Happened, ...]
    silent: tuple[Happened, ...]
    false: tuple[Row, ...]


def make(settings: Settings, truth: Path, seed: int, hosts: int, share: float) -> None:
    """Fill the lake below `settings` with the telemetry of a fleet, and score it; write what happened to `truth`."""
    services.up(settings)
    try:
        services.up_registry(settings)
        bootstrap, schemas = services.bootstrap_servers(settings), schemas_of(settings)
        create_topics(bootstrap, (*TOPICS, *AVRO_TOPICS), 2)
        config = SimulationConfig(
            start=datetime.now(UTC) - SPAN,
            duration=SPAN,
            seed=seed,
            fleet=FleetSize.of(hosts),
            incident_share=share,
            avro=gateway_schemas(settings),
        )
        simulation = Simulation(config)
        publish(simulation.messages(), bootstrap)
        spark = build_session(settings, "bench")
        for job in _JOBS:
            run_available(spark, settings, streams_of(job, bootstrap, schemas, ()), lambda _: None, threading.Event())
        # Last, as it says that the estate is whole.
        write_truth(truth, simulation.incidents, simulation.summary())
    finally:
        services.down(settings)


def judge(spark: SparkSession, settings: Settings, truth: tuple[Happened, ...]) -> Judged:
    real = [one for one in truth if one.kind not in _HARMLESS]
    first = min(one.start for one in truth)
    days = Days(first.date(), (first + SPAN).date())
    silver = Silver(spark, settings, days)
    scores = silver.all(SCORES)
    sent_last = scores.agg(F.max("event_time")).first()
    assert sent_last is not None
    rows = DAILY.rows(silver).where(F.col("first_seen") <= F.lit(sent_last[0])).orderBy("first_seen").collect()
    said = scores.where("is_anomaly").select("resource_id", F.col("event_time").alias("first_seen"))
    points = said.withColumn("last_seen", F.col("first_seen")).collect()
    heard = {
        one for one in real if one.kind == AGENT_SILENT or any(_is_of(one, [row.resource_id], row) for row in points)
    }
    by_incident = {one: [row for row in rows if _is_of(one, row.resource_ids, row)] for one in real}
    matched = {row.incident_id for found in by_incident.values() for row in found}
    return Judged(
        found=tuple((one, found[0]) for one, found in by_incident.items() if found),
        missed=tuple(one for one, found in by_incident.items() if not found and one in heard),
        silent=tuple(one for one, found in by_incident.items() if not found and one not in heard),
        false=tuple(row for row in rows if row.incident_id not in matched),
    )


def _is_of(incident: Happened, resources: list[str], row: Row) -> bool:
    until = datetime.max if incident.end is None else incident.end + _AFTERMATH
    return incident.resource_id in resources and row.last_seen >= incident.start and row.first_seen <= until


def _say(console: Console, seed: int, judged: Judged) -> None:
    for one, row in judged.found:
        is_primary = row.primary_resource_id == one.resource_id
        after = (row.first_seen - one.start).total_seconds()
        console.print(
            f"seed {seed}  found   {one.kind:15} {after:+6.0f} s, its resource {'first' if is_primary else 'NOT first'}"
            f"  {row.title}"
        )
    for one in (*judged.missed, *judged.silent):
        how = "missed" if one in judged.missed else "silent"
        console.print(f"seed {seed}  {how:7} {one.kind:15} {one.start:%H:%M} {one.resource_id} {one.metric or ''}")
    for row in judged.false:
        console.print(f"seed {seed}  false   {row.first_seen:%H:%M} {row.severity} {row.title}")
    console.print(
        f"seed {seed}: {len(judged.found)} found, {len(judged.missed)} missed, "
        f"{len(judged.silent)} that no detector saw, {len(judged.false)} false"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.incidents", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4])
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--share", type=float, default=0.08, help="of the machines that have each kind of incident")
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / "build" / "incidents")
    arguments = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    environ = without_outside_services(os.environ)
    for seed in arguments.seeds:
        folder = arguments.out / f"seed{seed}"
        settings = load_settings("local", environ | {"LAKEHOUSE_ROOT": str(folder / "lakehouse")})
        if not (folder / "truth.jsonl").exists():
            make(settings, folder / "truth.jsonl", seed, arguments.hosts, arguments.share)
        spark = build_session(settings, "bench")
        _say(console, seed, judge(spark, settings, read_truth(folder / "truth.jsonl")))


if __name__ == "__main__":
    main()

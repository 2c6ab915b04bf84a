"""`make bench`: throughput and latency on this machine, printed and written to build/bench.json."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipelines.local import services
from pipelines.local.kafka_client import create_topics
from pipelines.local.simulator import TOPICS
from pipelines.session import build_session
from pipelines.settings import PROJECT_DIR, Settings, load_settings, without_outside_services
from tests.bench import continuous, failure, families, forecasts, scoring, throughput, workload

_PARTS = ["throughput", "families", "latency", "scoring", "forecasts", "failure"]
_SCORING_BATCHES, _SERIES_A_KIND, _MACHINES, _DAYS = 20, 16, 400, 120

_RATIOS = (
    ("bronze / kafka_noop", "bronze", "kafka_noop", 0.5),
    ("bronze / peer_bronze", "bronze", "peer_bronze", 1.3),
    ("silver / from_json_noop", "silver", "from_json_noop", 0.5),
    ("silver / peer_silver", "silver", "peer_silver", None),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="records of the throughput runs")
    parser.add_argument("--rates", type=int, nargs="*", default=[5_000, 20_000], help="records/s of the latency runs")
    parser.add_argument("--only", choices=_PARTS, help="measure one part alone")
    parser.add_argument("--family", nargs="*", default=[], help="only families with one of these words in their name")
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / "build" / "bench.json")
    arguments = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    environ = without_outside_services(os.environ)
    result: dict[str, object] = {}
    if arguments.only in (None, "throughput"):
        settings = _fresh(environ, "throughput")
        try:
            result["throughput"] = _throughput(settings, arguments.records, console)
        finally:
            services.down(settings)
    if arguments.only in (None, "families"):
        result["families"] = _families(environ, arguments.records // 10, arguments.family, console)
    if arguments.only in (None, "latency"):
        result["latency"], result["growth"] = _latencies(environ, arguments.rates, console)
    if arguments.only in (None, "scoring"):
        scored = load_settings("local", environ | {"LAKEHOUSE_ROOT": str(PROJECT_DIR / "build" / "bench" / "scoring")})
        result["scoring"] = asdict(scoring.measure(scored, _SCORING_BATCHES, console))
    if arguments.only in (None, "forecasts"):
        result["forecasts"] = forecasts.measure(_SERIES_A_KIND, console)
    if arguments.only in (None, "failure"):
        result["failure"] = failure.measure(_MACHINES, _DAYS, console)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"written to {arguments.out}")


def _fresh(environ: dict[str, str], name: str) -> Settings:
    root = PROJECT_DIR / "build" / "bench" / name
    settings = load_settings("local", environ | {"LAKEHOUSE_ROOT": str(root)})
    if settings.services_dir.exists():
        services.down(settings)
    shutil.rmtree(root, ignore_errors=True)
    services.up(settings)
    create_topics(services.bootstrap_servers(settings), list(TOPICS), workload.PARTITIONS)
    return settings


def _throughput(settings: Settings, records: int, console: Console) -> dict[str, float]:
    bootstrap = services.bootstrap_servers(settings)
    load = workload.fill(bootstrap, records, seed=7)
    console.print(f"throughput over {load.items:,} records in {load.values:,} Kafka values")
    spark = build_session(settings, "bench")
    try:
        figures = throughput.measure(spark, settings, bootstrap, load, console)
    finally:
        spark.stop()
    for title, one, other, target in _RATIOS:
        wanted = "" if target is None else f"   (to reach: {target})"
        console.print(f"  {title:25} {figures[one] / figures[other]:.2f}{wanted}")
    console.print(f"  {'silver':25} {figures['silver']:,.0f} records/s   (to reach: 100,000)")
    return {name: round(figure) for name, figure in figures.items()}


def _families(environ: dict[str, str], records: int, names: list[str], console: Console) -> dict[str, object]:
    """Of bronze tables made for it: Kafka is not part of it."""
    root = PROJECT_DIR / "build" / "bench" / "families"
    settings = load_settings("local", environ | {"LAKEHOUSE_ROOT": str(root)})
    loads = families.chosen(names)
    console.print(f"silver by family, {records:,} records of each, beside what parsing them takes at least")
    spark = build_session(settings, "bench")
    try:
        speeds = families.measure(spark, settings, records, loads, console)
    finally:
        spark.stop()
    return {
        speed.name: {"silver": round(speed.silver), "floor": round(speed.floor), "ratio": round(speed.ratio, 3)}
        for speed in speeds
    }


def _latencies(
    environ: dict[str, str], rates: list[int], console: Console
) -> tuple[dict[str, object], dict[str, object]]:
    latencies: dict[str, object] = {}
    growth: dict[str, object] = {}
    table = Table("records/s", "layer", "p50 s", "p95 s", "p99 s", "commit spacing, last third / first", box=None)
    for rate in rates:
        settings = _fresh(environ, f"latency-{rate}")
        seconds = continuous.WARM_UP_SECONDS + continuous.MEASURED_SECONDS
        try:
            with console.status(f"all streams at {rate:,} records/s, {seconds} s"):
                run = continuous.measure(settings, rate, console)
        finally:
            services.down(settings)
        latencies[str(rate)] = run.latency
        growth[str(rate)] = {"batch": run.batch_growth, "memory": run.memory_growth, "peak_mib": run.peak_memory_mib}
        for layer, found in run.latency.items():
            figures = (f"{found[name]:.2f}" for name in ("p50", "p95", "p99"))
            spacing = f"{run.batch_growth[layer]:.2f}" if layer in run.batch_growth else ""
            table.add_row(f"{rate:,}", layer, *figures, spacing)
        console.print(
            f"  {rate:,} records/s: streams' memory peak {run.peak_memory_mib:,.0f} MiB, "
            f"last third / first third {run.memory_growth:.2f}"
        )
    console.print(table)
    return latencies, growth


if __name__ == "__main__":
    main()

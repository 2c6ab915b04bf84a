"""A run of all streams under a steady load: the streams and the sender in processes of their own, as in life."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rich.console import Console

from pipelines import bronze, routing
from pipelines.detection import stream as scoring
from pipelines.gold import metric_rollup
from pipelines.local.processes import resident_memory
from pipelines.settings import Settings
from pipelines.tables import Table
from tests.bench import latency
from tests.bench.latency import Window
from tests.bench.workload import reset

WARM_UP_SECONDS, MEASURED_SECONDS = 30, 120
_START_SECONDS = 60.0
_DRAIN_SECONDS = 30.0


@dataclass(frozen=True)
class Run:
    """Latency by layer (seconds), and last third of the run over its first third: commit spacing and memory."""

    latency: dict[str, dict[str, float]]
    batch_growth: dict[str, float]
    memory_growth: float
    peak_memory_mib: float


def measure(settings: Settings, rate: int, console: Console) -> Run:
    """Run all streams at `rate` records/s: warm-up, then two minutes that count."""
    reset(settings)
    environ = os.environ | {"LAKEHOUSE_ROOT": str(settings.root)}
    seconds = WARM_UP_SECONDS + MEASURED_SECONDS
    with _process(environ, settings.root / "bench-run.log", "run", "all") as streams:
        _until_started(settings, streams)
        sender_log = settings.root / "bench-simulate.log"
        load = ("simulate", "--live", "--rate", str(rate), "--duration", f"{seconds} seconds", "--incident-share", "0")
        with _process(environ, sender_log, *load) as sender:
            begun, memory = time.time(), []
            while sender.poll() is None:
                if streams.poll() is not None:
                    raise RuntimeError(f"the streams ended: see {settings.root / 'bench-run.log'}")
                memory.append(resident_memory(streams.pid))
                time.sleep(1.0)
            if sender.returncode:
                raise RuntimeError(f"the sender failed: see {sender_log}")
        window = Window(begun + WARM_UP_SECONDS, begun + WARM_UP_SECONDS + MEASURED_SECONDS - 5)
        _until_quiet(settings)
    counted = memory[WARM_UP_SECONDS:]
    third = len(counted) // 3
    return Run(
        latency.percentiles(settings, window),
        {name: _spacing_growth(settings, table, window) for name, table in _TABLES.items()},
        statistics.median(counted[-third:]) / statistics.median(counted[:third]),
        max(memory) / 2**20,
    )


_TABLES: dict[str, Table] = {
    "bronze": bronze.TABLE, "silver": routing.METRICS, "gold": metric_rollup.TABLE, "scores": scoring.TABLE,
}  # fmt: skip


def _spacing_growth(settings: Settings, table: Table, window: Window) -> float:
    """Median time between commits in the last third of the window over that in the first; of a third with fewer than
    two commits, all of it is taken as the time between them."""
    moments = [commit.visible for commit in latency.commits(settings, table)]
    third = (window.end - window.start) / 3

    def spacing(start: float) -> float:
        inside = [moment for moment in moments if start <= moment < start + third]
        return statistics.median(later - earlier for earlier, later in pairwise(inside)) if len(inside) > 1 else third

    return spacing(window.end - third) / spacing(window.start)


class _process:
    """`lakehouse …` as a child in its own process group, ended with SIGTERM."""

    def __init__(self, environ: dict[str, str], log: Path, *arguments: str) -> None:
        command = [str(Path(sys.executable).with_name("lakehouse")), *arguments]
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                command, env=environ, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._child

    def __exit__(self, *_: object) -> None:
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(90)
            except subprocess.TimeoutExpired:
                os.killpg(self._child.pid, signal.SIGKILL)


def _until_started(settings: Settings, streams: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not settings.checkpoint_path(metric_rollup.QUERY).joinpath("metadata").exists():
        if streams.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the streams did not start: see {settings.root / 'bench-run.log'}")
        time.sleep(0.2)


def _until_quiet(settings: Settings) -> None:
    """Wait until the last table has had no commit for a while: everything sent has passed through."""
    log = Path(metric_rollup.TABLE.path(settings)) / "_delta_log"
    deadline = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < deadline:
        newest = max(file.stat().st_mtime for file in log.glob("*.json"))
        if time.time() - newest > 6:
            return
        time.sleep(0.5)

"""How fast is a question of the dashboard or a notebook, over gold of 1,000 resources and 30 days at a minute's grain?

The tables of `gold_estate`, asked as a page or a cell asks, each time anew: no answer is kept. Run alone, it prints:

    python -m tests.bench.dashboard --resources 1000 --days 30
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.app import build_page
from pipelines.dashboard.layout.shell import PAGES
from pipelines.dashboard.question import Question
from pipelines.dashboard.questions import (
    alerts,
    compliance,
    cost,
    fleet,
    forecasts,
    incidents,
    pipeline,
    quality,
    security,
    series,
)
from pipelines.settings import Settings, load_settings
from tests.bench.gold_estate import NOW, SEED, Estate, make
from tests.bench.notebook_queries import asked_by_notebooks

_MODULES = (fleet, incidents, series, quality, pipeline, cost, forecasts, alerts, security, compliance)


@dataclass(frozen=True)
class Timed:
    """Milliseconds of one question, or of one page with all of its questions."""

    name: str
    table: str
    rows: int
    p50_ms: float
    p95_ms: float


def questions() -> Iterator[Question[Any]]:
    for module in _MODULES:
        yield from (value for value in vars(module).values() if isinstance(value, Question))


def measure(settings: Settings, estate: Estate, repeats: int) -> list[Timed]:
    answers, end = Answers(settings), NOW.replace(tzinfo=None)
    rng = np.random.default_rng(SEED)

    def asked(question: Question[Any], hours: int) -> dict[str, Any]:
        place = int(rng.integers(estate.resources))
        known = {
            "by": "service", "days": 30, "series": place, "resource": estate.ids[place], "metric": "cpu",
            "detector": "univariate", "incident": "7", "finding": f"{estate.dates()[-1]}{place}", "severity": "",
            "tactic": "", "actor": "", "account": "", "control": "", "measure": "p95", "bucket": 5, "hours": 24,
            "start": end - timedelta(hours=hours), "end": end,
        }  # fmt: skip
        return {name: value for name, value in known.items() if f"${name}" in question.sql}

    found = []
    for question in questions():
        for hours in (24, 168) if question is series.POINTS else (24,):
            name = question.name + (f", {hours} h" if question.time_column else "")
            call = lambda question=question, hours=hours: len(answers.ask_anew(question, **asked(question, hours)))  # noqa: E731
            found.append(_timed(name, question.table, call, repeats))
    for number, one in enumerate(asked_by_notebooks(settings.root)):
        found.append(_timed(f"{one.notebook}, {one.cell} ({number + 1})", "notebook", one.ask, repeats))
    for path, _ in PAGES:
        found.append(_timed(f"page {path}", "", lambda path=path: _page(path, settings), repeats))
    return found


def _page(path: str, settings: Settings) -> int:
    build_page(Address(path), Answers(settings))
    return 0


def _timed(name: str, table: str, call: Callable[[], int], repeats: int) -> Timed:
    call()  # the first time, files are not in memory yet
    took, rows = [], 0
    for _ in range(repeats):
        begun = time.perf_counter()
        rows = call()
        took.append((time.perf_counter() - begun) * 1000)
    return Timed(name, table, rows, float(np.percentile(took, 50)), float(np.percentile(took, 95)))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--resources", type=int, default=1_000)
    arguments.add_argument("--days", type=int, default=30)
    arguments.add_argument("--repeats", type=int, default=20)
    arguments.add_argument("--output", type=Path)
    given = arguments.parse_args()
    estate, console = Estate(given.resources, given.days), Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings("local", {"LAKEHOUSE_ROOT": folder})
        begun = time.perf_counter()
        rows = make(settings, estate)
        console.print(f"{rows:,} rows made in {time.perf_counter() - begun:.0f} s")
        found = measure(settings, estate, given.repeats)
    shown = Table(title=f"{given.resources:,} resources, {given.days} days, {given.repeats} times each", box=None)
    for name in ("question", "table", "rows", "p50 ms", "p95 ms"):
        shown.add_column(name, justify="left" if name in ("question", "table") else "right")
    for one in found:
        shown.add_row(one.name, one.table, f"{one.rows:,}", f"{one.p50_ms:,.0f}", f"{one.p95_ms:,.0f}")
    console.print(shown)
    if given.output:
        given.output.write_text(json.dumps([asdict(one) for one in found], indent=1))


if __name__ == "__main__":
    main()

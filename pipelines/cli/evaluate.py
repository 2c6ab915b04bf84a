"""`lakehouse evaluate`: how the detectors would have done on one's own history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli import output_width
from pipelines.cli.services import Env
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.detection.evaluation.run import Result


def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the histories are.")],
    *,
    out: Annotated[Path, typer.Option(help="Where scores and pictures are written, under the same names.")],
    env: Env = "local",
) -> None:
    """Backtest the detectors on histories of your own, with the very code of the scoring stream.

    DIR holds `<folder>/<file>.csv` (timestamp,value; a column `label` and a `windows.json` of labelled spans are
    optional), each a series that is scored from its first row on; or `<name>.train.parquet` with
    `<name>.test.parquet` (a column a metric, `label` optional), each a host: trained on the one, scored on the other.

    OUT gets a file a file with anomaly_score, expected, lower and upper a row, and a picture beside it.

        lakehouse evaluate history --out build/evaluation
    """
    from rich.progress import track

    from pipelines.detection.evaluation import run

    settings, console = load_settings(env), Console(width=output_width(), highlight=False)
    threshold = settings.detection.threshold
    plan = run.plan(folder)
    steps = track(plan, "scoring", console=Console(stderr=True), transient=True)
    results = [run.evaluate(folder, out, step, threshold) for step in steps]
    _print_series(console, results, threshold)
    _print_hosts(console, results)
    _print_nab(console, results)
    console.print(f"scores and pictures: {out}", soft_wrap=True)


def _print_series(console: Console, results: list[Result], threshold: float) -> None:
    listed = Table(box=None, pad_edge=False)
    for name in ("series", "rows", "anomalies", "events", "found", "false alarms a day"):
        listed.add_column(name, justify="left" if name == "series" else "right")
    series = [result for result in results if not result.is_host]
    for result in series:
        cells = ["", "", ""]
        if result.events is not None:
            events = result.events
            cells = [str(events.events), str(events.found), f"{events.false_alarms / max(events.days, 1e-9):.2f}"]
        listed.add_row(result.path.as_posix(), f"{result.rows:,}", f"{result.anomalies:,}", *cells)
    if series:
        console.print(f"Series: a row with a score of {threshold} or more is an anomaly, a run of them an alarm")
        console.print(listed)
    judged = [result.events for result in series if result.events is not None]
    if judged:
        all_events, found = sum(one.events for one in judged), sum(one.found for one in judged)
        alarms, days = sum(one.false_alarms for one in judged), sum(one.days for one in judged)
        console.print(
            f"all labelled series: {found} of {all_events} events found ({found / max(all_events, 1):.0%}), "
            f"{alarms / max(days, 1e-9):.3f} false alarms a series and day\n"
        )


def _print_hosts(console: Console, results: list[Result]) -> None:
    hosts = [result for result in results if result.is_host]
    if not hosts:
        return
    listed = Table(box=None, pad_edge=False)
    for name in ("host", "rows", "anomalies", "AUPRC", "best F1", "F1 at threshold"):
        listed.add_column(name, justify="left" if name == "host" else "right")
    for result in hosts:
        points = result.points
        cells = ["", "", ""] if points is None else [
            f"{points.auprc:.3f}", f"{points.f1:.3f}", f"{points.f1_at_threshold:.3f}",
        ]  # fmt: skip
        listed.add_row(result.path.as_posix(), f"{result.rows:,}", f"{result.anomalies:,}", *cells)
    console.print("Hosts: rows as they are labelled, without point-adjust")
    console.print(listed)
    judged = [result.points for result in hosts if result.points is not None]
    if judged:
        auprc, f1 = (sum(values) / len(judged) for values in zip(*((one.auprc, one.f1) for one in judged), strict=True))
        console.print(f"mean of {len(judged)} labelled hosts: AUPRC {auprc:.3f}, best F1 {f1:.3f}\n")


def _print_nab(console: Console, results: list[Result]) -> None:
    from pipelines.detection.evaluation.nab import nab_scores

    labelled = [(result.score, result.windows) for result in results if result.windows is not None]
    for score in nab_scores((score, windows) for score, windows in labelled if windows is not None):
        console.print(f"NAB {score.profile:9} {score.score:6.2f}  (best single threshold {score.threshold:.4f})")

"""`lakehouse train`: a model of what is usual, from silver.metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli import output_width, run_app
from pipelines.cli.services import Env
from pipelines.errors import ModelError
from pipelines.settings import load_settings, parse_duration

if TYPE_CHECKING:
    from pipelines.detection.models.training import Outcome


class Promotion(StrEnum):
    """What becomes of the new version."""

    IF_BETTER = "if-better"
    NEVER = "never"


def train(
    *,
    window: Annotated[
        str | None, typer.Option(show_default="detection.train_window", help="How much of silver.metrics to use.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(show_default=False, help="FROM..TO (UTC) that is not to be learnt. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What is drawn at random is drawn from it.")] = 0,
    promote: Annotated[Promotion, typer.Option(help="Make the new version champion if it is better, or not.")] = (
        Promotion.IF_BETTER
    ),
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only if the last training used data older than detection.retrain_after.")
    ] = False,
    env: Env = "local",
) -> None:
    """Learn each host's usual behaviour, compare with the champion on data that was held back, and register it.

    Not learnt from: --exclude, maintenance (conf/maintenance/windows.yaml), and what operators called *true* or
    *expected*. The new version is @challenger; it becomes @champion if it is better by the rule in docs/operations.md.
    A stream that runs takes it within a minute.

        lakehouse train

        lakehouse train --window '7 days' --exclude 2026-03-01T10:00..2026-03-01T12:00 --promote never
    """
    settings, console, progress = load_settings(env), Console(width=output_width()), Console(stderr=True)
    with progress.status("reading the registry") as status:
        from pipelines.detection.models.exclusions import parse_range
        from pipelines.detection.models.freshness import due_reason
        from pipelines.detection.models.promotion import promote as make_champion
        from pipelines.detection.models.registry import Registry

        exclusions = tuple(parse_range(text) for text in exclude or ())
        registry = Registry.of(settings)
        if if_due:
            due = due_reason(registry, parse_duration(settings.detection.retrain_after), datetime.now(UTC))
            if due is None:
                console.print("not due: the last training used data younger than detection.retrain_after")
                return
            console.print(f"due: {due}", soft_wrap=True)
        status.update("starting Spark")
        from pipelines.detection.models.training import train as train_model
        from pipelines.detection.models.training_data import plan_training
        from pipelines.session import build_session

        spark = build_session(settings, "lakehouse train")
        status.update("looking at silver.metrics")
        length = _length(window or settings.detection.train_window)
        plan = plan_training(spark, settings, length, exclusions, seed)
        outcome = train_model(spark, settings, registry, plan, lambda said: status.update(said))
        promoted = outcome.decision.better and promote is Promotion.IF_BETTER
        if promoted:
            make_champion(registry, outcome.version)
    _report(console, outcome)
    role = "champion" if promoted else "challenger"
    console.print(f"version {outcome.version} is {role}: {outcome.decision.reason}", soft_wrap=True, highlight=False)
    if outcome.decision.better and not promoted:
        console.print(f"`lakehouse models promote {outcome.version}` makes it champion", highlight=False)


def main() -> None:
    """Entry of jobs/train.py, with the options of `lakehouse train`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(train)
    run_app(app)


def _report(console: Console, outcome: Outcome) -> None:
    trained = outcome.trained
    console.print(
        f"{len(trained.bundle.hosts)} hosts trained, {trained.left_out.total()} left out, "
        f"{len(trained.bundle.strictness)} series stricter by verdicts",
        highlight=False,
    )
    for why, count in sorted(trained.left_out.items()):
        console.print(f"  left out: {count} with {why}", highlight=False)
    table = Table(box=None, pad_edge=False)
    for column in ("on held-back data", "version", "AUPRC", "alert rate", "alerts", "host intervals"):
        table.add_column(column, justify="left" if column == "on held-back data" else "right")
    for name, version, found in (
        ("champion", outcome.champion, trained.champion),
        ("challenger", outcome.version, trained.challenger),
    ):
        numbers = (f"{found.auprc:.4f}", f"{found.alert_rate:.5f}", f"{found.alerts:,}", f"{found.units:,}")
        table.add_row(name, version, *numbers)
    console.print(table)


def _length(window: str) -> timedelta:
    try:
        return parse_duration(window)
    except ValueError as error:
        raise ModelError(f"--window is {window!r}: {error}") from error

"""`lakehouse failure-risk`: train the model of failures, or tell every machine's risk with the one that is champion."""

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
from pipelines.failure.names import KnownBy
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipelines.failure.evaluation import Evaluation
    from pipelines.model_registry.registry import ModelRegistry


class Task(StrEnum):
    TRAIN = "train"
    SCORE = "score"


def failure_risk(
    task: Annotated[Task, typer.Argument(help="train: a challenger. score: write gold.failure_risk.")] = Task.SCORE,
    *,
    days: Annotated[int, typer.Option(min=1, help="train: how many days of the past to learn from.")] = 120,
    step: Annotated[int, typer.Option(min=1, help="train: hours between two rows of a machine.")] = 3,
    known_by: Annotated[
        KnownBy, typer.Option(help="When a row counts as known: as it arrived, or as it happened (imports).")
    ] = KnownBy.INGEST,
    as_of: Annotated[datetime | None, typer.Option(show_default=False, help="As of then instead of now (UTC).")] = None,
    env: Env = "local",
) -> None:
    """How likely each machine fails or falls silent within 1, 24 and 168 hours, and why.

    A model that was trained becomes champion only if it is better than the former one on machines and a time that
    neither has seen. Exit code 1 if there is nothing to learn from, or no champion to score with.

        lakehouse failure-risk train --days 120

        lakehouse failure-risk score
    """
    settings, progress = load_settings(env), Console(stderr=True)
    moment = (as_of or datetime.now(UTC)).replace(tzinfo=UTC)
    with progress.status("starting Spark"):
        from pipelines.failure.registered import registry_of
        from pipelines.session import build_session

        spark = build_session(settings, f"lakehouse failure-risk {task}")
    registry = registry_of(settings)
    console = Console(width=output_width(), highlight=False)
    with progress.status(f"{task}: reading silver"):
        if task is Task.TRAIN:
            _train(spark, settings, registry, console, days, timedelta(hours=step), known_by, moment)
        else:
            _score(spark, settings, registry, console, known_by, moment)


def _train(
    spark: SparkSession,
    settings: Settings,
    registry: ModelRegistry,
    console: Console,
    days: int,
    step: timedelta,
    known_by: KnownBy,
    moment: datetime,
) -> None:
    from pipelines.failure.registered import promote_if_better, register
    from pipelines.failure.training import TrainingOptions, train
    from pipelines.gold.failure_risk import HistoryRule, delta_versions, read_history

    options = TrainingOptions()
    versions = delta_versions(spark, settings)
    history = read_history(spark, settings, HistoryRule(days, step, known_by), moment)
    model = train(history, options)
    challenger = register(registry, model, history, options, versions)
    promotion = promote_if_better(registry, challenger, history, options)
    for horizon in model.horizons:
        console.print(f"{horizon.horizon_hours:>3} h  {horizon.why}", soft_wrap=True)
    console.print(_judgement(model.evaluations))
    became = "champion" if promotion.promoted else "challenger"
    console.print(f"version {challenger.version} is {became}: {promotion.why}", soft_wrap=True)


def _score(
    spark: SparkSession,
    settings: Settings,
    registry: ModelRegistry,
    console: Console,
    known_by: KnownBy,
    moment: datetime,
) -> None:
    from pipelines.failure.registered import load
    from pipelines.gold.failure_risk import refresh
    from pipelines.model_registry.registry import CHAMPION

    champion = load(registry, CHAMPION)
    if champion is None:
        raise ModelError(
            f"model {registry.model_name} has no champion at {registry.tracking_uri}: run "
            "`lakehouse failure-risk train`"
        )
    machines = refresh(spark, settings, champion.model, int(champion.version), moment, known_by)
    console.print(
        f"gold.failure_risk: {machines:,} machines as of {moment:%Y-%m-%d %H:%M} by version {champion.version}"
    )


def _judgement(evaluations: tuple[Evaluation, ...]) -> Table:
    table = Table("horizon", "rows", "machines", "failures", "base rate", "AUPRC", "Brier skill", "5-95 %", box=None)
    for judged in evaluations:
        table.add_row(
            *(f"{judged.horizon_hours} h", f"{judged.rows:,}", f"{judged.machines}", f"{judged.failures}"),
            *(f"{judged.base_rate:.4f}", f"{judged.auprc:.3f}", f"{judged.brier_skill:+.3f}"),
            f"{judged.skill_low:+.3f} to {judged.skill_high:+.3f}",
        )
    return table


def main() -> None:
    """Entry of jobs/failure_risk.py, with the arguments of `lakehouse failure-risk`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(failure_risk)
    run_app(app)

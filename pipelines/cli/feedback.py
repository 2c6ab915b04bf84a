"""`lakehouse feedback`: an operator's verdict on an anomaly."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.services import Env
from pipelines.detection.models.feedback import Feedback, Verdict, give
from pipelines.settings import load_settings


def feedback(
    *,
    verdict: Annotated[Verdict, typer.Option(help="An incident, nothing wrong, or known beforehand.")],
    since: Annotated[datetime, typer.Option("--from", help="From when it holds (UTC).")],
    until: Annotated[datetime, typer.Option(help="Until when it holds, included (UTC).")],
    series: Annotated[
        int | None, typer.Option(show_default=False, help="The series, by series_id of silver.anomaly_scores.")
    ] = None,
    resource: Annotated[str | None, typer.Option(show_default=False, help="Or the resource, by its id.")] = None,
    metric: Annotated[str | None, typer.Option(show_default=False, help="And which metric of it; all if none.")] = None,
    score: Annotated[str | None, typer.Option(show_default=False, help="The score_id that was looked at.")] = None,
    note: Annotated[str | None, typer.Option(show_default=False, help="What is to be remembered.")] = None,
    by: Annotated[str | None, typer.Option(show_default="you", help="Who says so.")] = None,
    env: Env = "local",
) -> None:
    """Say whether an anomaly was one. It is kept in silver.anomaly_feedback, and heeded by the next `lakehouse train`.

    *false*: the series is judged more strictly. *true*: those rows are not learnt as usual, and a new model must find
    them. *expected*: those rows are neither learnt nor counted.

        lakehouse feedback --series 4711 --from 2026-03-01T10:00 --until 2026-03-01T10:20 --verdict false
    """
    said = Feedback(
        verdict=verdict,
        start_time=since.replace(tzinfo=UTC),
        end_time=until.replace(tzinfo=UTC),
        given_by=by or getpass.getuser(),
        given_at=datetime.now(UTC),
        series_id=series,
        resource_id=resource.lower() if resource is not None and resource.startswith("/") else resource,
        metric=metric,
        score_id=score,
        note=note,
    )
    identity = give(load_settings(env), said)
    Console(soft_wrap=True).print(f"noted as {identity}; the next `lakehouse train` heeds it", highlight=False)

"""`lakehouse refresh`: the gold tables that are worked out by the day."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.cli import output_width, run_app
from pipelines.cli.services import Env
from pipelines.errors import SettingsError
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from rich.status import Status

    from pipelines.gold.daily import Days


def refresh(
    tables: Annotated[
        list[str] | None, typer.Argument(show_default=False, help="Which tables; all of them if none is named.")
    ] = None,
    *,
    from_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], show_default=False, help="Work out these days anew (UTC), ..."),
    ] = None,
    to_day: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], show_default=False, help="... up to this one; that day if left."),
    ] = None,
    env: Env = "local",
) -> None:
    """Bring the daily gold tables up to date: the days that have changed in silver since the last time, no others.

    A day is worked out as a whole and replaced in one commit: safe to repeat, to kill, and beside the streams.

        lakehouse refresh

        lakehouse refresh cost_daily --from 2026-03-01 --to 2026-03-31
    """
    from pipelines.gold.daily_tables import DAILY_TABLES, daily_table

    settings, progress = load_settings(env), Console(stderr=True)
    days = _days(from_day, to_day)
    wanted = [daily_table(name) for name in tables or ()] or list(DAILY_TABLES)
    console = Console(width=output_width(), highlight=False)
    with progress.status("starting Spark") as status:
        from pipelines.gold import daily as by_day
        from pipelines.session import build_session

        spark = build_session(settings, "lakehouse refresh")
        for one in wanted:
            name, begun = one.table.full_name, time.monotonic()
            if days is None:
                done = by_day.refresh(spark, settings, one, partial(_show, status, name))
            else:
                _show(status, name, days)
                by_day.replace(spark, settings, one, days)
                done = (days,)
            told = ", ".join(_told(some) for some in done) or "nothing new"
            console.print(f"{name}: {told} ({time.monotonic() - begun:.1f} s)", soft_wrap=True)


def main() -> None:
    """Entry of jobs/refresh.py, with the arguments of `lakehouse refresh`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(refresh)
    run_app(app)


def _days(from_day: datetime | None, to_day: datetime | None) -> Days | None:
    from pipelines.gold.daily import Days

    if from_day is None:
        if to_day is not None:
            raise SettingsError("--to needs --from: the first day to work out anew")
        return None
    first, last = from_day.date(), (to_day or from_day).date()
    if last < first:
        raise SettingsError(f"--to is {last}: should not be before --from ({first})")
    return Days(first, last)


def _show(status: Status, name: str, days: Days) -> None:
    status.update(f"{name}: {_told(days)}")


def _told(days: Days) -> str:
    return f"{days.first}" if days.first == days.last else f"{days.first} to {days.last}"

"""`lakehouse forecast`: what will be full, and where to run on spot."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli import output_width, run_app
from pipelines.cli.services import Env
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SHOWN_DAYS = 14
_SHOWN_ROWS = 20


class What(StrEnum):
    CAPACITY = "capacity"
    SPOT = "spot"
    ALL = "all"


def forecast(
    *,
    what: Annotated[What, typer.Argument(help="Which forecasts to make.")] = What.ALL,
    as_of: Annotated[
        datetime | None, typer.Option(show_default=False, help="Forecast as of then instead of now (UTC).")
    ] = None,
    env: Env = "local",
) -> None:
    """Forecast capacity and spot prices: gold.capacity_forecast, gold.spot_forecast.

    Each table holds the newest run alone; a run at the same time gives the same rows. It may run beside the streams.

        lakehouse forecast

        lakehouse forecast capacity --as-of 2026-03-02T12:00:00
    """
    settings, console, progress = load_settings(env), Console(width=output_width()), Console(stderr=True)
    moment = (as_of or datetime.now(UTC)).replace(microsecond=0)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    with progress.status("starting Spark") as status:
        from pipelines.session import build_session

        spark = build_session(settings, "lakehouse forecast")
        if what in (What.CAPACITY, What.ALL):
            status.update("forecasting capacity")
            _capacity(spark, settings, moment, console)
        if what in (What.SPOT, What.ALL):
            status.update("forecasting spot prices")
            _spot(spark, settings, moment, console)


def main() -> None:
    """Entry of jobs/forecast.py, with the options of `lakehouse forecast`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(forecast)
    run_app(app)


def _capacity(spark: SparkSession, settings: Settings, as_of: datetime, console: Console) -> None:
    from pipelines.gold import capacity_forecast
    from pipelines.tables import read_table

    capacity_forecast.write(spark, settings, as_of, capacity_forecast.CapacityOptions())
    rows = read_table(spark, settings, capacity_forecast.TABLE)
    _summary(rows, "gold.capacity_forecast", console)
    soon = rows.where(f"days_to_full <= {_SHOWN_DAYS}").orderBy("days_to_full").limit(_SHOWN_ROWS)
    listed = Table(title=f"full within {_SHOWN_DAYS} days", box=None, pad_edge=False)
    for name in ("host", "metric", "of", "now", "days to full", "80 % interval", "model"):
        listed.add_column(name)
    for row in soon.collect():
        latest = "never" if row["days_to_full_latest"] is None else f"{row['days_to_full_latest']:.1f}"
        listed.add_row(
            row["host_name"] or row["resource_id"],
            row["metric"],
            " ".join((row["dimensions"] or {}).values()),
            f"{row['last_value']:,.1f}",
            f"{row['days_to_full']:.1f}",
            f"{row['days_to_full_earliest']:.1f} to {latest}",
            row["model"],
        )
    if listed.row_count:
        console.print(listed)


def _spot(spark: SparkSession, settings: Settings, as_of: datetime, console: Console) -> None:
    from pipelines.gold import spot_forecast
    from pipelines.tables import read_table

    spot_forecast.write(spark, settings, as_of, spot_forecast.SpotOptions())
    _summary(read_table(spark, settings, spot_forecast.TABLE), "gold.spot_forecast", console)


def _summary(rows: DataFrame, table: str, console: Console) -> None:
    counts = {row["shown"]: row["count"] for row in rows.groupBy("shown").count().collect()}
    console.print(
        f"{table}: {sum(counts.values()):,} forecasts, by a model {counts.get('model', 0):,}, "
        f"naive {counts.get('naive', 0):,}, none {counts.get('none', 0):,} (column reason tells why)",
        highlight=False,
    )

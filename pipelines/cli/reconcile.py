"""`lakehouse reconcile`: the proof that nothing was lost and nothing made up."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli import output_width
from pipelines.cli.services import Env
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.operations.reconcile import TopicBalance


class LateDuplicates(StrEnum):
    """What to do with repeats that came after the deduplication window."""

    KEEP = "keep"
    REMOVE = "remove"


def reconcile(
    *,
    late_duplicates: Annotated[
        LateDuplicates, typer.Option(help="keep them, or remove all but the first delivery of each event")
    ] = LateDuplicates.KEEP,
    env: Env = "local",
) -> None:
    """Prove, per topic: items in bronze = silver + duplicates + quarantined + ignored. Exit code 1 if it does not hold.

    With `--late-duplicates remove`, meant to be run daily, repeats that came after the deduplication window are taken
    out of silver first, and counted.

    Reads the tables alone. Run it when the streams have caught up: what silver has not processed yet counts as missing.
    """
    from pipelines.local.schemas import schemas_of
    from pipelines.operations import preflight
    from pipelines.operations.late_duplicates import remove_late_duplicates
    from pipelines.operations.reconcile import reconcile as account
    from pipelines.session import build_session

    settings = load_settings(env)
    for layer, name, job in (
        ("bronze", "telemetry", "bronze"),
        *(("silver", name, "silver") for name in ("metrics", "logs")),
    ):
        preflight.check_table(settings, layer, name, job)
    progress, console = Console(stderr=True), Console(width=output_width())
    spark = build_session(settings, "lakehouse reconcile")
    if late_duplicates is LateDuplicates.REMOVE:
        with progress.status("looking for late duplicates"):
            removed = remove_late_duplicates(spark, settings)
        for name, rows in removed.items():
            console.print(f"{name}: {rows:,} late duplicates removed", highlight=False)
    with progress.status("reading bronze and silver"):
        balances = account(spark, settings, schemas_of(settings))
    console.print(balance_table(balances))
    if not all(balance.holds for balance in balances):
        console.print(
            "[red]does not hold[/red]: missing items are in no table (has silver processed all of bronze? "
            "`lakehouse run silver --trigger available-now`), unexpected rows are in no bronze value"
        )
        raise typer.Exit(1)
    console.print("[green]holds[/green]: items = silver + duplicates + quarantined + ignored")


def balance_table(balances: tuple[TopicBalance, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    numbers = (
        "values", "items", "silver", "duplicates", "quarantined", "ignored", "missing", "unexpected", "late_duplicates",
    )  # fmt: skip
    table.add_column("topic")
    for name in (*numbers, "holds"):
        table.add_column(name.replace("_", " "), justify="right")
    for balance in balances:
        counts = (f"{getattr(balance, name):,}" for name in numbers)
        table.add_row(balance.topic, *counts, "yes" if balance.holds else "[red]NO[/red]")
    return table

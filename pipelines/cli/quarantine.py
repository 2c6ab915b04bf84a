"""`lakehouse quarantine`: what could not be used, how much of it, and why."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli import output_width
from pipelines.cli.services import Env
from pipelines.settings import load_settings

_COUNTS = """
SELECT reason, topic, coalesce(source, '') AS source, count(*) AS rows,
  min(ingest_time) AS first, max(ingest_time) AS last
FROM silver.quarantine WHERE resolved_at IS NULL GROUP BY ALL ORDER BY rows DESC
"""
_SAMPLE = """
SELECT topic, "partition", "offset", item, message, raw FROM silver.quarantine
WHERE resolved_at IS NULL AND reason = $reason ORDER BY ingest_time DESC LIMIT 5
"""
_RAW_CHARACTERS = 500


def quarantine(
    *,
    reason: Annotated[
        str | None, typer.Option(show_default=False, help="Show the newest records with this code.")
    ] = None,
    env: Env = "local",
) -> None:
    """What waits in quarantine: counts by reason, topic and source; with --reason, its meaning and the newest records.

    Nothing in quarantine is lost: `lakehouse redrive --reason CODE` sends it through again after a fix. What each code
    means and what to do about it is in docs/operations.md.
    """
    from pipelines.operations import preflight
    from pipelines.operations.cells import for_table
    from pipelines.operations.query import connect, fetch, list_tables

    settings, console = load_settings(env), Console(width=output_width())
    preflight.check_table(settings, "silver", "quarantine", "silver")
    tables = list_tables(settings)
    query = _COUNTS if reason is None else _SAMPLE
    with connect(tables, query) as connection:
        found = fetch(connection, query, tables, parameters={"reason": reason} if reason is not None else None)
    if reason is not None:
        from pipelines.quality.reasons import check_reason

        console.print(f"[bold]{reason}[/bold]: {check_reason(reason)}", highlight=False)
        for topic, partition, offset, item, _, raw in found.rows:
            console.print(f"[cyan]{topic}[/cyan] partition {partition} offset {offset} item {item}", highlight=False)
            console.print(Text("  " + bytes(raw or b"").decode(errors="replace")[:_RAW_CHARACTERS]))
        if not found.rows:
            console.print("nothing waits in quarantine for it")
        return
    if not found.rows:
        console.print("quarantine is empty")
        return
    table = Table(box=None, pad_edge=False)
    for column in found.columns:
        table.add_column(column, justify="right" if column == "rows" else "left")
    for row in found.rows:
        table.add_row(*(Text(for_table(value)) for value in row))
    console.print(table)

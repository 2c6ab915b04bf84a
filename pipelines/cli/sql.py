"""`lakehouse sql`: ask the tables, without waiting for Spark."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from pipelines.operations.query import Answer

_ROWS_OF_A_TABLE = 100
_WIDEST_CELL = 120


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def sql(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(show_default=False, help="One statement, or SHOW TABLES.")] = None,
    *,
    env: Annotated[
        str, typer.Option("--env", envvar="LAKEHOUSE_ENV", help="Which settings: local reads conf/local.yaml.")
    ] = "local",
    output: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
    limit_rows: Annotated[
        int | None,
        typer.Option(
            min=1, show_default=False, help=f"Print no more. Default: {_ROWS_OF_A_TABLE} as a table, else all."
        ),
    ] = None,
) -> None:
    """Answer SQL (DuckDB's dialect) over all tables: bronze.telemetry, silver.metrics, gold.metric_rollup …

    It reads what the streams have committed so far, and disturbs none of them. Times are UTC.

    What there is, and what each table is for:

        lakehouse sql "SHOW TABLES"

    Which agents are silent, and since when:

        lakehouse sql "SELECT host_name, state_since FROM gold.agent_health WHERE state = 'silent'"

    The busiest machines of the last hours:

        lakehouse sql "SELECT host_name, window_start, mean, p95 FROM gold.metric_rollup WHERE granularity = 'PT1H'
        AND metric = '% Processor Time' ORDER BY mean DESC LIMIT 10"

    Whose machines log the most errors; every silver table of records has such a view, TABLE_with_resource:

        lakehouse sql "SELECT resource_owner, resource_name, count(*) FROM silver.logs_with_resource
        WHERE severity_number >= 17 GROUP BY ALL ORDER BY 3 DESC"
    """
    if query is None:
        typer.echo(context.get_help())
        return
    # Imported here so that the help, and every other command, does not wait for a database.
    from pipelines.operations.query import answer
    from pipelines.settings import load_settings

    limit = limit_rows or (_ROWS_OF_A_TABLE if output is Format.TABLE else None)
    found = answer(load_settings(env), query, limit)
    writers = {Format.TABLE: _write_table, Format.CSV: _write_csv, Format.JSON: _write_json}
    writers[output](found)
    if found.more:
        Console(stderr=True).print(f"only the first {len(found.rows)} rows: --limit-rows sets how many", style="yellow")


def _write_table(found: Answer) -> None:
    from rich.table import Table
    from rich.text import Text

    from pipelines.operations.cells import for_table

    console = Console()
    cells = [[_shortened(for_table(value)) for value in row] for row in found.rows]
    widths = [max(map(len, column)) for column in zip(found.columns, *cells, strict=True)]
    needed = sum(widths) + 2 * len(widths)
    if not console.is_terminal:  # a file or a pipe is as wide as it takes
        console = Console(width=max(needed, 80))
    elif needed > console.width and len(widths) > 4:
        _write_records(console, found)
        return
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(found.columns):
        numeric = any(isinstance(row[place], int | float) for row in found.rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _write_records(console: Console, found: Answer) -> None:
    """Rows too wide for the terminal, each as a list of its columns."""
    from rich.text import Text

    from pipelines.operations.cells import for_table

    longest = max(map(len, found.columns))
    for number, row in enumerate(found.rows, start=1):
        console.rule(f"row {number}", align="left", style="dim")
        for name, value in zip(found.columns, row, strict=True):
            console.print(Text.assemble((f"{name:<{longest}}  ", "cyan"), for_table(value)))


def _shortened(text: str) -> str:
    flat = " ".join(text.splitlines())
    return flat if len(flat) <= _WIDEST_CELL else f"{flat[: _WIDEST_CELL - 1]}…"


def _write_csv(found: Answer) -> None:
    import csv

    from pipelines.operations.cells import for_csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(found.columns)
    writer.writerows([for_csv(value) for value in row] for row in found.rows)


def _write_json(found: Answer) -> None:
    """One array, a row a line."""
    import json

    from pipelines.operations.cells import plain

    rows = (dict(zip(found.columns, map(plain, row), strict=True)) for row in found.rows)
    sys.stdout.write("[" + ",\n ".join(json.dumps(row, ensure_ascii=False) for row in rows) + "]\n")

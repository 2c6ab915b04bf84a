"""The `lakehouse` command."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from pipelines.cli import reconcile, run, services, simulate
from pipelines.errors import LakehouseError

app = typer.Typer(
    name="lakehouse",
    help=__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    add_completion=False,
)
app.command()(services.up)
app.command()(services.down)
app.command()(services.status)
app.command()(simulate.simulate)
app.command()(run.run)
app.command()(reconcile.reconcile)


def main() -> None:
    """Run the command line. An error of ours is its message and exit code 1, never a traceback."""
    try:
        app()
    except LakehouseError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]error:[/red] {error}", highlight=False)
        sys.exit(1)

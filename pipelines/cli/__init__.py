"""The `lakehouse` command."""

from __future__ import annotations

import sys
from importlib import import_module

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.errors import LakehouseError

# Command → its module here. Only the one that is asked for is imported: `sql` answers before Spark could be loaded.
_COMMANDS = {
    "demo": "demo",
    "up": "services",
    "down": "services",
    "status": "services",
    "simulate": "simulate",
    "send": "send",
    "run": "run",
    "sql": "sql",
    "reconcile": "reconcile",
    "schemas": "schemas",
    "quarantine": "quarantine",
    "redrive": "redrive",
    "check": "check",
    "evaluate": "evaluate",
    "train": "train",
    "models": "models",
    "feedback": "feedback",
    "forecast": "forecast",
    "failure-risk": "failure_risk",
    "refresh": "refresh",
    "alerts": "alerts",
    "dashboard": "dashboard",
    "maintain": "maintain",
    "replay": "replay",
    "backup": "backup",
    "restore": "backup",
}


def build(asked: str | None) -> typer.Typer:
    """The command line with `asked` alone, or with all commands if it is none of them."""
    app = typer.Typer(
        name="lakehouse",
        help="Telemetry of a hybrid estate, from Kafka to bronze, silver and gold Delta tables.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        add_completion=False,
    )
    app.callback()(lambda: None)  # without it a single command would swallow its own name
    for name in [asked] if asked in _COMMANDS else _COMMANDS:
        assert name is not None
        app.command(name)(getattr(import_module(f"pipelines.cli.{_COMMANDS[name]}"), name.replace("-", "_")))
    return app


def main() -> None:
    """The `lakehouse` command."""
    run_app(build(sys.argv[1] if len(sys.argv) > 1 else None))


def output_width() -> int | None:
    """As wide as the terminal; where the output goes to a file or a pipe, wide enough for our tables."""
    return None if sys.stdout.isatty() else 140


def run_app(app: typer.Typer) -> None:
    """Run a command line. An error of ours is its message and exit code 1, never a traceback."""
    try:
        app()
    except LakehouseError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]error:[/red] {escape(str(error))}", highlight=False)
        sys.exit(1)

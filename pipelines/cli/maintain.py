"""`lakehouse maintain`: few files, old rows gone, nothing on disk that nobody asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from pipelines.cli import output_width, run_app
from pipelines.cli.services import Env
from pipelines.errors import SettingsError, StorageError
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.operations.maintenance.record import Action, Done


def maintain(
    tables: Annotated[
        list[str] | None, typer.Argument(show_default=False, help="Which tables; all of them if none is named.")
    ] = None,
    *,
    only: Annotated[
        str | None,
        typer.Option(show_default=False, help="Of duplicates, retention, compact, vacuum, files: these, by comma."),
    ] = None,
    env: Env = "local",
) -> None:
    """Compact and cluster tables, delete what is older than its contract wants it kept, remove files nobody reads.

    Meant to be run daily, beside the streams: it waits for none and stops none, and none repeats or loses a row. What
    a stream was faster at is tried again a few times, then told, and left to the next run; exit code 1.

        lakehouse maintain

        lakehouse maintain silver.metrics gold.metric_rollup --only compact,vacuum
    """
    from pipelines.operations.maintenance.run import Rules
    from pipelines.operations.maintenance.run import maintain as run
    from pipelines.operations.named_tables import tables_named
    from pipelines.session import build_session
    from pipelines.tables import all_contracts

    settings, actions = load_settings(env), _actions(only)
    wanted = tables_named(tables or (), all_contracts(), lambda _: "has no contract")
    console = Console(width=output_width(), highlight=False)
    with Console(stderr=True).status("starting Spark") as status:
        spark = build_session(settings, "lakehouse maintain")
        done = list(
            run(spark, settings, wanted, actions, Rules(), lambda table, action: status.update(f"{table}: {action}"))
        )
    console.print(_report(done))
    failed = [one for one in done if one.has_failed]
    if failed:
        raise StorageError("\n".join(f"{one.table}, {one.action}: {one.effect.outcome}" for one in failed))


def main() -> None:
    """Entry of jobs/maintain.py, with the arguments of `lakehouse maintain`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(maintain)
    run_app(app)


def _actions(only: str | None) -> tuple[Action, ...]:
    from pipelines.operations.maintenance.record import Action

    if only is None:
        return tuple(Action)
    names = [name.strip() for name in only.split(",")]
    unknown = [name for name in names if name not in list(Action)]
    if unknown:
        raise SettingsError(f"--only is {only!r}: {unknown[0]!r} is none of {', '.join(Action)}")
    return tuple(action for action in Action if action in names)


def _report(done: list[Done]) -> Table:
    from pipelines.operations.maintenance.record import NOTHING

    table = Table(box=None, pad_edge=False)
    for name in ("table", "action"):
        table.add_column(name)
    for name in ("files before", "after", "size before", "after", "rows deleted", "s"):
        table.add_column(name, justify="right")
    table.add_column("outcome")
    for one in done:
        if one.effect.outcome == NOTHING:
            continue
        before, after = one.effect.before, one.effect.after
        table.add_row(
            one.table, one.action, f"{before.files:,}", f"{after.files:,}", decimal(before.bytes),
            decimal(after.bytes), f"{one.effect.rows_deleted:,}", f"{one.seconds:.1f}", one.effect.outcome,
        )  # fmt: skip
    idle = sum(one.effect.outcome == NOTHING for one in done)
    table.caption = f"{len(done)} actions; nothing to do for {idle} of them"
    return table

"""`lakehouse replay`: silver of a span of time, and its rollup, made anew from bronze."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli import output_width
from pipelines.cli.services import Env
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.operations.replay.run import Plan


def replay(
    *,
    start: Annotated[datetime, typer.Option("--from", show_default=False, help="What arrived in bronze from then ...")],
    end: Annotated[datetime, typer.Option("--to", show_default=False, help="... until then, excluded (UTC).")],
    topic: Annotated[
        list[str] | None, typer.Option(show_default=False, help="Of this topic alone; may be given several times.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(show_default=False, help="This table alone, of silver or gold.metric_rollup; may be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be replaced, and change nothing.")] = False,
    env: Env = "local",
) -> None:
    """Make silver of a span of arrival (`ingest_time`) anew from bronze, and the rollup of its measurements from that.

    After a defect or a mishap: with the same code it gives the same rows. Checkpoints stay as they are, and streams
    that read silver see no new rows. It may run beside the streams, and again after it was interrupted. The daily gold
    tables follow with `lakehouse refresh`.

        lakehouse replay --from 2026-03-02T10:00:00 --to 2026-03-02T11:00:00 --dry-run

        lakehouse replay --from 2026-03-02 --to 2026-03-03 --topic am-Perf --table metrics --table metric_rollup
    """
    from pipelines.local.schemas import schemas_of
    from pipelines.operations import preflight
    from pipelines.operations.replay.chosen import chosen
    from pipelines.operations.replay.run import replay as run
    from pipelines.operations.replay.span import Span
    from pipelines.session import build_session

    settings, tables = load_settings(env), chosen(table or ())
    span = Span(_utc(start), _utc(end), tuple(topic or ()))
    preflight.check_table(settings, "bronze", "telemetry", "bronze")
    console = Console(width=output_width(), highlight=False)
    with Console(stderr=True).status("decoding again"):
        spark = build_session(settings, "lakehouse replay")
        plan = run(spark, settings, schemas_of(settings), span, tables, lambda _plan: not dry_run)
    if plan.was_interrupted:
        console.print("an earlier replay of this span was interrupted; it has been worked out again as a whole")
    console.print(_report(plan))
    if all(change.is_none for change in plan.changes):
        console.print("nothing differs: no table was changed")
    elif dry_run:
        console.print("nothing was changed: run it without --dry-run to put the rows in place")
    else:
        console.print(
            "in place. `lakehouse refresh` works out the daily gold tables of the days that have changed; scores stay "
            "as they were (docs/operations.md, Replay, says what becomes of each table)"
        )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _report(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, title=f"arrived {plan.span}", title_justify="left")
    table.add_column("table")
    for name in ("rows before", "after", "removed", "put in place"):
        table.add_column(name, justify="right")
    for change in plan.changes:
        table.add_row(change.table, f"{change.before:,}", f"{change.after:,}", f"{change.gone:,}", f"{change.came:,}")
    return table

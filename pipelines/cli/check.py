"""`lakehouse check`: what the contracts let expect of silver and gold, over a window of time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli import output_width, run_app
from pipelines.cli.services import Env
from pipelines.errors import QualityError
from pipelines.settings import load_settings, parse_duration

if TYPE_CHECKING:
    from pipelines.quality.validate import CheckResult

_COLOURS = {"failed": "red", "error": "red", "no_data": "yellow", "no_history": "yellow", "passed": "green"}


def check(
    *,
    window: Annotated[str, typer.Option(help="How far back to look, such as '6 hours' or '7 days'.")] = "1 day",
    since: Annotated[datetime | None, typer.Option(show_default=False, help="Look back to then instead (UTC).")] = None,
    until: Annotated[
        datetime | None, typer.Option(show_default=False, help="Judge as of then instead of now (UTC).")
    ] = None,
    table: Annotated[
        list[str] | None, typer.Option(show_default=False, help="Only this table, such as silver.metrics. Repeatable.")
    ] = None,
    env: Env = "local",
) -> None:
    """Hold the tables of silver and gold against their contracts: freshness, volume, nulls, keys, rules, references.

    Exit code 1 if a critical check fails; one that only warns is shown. Results are kept in gold.quality_checks, and as
    pages to open in a browser. It may run beside the streams.

        lakehouse check

        lakehouse check --window '6 hours' --table silver.metrics --table gold.metric_rollup
    """
    settings, console, progress = load_settings(env), Console(width=output_width()), Console(stderr=True)
    end = _utc(until) or datetime.now(UTC)
    start = _utc(since) or end - _length(window)
    if start >= end:
        raise QualityError(f"the window ends ({end:%Y-%m-%d %H:%M}) before it begins: correct --since or --until")

    with progress.status("starting Spark") as status:
        from pipelines.quality.validate import check_tables, checkable
        from pipelines.quality.window import Window
        from pipelines.routing import parameters
        from pipelines.session import build_session

        tables = checkable(tuple(table or ()))
        spark = build_session(settings, "lakehouse check")
        results = check_tables(
            spark, settings, tables, Window(start, end), parameters(settings), lambda said: status.update(said)
        )
    _report(console, results)
    console.print(f"pages: {settings.quality_dir / 'data_docs' / 'index.html'}", soft_wrap=True, highlight=False)
    if any(result.is_broken and result.severity == "critical" for result in results):
        raise typer.Exit(1)


def main() -> None:
    """Entry of jobs/check.py, with the options of `lakehouse check`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(check)
    run_app(app)


def _report(console: Console, results: tuple[CheckResult, ...]) -> None:
    shown = [result for result in results if result.is_broken]
    if shown:
        listed = Table(box=None, pad_edge=False)
        for name in ("table", "check", "severity", "observed", "expected", "what it means"):
            listed.add_column(name)
        for result in shown:
            colour = "red" if result.severity == "critical" else "yellow"
            severity = f"[{colour}]{result.severity}[/{colour}]"
            listed.add_row(*(result.table, result.check, severity, result.observed, result.expected, result.message))
        console.print(listed)
    by_table: dict[str, Counter[str]] = {}
    for result in results:
        by_table.setdefault(result.table, Counter())[result.status] += 1
    summary = Table(box=None, pad_edge=False)
    for name in ("table", "rows", *_COLOURS):
        summary.add_column(name.replace("_", " "), justify="left" if name == "table" else "right")
    rows = {result.table: result.rows for result in results}
    for name, counts in by_table.items():
        numbers = (f"[{_COLOURS[status]}]{counts[status]}" if counts[status] else "" for status in _COLOURS)
        summary.add_row(name, f"{rows[name]:,}", *numbers)
    console.print(summary)
    empty = [name for name in by_table if not rows[name]]
    if empty:
        console.print(f"no rows in the window, so nothing is known to be right: {', '.join(empty)}", soft_wrap=True)


def _length(window: str) -> timedelta:
    try:
        return parse_duration(window)
    except ValueError as error:
        raise QualityError(f"--window is {window!r}: {error}") from error


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment

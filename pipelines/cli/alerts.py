"""`lakehouse alerts`: which rules there are, whether they do what their tests say, and their evaluation."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli import output_width, run_app
from pipelines.cli.services import Env
from pipelines.errors import AlertRuleError
from pipelines.settings import CONF_DIR, load_settings
from pipelines.streams import Trigger

TESTS_FILE = CONF_DIR / "alerts.test.yaml"


class Action(StrEnum):
    LIST = "list"
    TEST = "test"
    RUN = "run"


TriggerOption = Annotated[
    Trigger, typer.Option(help="For run: until Ctrl-C or SIGTERM (continuous), or once (available-now).")
]


def alerts(
    action: Annotated[Action, typer.Argument()] = Action.LIST,
    file: Annotated[
        Path | None, typer.Argument(show_default=False, help="For list: rules. For test: tests of rules.")
    ] = None,
    *,
    env: Env = "local",
    trigger: TriggerOption = Trigger.CONTINUOUS,
) -> None:
    """List the alert rules, test them on series as promtool does, or evaluate them on the tables.

    lakehouse alerts list

    lakehouse alerts test conf/alerts.test.yaml

    lakehouse alerts run
    """
    if action is Action.LIST:
        _list(file)
    elif action is Action.TEST:
        _test(file or TESTS_FILE, env)
    else:
        _run(env, trigger)


def main() -> None:
    """Entry of jobs/alerts.py: `--env` and `--trigger` as for `lakehouse alerts run`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.command(help="Evaluate the alert rules; the same as `lakehouse alerts run`.")
    def start(env: Env = "local", trigger: TriggerOption = Trigger.CONTINUOUS) -> None:
        _run(env, trigger)

    run_app(app)


def _list(file: Path | None) -> None:
    from pipelines.alerts.rules import RULES_FILE, load_rules

    shown = Table(box=None, pad_edge=False)
    for name in ("group", "alert", "severity", "over", "true when", "for"):
        shown.add_column(name)
    for group in load_rules(file or RULES_FILE):
        for rule in group.rules:
            hold = f"{rule.hold.total_seconds() / 60:g} min" if rule.hold else "at once"
            shown.add_row(group.name, rule.alert, rule.labels["severity"], rule.expr.table, rule.expr.having, hold)
    Console(width=output_width(), highlight=False, markup=False).print(shown)


def _test(file: Path, env: str) -> None:
    settings, console = load_settings(env), Console(width=output_width(), highlight=False, markup=False)
    with Console(stderr=True).status("starting Spark"):
        from pipelines.alerts.rule_tests import load_tests, run_tests
        from pipelines.session import build_session
        from pipelines.tables import all_contracts

        load_tests(file)  # what is wrong with the file need not wait for Spark
        spark = build_session(settings, "lakehouse alerts test")
        report = run_tests(spark, file, {table.full_name: table for table in all_contracts()})
    for one in report.skipped:
        console.print(f"skipped, as its table does not exist: {one}", soft_wrap=True)
    for one in report.failures:
        console.print(one, soft_wrap=True)
    console.print(
        f"{report.passed} as expected, {len(report.failures)} not, {len(report.skipped)} skipped", soft_wrap=True
    )
    if report.failures:
        raise typer.Exit(1)


def _run(env: str, trigger: Trigger) -> None:
    from pipelines.alerts.rules import load_rules
    from pipelines.cli.run import run_job
    from pipelines.operations.run import Job

    if not load_rules():
        raise AlertRuleError("conf/alerts.yaml has no rule: there is nothing to evaluate")
    run_job(Job.ALERTS, env, trigger)

"""The entry points of the wheel, one a job: what a Databricks `python_wheel_task` calls, without a notebook or a file.

Arguments of the form `NAME=value` before all others are put into the environment, as `env` does: serverless compute
has no other way to be told the settings that differ by target (`LAKEHOUSE_CATALOG=prod`).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, MutableMapping
from importlib import import_module

_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)


def bronze() -> None:
    """Kafka to bronze."""
    _stream("bronze")


def silver() -> None:
    """Bronze to silver and quarantine."""
    _stream("silver")


def inventory() -> None:
    """What silver says of resources, to silver.inventory."""
    _stream("inventory")


def score() -> None:
    """Silver to anomaly scores."""
    _stream("score")


def gold() -> None:
    """The gold tables that are kept up to date by streams."""
    _stream("gold")


def refresh() -> None:
    """The gold tables that are made by the day."""
    _command("refresh")


def check() -> None:
    """The expectations of the tables."""
    _command("check")


def alerts() -> None:
    """The alert rules, and who is told."""
    _stream("alerts")


def maintain() -> None:
    """Compaction, retention and the like."""
    _command("maintain")


def train() -> None:
    """A new version of the detector."""
    _command("train")


def forecast() -> None:
    """Capacity and spot prices."""
    _command("forecast")


def failure_risk() -> None:
    """Train the model of failures, or score with it."""
    _command("failure_risk")


def models() -> None:
    """The versions of the detector and how the champion fares, as `lakehouse models`."""

    def run() -> None:
        from pipelines.cli import build, run_app

        sys.argv.insert(1, "models")
        run_app(build("models"))

    _run(run)


def take_assignments(arguments: list[str], environ: MutableMapping[str, str]) -> None:
    """Move the `NAME=value` in front of all other arguments into `environ`."""
    while len(arguments) > 1 and (found := _ASSIGNMENT.fullmatch(arguments[1])):
        environ[found[1]] = found[2]
        del arguments[1]


def _stream(job: str) -> None:
    def run() -> None:
        from pipelines.cli.run import main
        from pipelines.operations.run import Job

        main(Job(job))

    _run(run)


def _command(module: str) -> None:
    def run() -> None:
        import_module(f"pipelines.cli.{module}").main()

    _run(run)


def _run(main: Callable[[], None]) -> None:
    """`main` ends the process as a command does. Databricks calls us within its own: what ended well has to return."""
    take_assignments(sys.argv, os.environ)
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise

"""The entry points of the wheel: settings before the arguments, and a return where a command ends the process."""

from __future__ import annotations

import os
import sys

import pytest

from pipelines.cli import entries, forecast


def test_assignments_in_front_of_the_arguments_go_to_the_environment() -> None:
    arguments, environ = ["lakehouse-silver", "LAKEHOUSE_CATALOG=prod", "A=b=c", "--env", "X=1"], {"A": "old"}

    entries.take_assignments(arguments, environ)

    assert arguments == ["lakehouse-silver", "--env", "X=1"]
    assert environ == {"LAKEHOUSE_CATALOG": "prod", "A": "b=c"}


@pytest.mark.parametrize(("code", "returns"), [(0, True), (None, True), (1, False)])
def test_a_run_that_ended_well_returns_and_any_other_does_not(
    monkeypatch: pytest.MonkeyPatch, code: int | None, *, returns: bool
) -> None:
    seen = []

    def main() -> None:
        seen.append((os.environ["LAKEHOUSE_CATALOG"], sys.argv[1:]))
        sys.exit(code)

    monkeypatch.setattr(forecast, "main", main)
    monkeypatch.setattr(sys, "argv", ["lakehouse-forecast", "LAKEHOUSE_CATALOG=prod", "all", "--env", "databricks"])
    monkeypatch.setenv("LAKEHOUSE_CATALOG", "dev")

    if returns:
        entries.forecast()
    else:
        with pytest.raises(SystemExit):
            entries.forecast()

    assert seen == [("prod", ["all", "--env", "databricks"])]

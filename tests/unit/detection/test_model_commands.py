"""`lakehouse feedback`, `models` and `train`: what they say, and what stops them before Spark is started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli.feedback import feedback
from pipelines.cli.models import models
from pipelines.cli.train import train
from pipelines.detection.models.feedback import Verdict, given
from pipelines.detection.models.registry import Registry
from pipelines.model_registry.registry import CHAMPION
from pipelines.settings import Settings


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in the test's own root; arguments are its words."""
    monkeypatch.setenv("LAKEHOUSE_ROOT", str(settings.root))

    def run_command(command: Callable[..., Any], *words: str) -> Result:
        app = typer.Typer()
        app.command()(command)
        return CliRunner().invoke(app, words)

    return run_command


def test_a_verdict_is_kept(run: Callable[..., Result], settings: Settings) -> None:
    times = ("--from", "2026-03-01T10:00:00", "--until", "2026-03-01T10:20:00")
    ended = run(feedback, "--series", "-7", *times, "--verdict", "false", "--by", "ann")

    assert ended.exit_code == 0, ended.output
    (kept,) = given(settings).feedback
    assert (kept.series_id, kept.verdict, kept.given_by, kept.end_time.minute) == (-7, Verdict.FALSE, "ann", 20)


@pytest.mark.parametrize(
    ("command", "words", "remedy"),
    [
        (
            feedback,
            ("--from", "2026-03-01", "--until", "2026-03-02", "--verdict", "true"),
            "give --series, or --resource",
        ),
        (models, ("promote",), "which version to promote? `lakehouse models list` shows them"),
        (models, ("rollback",), "no version is champion: `lakehouse models promote V`"),
        (train, ("--exclude", "yesterday"), "it should be FROM..TO in UTC"),
    ],
)
def test_an_error_says_what_to_do(
    run: Callable[..., Result], command: Callable[..., Any], words: tuple[str, ...], remedy: str
) -> None:
    ended = run(command, *words)

    assert ended.exit_code == 1
    assert remedy in str(ended.exception)


def test_versions_are_listed_promoted_and_rolled_back(run: Callable[..., Result], settings: Settings) -> None:
    registry = Registry.of(settings)
    assert "no version yet" in run(models).output
    registry.ensure_champion()
    registry.set_tags("1", {"decision": "a test"})

    listed = run(models, "list")

    assert listed.exit_code == 0, listed.output
    assert "champion" in listed.output
    assert "a test" in listed.output
    assert "version 1 is champion already" in run(models, "promote", "1").output
    assert registry.version_of(CHAMPION) == "1"

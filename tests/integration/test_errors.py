"""What is wrong is said in words, quickly, with an exit code; never as a traceback."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Kafka, Launcher

# The promise is 15 s from the command to the message.
PROMISED_SECONDS = 15.0


def refuse(launch: Launcher, *command: str, environ: Mapping[str, str]) -> str:
    """Run a command that cannot succeed; what it said."""
    began = time.monotonic()
    program = launch(*command, environ=environ)
    code = program.wait(60)
    took = time.monotonic() - began
    said = program.output
    assert code not in (0, None), said
    assert took < PROMISED_SECONDS, f"took {took:.1f} s: {said}"
    assert "Traceback" not in said
    assert "Exception" not in said
    return " ".join(said.split())


@pytest.fixture
def root(tmp_path: Path) -> dict[str, str]:
    return {"LAKEHOUSE_ROOT": str(tmp_path / "lakehouse")}


@pytest.fixture
def nobody() -> str:
    """`host:port` where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_bad_setting(launch: Launcher, root: dict[str, str]) -> None:
    said = refuse(launch, "lakehouse", "run", "all", environ={**root, "LAKEHOUSE_GOLD__LATE_AFTER": "a while"})

    assert "gold.late_after is 'a while'" in said
    assert "10 minutes" in said  # what would be right


def test_an_unknown_env(launch: Launcher, root: dict[str, str]) -> None:
    said = refuse(launch, "lakehouse", "run", "all", "--env", "moon", environ=root)

    assert "'moon'" in said
    assert "databricks, local" in said


def test_an_unknown_job_or_trigger(launch: Launcher, root: dict[str, str]) -> None:
    assert "'platinum'" in refuse(launch, "lakehouse", "run", "platinum", environ=root)
    assert "'sometimes'" in refuse(launch, "lakehouse", "run", "all", "--trigger", "sometimes", environ=root)


def test_no_broker_was_started(launch: Launcher, root: dict[str, str]) -> None:
    said = refuse(launch, "lakehouse", "run", "bronze", environ=root)

    assert "is not running: run `lakehouse up`" in said


def test_an_unreachable_broker(launch: Launcher, root: dict[str, str], nobody: str) -> None:
    said = refuse(launch, "lakehouse", "run", "all", environ={**root, "KAFKA_BOOTSTRAP_SERVERS": nobody})

    assert nobody in said
    assert "KAFKA_BOOTSTRAP_SERVERS" in said


def test_no_topic_matches(launch: Launcher, root: dict[str, str], kafka: Kafka) -> None:
    said = refuse(launch, "lakehouse", "run", "all", environ={**root, **kafka.environ})

    assert f"no topic at {kafka.bootstrap} matches kafka.topics" in said
    assert kafka.mark in said
    assert "lakehouse simulate" in said


def test_a_folder_that_cannot_be_written(launch: Launcher, tmp_path: Path, kafka: Kafka) -> None:
    """Below a regular file, where even root can make nothing."""
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "lakehouse"
    said = refuse(launch, "lakehouse", "run", "all", environ={**kafka.environ, "LAKEHOUSE_ROOT": str(folder)})

    assert str(folder) in said
    assert "cannot be written" in said
    assert "LAKEHOUSE_ROOT" in said


@pytest.mark.parametrize(("job", "before"), [("silver", "bronze"), ("gold", "silver")])
def test_a_table_that_the_job_before_has_not_made(
    launch: Launcher, root: dict[str, str], job: str, before: str
) -> None:
    said = refuse(launch, "lakehouse", "run", job, environ=root)

    assert f"`lakehouse run {before}` makes it" in said


def test_reconcile_without_tables(launch: Launcher, root: dict[str, str]) -> None:
    assert "bronze.telemetry is not at" in refuse(launch, "lakehouse", "reconcile", environ=root)

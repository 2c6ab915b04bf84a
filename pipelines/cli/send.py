"""`lakehouse send`: files that a person has, into Kafka."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.errors import SettingsError
from pipelines.operations.send.delivery import files_in
from pipelines.operations.send.outbox import Sent
from pipelines.operations.send.packing import LIMIT_BYTES
from pipelines.operations.send.send import Target, send_files
from pipelines.settings import Settings, load_settings

_QUIET_SECONDS = 2.0


def send(
    *,
    files: Annotated[list[Path], typer.Argument(help="Files; a folder means all files in it, sorted.")],
    topic: Annotated[str, typer.Option(help="Where to, such as finops.cur or aws.cloudtrail.")],
    delivery: Annotated[
        str | None,
        typer.Option(help="Cost reports: the run that all these files are of. Default: told by folder and content."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1_000, help="Largest message, in bytes.")] = LIMIT_BYTES,
    env: Annotated[
        str, typer.Option("--env", envvar="LAKEHOUSE_ENV", help="Which `conf/<env>.yaml` says where Kafka is.")
    ] = "local",
) -> None:
    """Send files to Kafka: cost exports, CloudTrail from a bucket, logs; CSV, JSON, JSON lines, Parquet, text, gzip.

    What a file is, its content tells. A large one is cut into messages at its records. Sending a file again is
    harmless: silver drops the repeats.

    Of a cost report, the files of a folder are one delivery, which replaces the former one of its billing periods: send
    all files of a report in one call, and give each delivery a folder of its own (AWS and Azure do), or a call.

    A FOCUS or CUR export:      lakehouse send exports/focus --topic finops.focus

    CloudTrail from S3:         aws s3 sync s3://BUCKET/AWSLogs trail && lakehouse send trail --topic aws.cloudtrail
    """
    console = Console(soft_wrap=True)
    settings = load_settings(env)
    _check_topic(settings, topic)
    found = files_in(files)
    target = _target(settings, topic, limit)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} files"))
    began = time.monotonic()
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(f"to {topic}", total=len(found), visible=False)

        def show(sent: Sent) -> None:
            is_long = time.monotonic() - began > _QUIET_SECONDS
            said = f"to {topic}: {sent.records:,} records, {sent.bytes / 1e6:,.1f} MB"
            progress.update(task, completed=sent.files, visible=is_long, description=said)

        sent = send_files(found, target, delivery, show)
    console.print(
        f"sent {sent.files:,} files to {topic} in {sent.messages:,} messages: {sent.records:,} records, "
        f"{sent.bytes:,} bytes",
        highlight=False,
    )


def _check_topic(settings: Settings, topic: str) -> None:
    if re.fullmatch(settings.kafka.topic_pattern, topic) is None:
        raise SettingsError(
            f"--topic is {topic!r}, which no stream reads: should match one of kafka.topics, "
            f"{', '.join(settings.kafka.topics)}"
        )


def _target(settings: Settings, topic: str, limit: int) -> Target:
    from pipelines.kafka_access import client_options
    from pipelines.local.services import bootstrap_servers

    options = client_options(settings.kafka)
    if options is None:
        raise SettingsError(
            f"kafka.access is {settings.kafka.access.value!r}, with which this client cannot log in: "
            "send from where 'none' or 'event-hubs' will do"
        )
    return Target(bootstrap_servers(settings), options, topic, limit)

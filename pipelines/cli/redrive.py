"""`lakehouse redrive`: quarantined records through decoding again, after a fix."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.services import Env
from pipelines.settings import load_settings


def redrive(
    *,
    reason: Annotated[
        str, typer.Option(help="The reason code of what to try again: `lakehouse quarantine` lists them.")
    ],
    since: Annotated[
        datetime | None, typer.Option(show_default=False, help="Only what was ingested since then (UTC).")
    ] = None,
    env: Env = "local",
) -> None:
    """Send quarantined records through decoding and the rules again, exactly once, and mark those that are good now.

    After a fix in a decoder or a rule, or when a schema has been registered:

        lakehouse redrive --reason unknown_schema

        lakehouse redrive --reason unknown_envelope --since 2026-11-20

    What is still bad stays in quarantine. It may run beside the streams, and again after it was interrupted.
    """
    from pipelines.local.schemas import schemas_of
    from pipelines.operations import preflight
    from pipelines.operations.redrive import redrive as run
    from pipelines.quality.reasons import check_reason
    from pipelines.session import build_session

    check_reason(reason)
    settings, console = load_settings(env), Console()
    preflight.check_table(settings, "silver", "quarantine", "silver")
    moment = since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since
    with Console(stderr=True).status("decoding again"):
        spark = build_session(settings, "lakehouse redrive")
        done = run(spark, settings, schemas_of(settings), reason, moment)
    if not done.tried:
        console.print(f"nothing waits in quarantine for {reason}")
        return
    gained = ", ".join(f"silver.{name} +{rows:,}" for name, rows in done.written.items()) or "no table gained a row"
    console.print(f"{done.tried:,} tried: {done.resolved:,} resolved ({gained}), {done.still_bad:,} still bad")

"""`lakehouse run` and the spark-submit jobs: the streams, with a live view of rows, lag and latency per layer."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.cli import run_app
from pipelines.cli.services import Env
from pipelines.errors import ServiceError
from pipelines.operations.run import Job
from pipelines.settings import Settings, load_settings
from pipelines.streams import Trigger

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery


def run(
    job: Annotated[Job, typer.Argument(help="Which layer's streams to run; `all` runs them in one Spark application.")],
    *,
    env: Env = "local",
    trigger: Annotated[
        Trigger, typer.Option(help="continuous: until Ctrl-C or SIGTERM. available-now: what is there, then end.")
    ] = Trigger.CONTINUOUS,
) -> None:
    """Run the streams: Kafka to bronze, bronze to silver, silver to anomaly scores, the inventory, gold, and alerts.

    Alerts are not part of `all`: they are a process of their own, which goes on when another does not.

    Safe to stop, kill and start again at any time: it goes on where it stopped, and nothing is lost or there twice.

    All layers, live:      lakehouse run all

    Rules, and who is told: lakehouse run alerts

    Catch up and end:      lakehouse run all --trigger available-now
    """
    run_job(job, env, trigger)


def run_job(job: Job, env: str, trigger: Trigger) -> None:
    """Check what can be checked, start Spark, run the streams of `job`. Raises LakehouseError on any failure."""
    from pipelines.operations import preflight
    from pipelines.operations.beside_streams import alone

    settings = load_settings(env)
    preflight.check_root(settings)
    # Said at once, where processes share files; elsewhere the table itself keeps a second evaluator out.
    is_known_to_others = job is Job.ALERTS and settings.catalog is None
    with alone(settings, "alert-evaluation") if is_known_to_others else nullcontext():
        _run(job, settings, trigger)


def _run(job: Job, settings: Settings, trigger: Trigger) -> None:
    from pipelines.local import services
    from pipelines.operations import preflight

    bootstrap_servers = None
    if job in (Job.BRONZE, Job.ALL):
        bootstrap_servers = services.bootstrap_servers(settings)
        preflight.check_topics(settings, bootstrap_servers)
    if job is Job.SILVER:
        preflight.check_table(settings, "bronze", "telemetry", "bronze")
    alertmanagers: tuple[str, ...] = ()
    if job is Job.ALERTS:
        if settings.alerts.kafka_topic is not None:
            bootstrap_servers = services.bootstrap_servers(settings)
        embedded = services.alertmanager_url_if_any(settings)
        alertmanagers = settings.alerts.alertmanager_urls or ((embedded,) if embedded else ())
    if job in (Job.SCORE, Job.INVENTORY, Job.GOLD, Job.ALERTS):
        preflight.check_table(settings, "silver", "metrics", "silver")

    from pipelines.cli.live import LiveView
    from pipelines.local.schemas import schemas_of
    from pipelines.operations.pipeline_health import recorder
    from pipelines.operations.run import run_available, run_continuous, stop_signals, streams_of
    from pipelines.session import build_session, end_session, has_jvm

    console = Console(stderr=True)
    with stop_signals() as early, console.status("starting Spark"):
        spark = build_session(settings, f"lakehouse {job}")
        if early.is_set():
            return
    if job is not Job.BRONZE and not has_jvm(spark):
        raise ServiceError(
            f"job {job} relies on what Spark Connect and serverless compute do not have (settings of the JSON "
            "reader and of the state store, caching): run it on a job cluster; bronze alone can be run here"
        )
    streams = streams_of(job, bootstrap_servers, schemas_of(settings), alertmanagers)
    run_streams = run_available if trigger is Trigger.AVAILABLE_NOW else run_continuous
    with (
        stop_signals(spark if has_jvm(spark) else None) as stop,
        LiveView(console) as view,
        recorder(spark, settings) as health,
    ):

        def watch(queries: list[StreamingQuery]) -> None:
            view.update(queries)
            health.update(queries)

        run_streams(spark, settings, streams, watch, stop)
    end_session(spark)


def main(job: Job) -> None:
    """Entry of a spark-submit job file: `--env` and `--trigger` as for `lakehouse run`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.command(help=f"Run the {job} streams; the same as `lakehouse run {job}`.")
    def start(
        *,
        env: Env = "local",
        trigger: Annotated[Trigger, typer.Option(help="continuous or available-now")] = Trigger.CONTINUOUS,
    ) -> None:
        run_job(job, env, trigger)

    run_app(app)

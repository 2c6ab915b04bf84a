"""`lakehouse up`, `down` and `status`: the embedded broker, schema registry and Alertmanager of this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.local import services
from pipelines.local.services import ServiceStatus, Started
from pipelines.settings import Settings, load_settings

Env = Annotated[
    str, typer.Option("--env", envvar="LAKEHOUSE_ENV", help="Which `conf/<env>.yaml` to read on top of conf/base.yaml.")
]
_COLOURS = {"running": "green", "outside": "cyan", "stopped": "dim", "gone": "red", "silent": "red"}
_REMEDIES = {
    "gone": "ended by itself: its log says why; `lakehouse up` starts it again on the same data",
    "silent": "is alive but does not answer: its log says why; `lakehouse down`, then `lakehouse up`",
    "unreachable": "is set to an outside address where nothing answers: correct or unset that setting",
}


def up(
    *,
    env: Env = "local",
    registry: Annotated[
        bool, typer.Option("--registry", help="Start the schema registry too (300 MB); Avro topics need it.")
    ] = False,
    alertmanager: Annotated[
        bool, typer.Option("--alertmanager", help="Start an Alertmanager too (30 MB), with conf/alertmanager.yaml.")
    ] = False,
) -> None:
    """Start a real Kafka broker on this machine and wait until it answers.

    It keeps its data under `<root>/_services` and its port between starts, takes about 450 MB, and runs until
    `lakehouse down`. Running it twice is harmless. With KAFKA_BOOTSTRAP_SERVERS set nothing is started: the outside
    broker is only checked. The first start downloads the jars, about 45 MB (150 MB with --registry).
    Alertmanager is the one on PATH, or on Debian and Ubuntu the distribution's package, fetched without root (11 MB).
    """
    settings = load_settings(env)
    console = Console(soft_wrap=True)
    starts: list[Callable[[Settings], Started]] = [services.up]
    starts += [services.up_registry] if registry else []
    starts += [services.up_alertmanager] if alertmanager else []
    for start in starts:
        started = start(settings)
        status = started.status
        words = "is outside this machine's care" if status.state == "outside" else "is running"
        already = " already" if started.already and status.state == "running" else ""
        console.print(f"{status.name} {words}{already}: {status.address}", highlight=False)


def down(*, env: Env = "local") -> None:
    """Stop what `lakehouse up` started. Messages, schemas and tables stay; `lakehouse up` finds them again."""
    stopped = services.down(load_settings(env))
    Console(soft_wrap=True).print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def status(*, env: Env = "local") -> None:
    """Show each service's state, address and log. Exit code 1 if one that was started is gone or does not answer."""
    found = services.status(load_settings(env))
    table = Table(box=None, pad_edge=False)
    for column in ("service", "state", "address", "pid", "memory", "uptime", "log"):
        table.add_column(column, overflow="fold")
    for each in found:
        table.add_row(*_row(each))
    console = Console()
    console.print(table)
    for each in found:
        if each.state in _REMEDIES:
            console.print(f"{each.name} {_REMEDIES[each.state]}", highlight=False)
    if not all(each.healthy for each in found):
        raise typer.Exit(1)


def _row(each: ServiceStatus) -> tuple[str, ...]:
    colour = _COLOURS.get(each.state, "red")
    return (
        each.name,
        f"[{colour}]{each.state}[/{colour}]",
        each.address or "",
        str(each.pid or ""),
        f"{each.memory_bytes / 1e6:.0f} MB" if each.memory_bytes is not None else "",
        _duration(each.uptime_seconds) if each.uptime_seconds is not None else "",
        str(each.log or ""),
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

"""`lakehouse models`: the versions of the detector, which of them scores, and how it fares."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli import output_width
from pipelines.cli.services import Env
from pipelines.errors import ModelError
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.detection.models.registry import Registry
    from pipelines.model_registry.registry import Version


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    REPRODUCE = "reproduce"
    HEALTH = "health"


def models(
    action: Annotated[Action, typer.Argument()] = Action.LIST,
    version: Annotated[str | None, typer.Argument(show_default=False, help="For promote and reproduce.")] = None,
    *,
    env: Env = "local",
) -> None:
    """The registered versions of the detector: list them, or

    - *promote V*: make a version the champion that scores, after looking whether it can be loaded;
    - *rollback*: make the version champion again that was it before;
    - *reproduce V*: train it again from its run and compare bit by bit; exit code 1 if it differs;
    - *health*: judge the champion by its newest scores, and keep that in gold.model_health; exit code 1 if it drifts.

    A stream that runs takes another champion within a minute.
    """
    settings, console, progress = load_settings(env), Console(width=output_width()), Console(stderr=True)
    with progress.status("opening the registry"):
        from pipelines.detection.models.registry import Registry

        registry = Registry.of(settings)
        versions = registry.versions()
    if action is Action.LIST:
        _list(console, versions)
    elif action is Action.PROMOTE:
        _promote(console, registry, _asked(version, action))
    elif action is Action.ROLLBACK:
        from pipelines.detection.models.promotion import rollback

        gone, back = rollback(registry)
        console.print(f"version {back} is champion again, {gone} is not any more", highlight=False)
    elif action is Action.REPRODUCE:
        _reproduce(console, progress, settings, registry, _asked(version, action))
    else:
        _health(console, progress, settings, registry)


def _list(console: Console, versions: tuple[Version, ...]) -> None:
    if not versions:
        console.print("no version yet: the scoring stream registers the built-in one, `lakehouse train` makes another")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("version", "aliases", "registered", "data until", "how it came about"):
        table.add_column(column)
    for one in versions:
        until = one.tags.get("data_until", "")[:16].replace("T", " ")
        told = one.tags.get("decision") or one.tags.get("built_in", "")
        table.add_row(one.version, ", ".join(one.aliases), f"{one.created_at:%Y-%m-%d %H:%M}", until, told)
    console.print(table)


def _promote(console: Console, registry: Registry, version: str) -> None:
    from pipelines.detection.bundle import load
    from pipelines.detection.models.promotion import promote

    with tempfile.TemporaryDirectory(prefix="lakehouse-promote-") as scratch:
        load(registry.download(version, Path(scratch)))
    before = promote(registry, version)
    console.print(
        f"version {version} is champion" + (f", {before} was it before" if before else " already"), highlight=False
    )


def _reproduce(console: Console, progress: Console, settings: Settings, registry: Registry, version: str) -> None:
    with progress.status("starting Spark") as status:
        from pipelines.detection.models.reproduction import reproduce
        from pipelines.session import build_session

        registry.version(version)
        spark = build_session(settings, "lakehouse models reproduce")
        status.update(f"training version {version} again")
        found = reproduce(spark, settings, registry, version)
    if not found:
        console.print(f"version {version}: the same, bit by bit", highlight=False)
        return
    console.print(f"version {version}: different", highlight=False)
    for difference in found:
        console.print(f"  {difference}", soft_wrap=True, highlight=False)
    raise typer.Exit(1)


def _health(console: Console, progress: Console, settings: Settings, registry: Registry) -> None:
    with progress.status("starting Spark"):
        from pipelines.detection.models.health import check
        from pipelines.session import build_session

        found = check(build_session(settings, "lakehouse models health"), settings, registry)
    if found is None:
        console.print("no champion yet: the scoring stream registers the built-in one at its first start")
        return
    console.print(f"version {found.model_version}: {found.state}: {found.reason}", soft_wrap=True, highlight=False)
    if found.state == "drifting":
        raise typer.Exit(1)


def _asked(version: str | None, action: Action) -> str:
    if version is None:
        raise ModelError(f"which version to {action}? `lakehouse models list` shows them")
    return version

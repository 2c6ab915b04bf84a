"""`lakehouse backup` and `lakehouse restore`: the whole lakehouse, to another disk and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal

from pipelines.cli.services import Env
from pipelines.settings import load_settings

Folder = Annotated[Path, typer.Argument(show_default=False, help="Where backups are kept, outside of the root.")]


def backup(folder: Folder, *, env: Env = "local") -> None:
    """Back up tables, checkpoints and models, beside the running streams; only what is new is copied.

    What is restored from it goes on where it was, and nothing is lost or there twice, as long as Kafka still holds
    what came since. Kafka itself and the schema registry are not in it.

        lakehouse backup /mnt/backups/lakehouse
    """
    from pipelines.operations.backup.create import back_up

    settings, begun = load_settings(env), time.monotonic()
    with Console(stderr=True).status("backing up") as status:
        done = back_up(settings, folder, lambda what: status.update(f"backing up {what}"))
    manifest = done.manifest
    Console(highlight=False, soft_wrap=True).print(
        f"{len(manifest.tables)} tables, {len(manifest.queries)} checkpoints, {len(manifest.files):,} files, "
        f"{decimal(manifest.bytes)}; {done.added_files:,} files, {decimal(done.added_bytes)} of them new in {folder} "
        f"({time.monotonic() - begun:.1f} s)"
    )


def restore(
    folder: Folder,
    *,
    root: Annotated[
        Path | None, typer.Option(show_default=False, help="Where to; the root of the settings if it is left.")
    ] = None,
    env: Env = "local",
) -> None:
    """Put the newest backup back, every file checked, into a root that has none of it.

    lakehouse restore /mnt/backups/lakehouse

    lakehouse restore /mnt/backups/lakehouse --root /data/another
    """
    from pipelines.operations.backup.restore import restore as put_back

    target, begun = (root or load_settings(env).root).expanduser().resolve(), time.monotonic()
    with Console(stderr=True).status("checking") as status:
        manifest = put_back(folder, target, status.update)
    Console(highlight=False, soft_wrap=True).print(
        f"{len(manifest.tables)} tables, {len(manifest.queries)} checkpoints, {len(manifest.files):,} files, "
        f"{decimal(manifest.bytes)} of {manifest.created_at} in {target} ({time.monotonic() - begun:.1f} s). Start the "
        "streams: they go on where they were (`lakehouse run all`)"
    )

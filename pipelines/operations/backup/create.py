"""Take a backup beside the running streams: first how far the queries are, then the tables as they fit that.

In this order: (1) the versions of all tables, gold first; (2) of each query its last batches, readers first; (3) the
files of the checkpoints and what else the queries keep, bounded by those batches; (4) the tables, each at the newest
version that fits the batches (cut.py). Then for each query, whatever it writes:

- it starts again at its last committed batch, or repeats the one that it had begun with the very same content;
- its tables have all batches up to that and nothing of later ones. What they have of the begun one they know by its
  number (`append_once`, the Delta sink, the overwrites of the rollup and of the agents' health), and refuse;
- silver.inventory, a MERGE without a number, may be ahead: it is a function of silver's rows, so a batch that is
  repeated, or comes again in other batches, changes nothing;
- the tables that it reads reach at least as far as it has read.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import StorageError
from pipelines.gold.daily_tables import DAILY_TABLES
from pipelines.operations.backup.batches import Query, queries
from pipelines.operations.backup.cut import cut, noted_since, reads_within
from pipelines.operations.backup.registry import DATABASE, copy_database
from pipelines.operations.backup.store import Entry, Manifest, Store, newest, now
from pipelines.operations.backup.table_files import files_of, table_id
from pipelines.operations.beside_streams import alone
from pipelines.operations.delta_log import newest_version
from pipelines.operations.replay.aside import aside_of
from pipelines.settings import CONF_DIR, Settings
from pipelines.tables import LAYERS, Table, all_contracts

# Whoever changes several tables, or removes files.
_ALONE = ("backup", "maintain", "replay", "redrive")
_ATTEMPTS = 10
_PAUSE_SECONDS = 1.0
# Of these, what belongs to queries is copied with them; the rest can be made again, or is another's to keep.
_LEFT_OUT = ("_checkpoints", "_services", "_replay", "_restoring", "_quality", "_detection", "_models")
CONF = "conf"


@dataclass(frozen=True)
class Backup:
    """`added_*`: what the store did not have yet."""

    manifest: Manifest
    added_files: int
    added_bytes: int


@dataclass(frozen=True)
class _Look:
    """What fits together."""

    streams: tuple[Query, ...]
    entries: tuple[Entry, ...]
    versions: tuple[tuple[Table, int], ...]


def back_up(settings: Settings, folder: Path, note: Callable[[str], None] = lambda _: None) -> Backup:
    """Add a backup to the store in `folder`. Raises StorageError if the streams leave no moment that fits."""
    if folder.resolve().is_relative_to(settings.root):
        raise StorageError(f"backup folder {folder} is below the root {settings.root}: choose another disk")
    before = newest(folder)
    store = Store(folder, {one.path: one for one in before.files} if before else {})
    with ExitStack() as stack:
        for operation in _ALONE:
            stack.enter_context(alone(settings, operation))
        if aside_of(settings).unfinished is not None:
            raise StorageError("a replay was interrupted: run it again first (`lakehouse replay` says which)")
        note("checkpoints")
        look = _look(settings, store)
        files = list(look.entries)
        for table, version in look.versions:
            note(table.full_name)
            files += [store.put(_below(settings, path), path) for path in files_of(Path(table.path(settings)), version)]
        note("models and conf")
        files += _models(settings, store)
        files += [store.put(f"{CONF}/{path.name}", path) for path in sorted(CONF_DIR.glob("*.yaml"))]
        files += _others(settings, store)
    manifest = Manifest(
        now(),
        str(settings.root),
        {table.full_name: version for table, version in look.versions},
        {query.name: query.begun for query in look.streams},
        tuple(files),
    )
    store.write(manifest)
    return Backup(manifest, store.added_files, store.added_bytes)


def _look(settings: Settings, store: Store) -> _Look:
    for _ in range(_ATTEMPTS):
        try:
            found = _fitting(settings, store)
        except FileNotFoundError:
            found = None  # a query has moved on and removed it
        if found is not None:
            return found
        time.sleep(_PAUSE_SECONDS)
    raise StorageError(
        f"the streams were quicker {_ATTEMPTS} times in a row, and their tables do not fit their checkpoints: back up "
        "when less arrives, or stop the streams for it (`lakehouse run` ends at SIGTERM after the running batch)"
    )


def _fitting(settings: Settings, store: Store) -> _Look | None:
    before = [(table, newest_version(Path(table.path(settings)))) for table in _in_order()]
    streams = queries(settings)
    entries = [store.put(_below(settings, path), path) for path in _of_streams(settings, streams)]
    versions = []
    for table, version in before:
        folder = Path(table.path(settings))
        if version < 0:  # not made yet
            continue
        latest = newest_version(folder)
        found = cut(table, version, latest, noted_since(folder, version), streams)
        if not found.fits:
            return None
        versions.append((table, found.version))
    ids = {table_id(Path(table.path(settings))): version for table, version in versions}
    if not reads_within(streams, ids) or not all(query.is_kept for query in streams):
        return None
    return _Look(streams, tuple(entries), tuple(versions))


def _in_order() -> tuple[Table, ...]:
    """All tables, each before those that it is worked out from."""
    daily = [one.table for one in reversed(DAILY_TABLES)]
    tables = (*daily, *(table for layer in reversed(LAYERS) for table in all_contracts() if table.layer == layer))
    return tuple({table.full_name: table for table in tables}.values())


def _of_streams(settings: Settings, streams: tuple[Query, ...]) -> Iterator[Path]:
    """What queries keep in files; first the small ones that they remove soonest."""
    for query in streams:
        for path in (settings.quality_dir / "counts" / query.id).glob("[0-9]*.json"):
            if int(path.stem) <= query.begun:
                yield path
        for path in (settings.root / "_detection" / "log_patterns" / query.id).glob("[0-9]*/*"):
            if int(path.parent.name) <= query.begun:
                yield path
    for query in streams:
        yield from query.files()


def _models(settings: Settings, store: Store) -> Iterator[Entry]:
    models = settings.models_dir
    if (models / DATABASE).exists():
        with tempfile.TemporaryDirectory(prefix="lakehouse-backup-") as scratch:
            copy_database(models / DATABASE, Path(scratch) / DATABASE)
            # Its artifacts afterwards: it speaks of none that is not there.
            yield store.put(f"{models.name}/{DATABASE}", Path(scratch) / DATABASE)
    for path in sorted(models.rglob("*")):
        if path.is_file() and not path.name.startswith(DATABASE) and path.suffix != ".lock":
            yield store.put(_below(settings, path), path)


def _others(settings: Settings, store: Store) -> Iterator[Entry]:
    """What else is in folders of ours, such as the state of alerts."""
    for folder in sorted(settings.root.glob("_*/")):
        if folder.name not in _LEFT_OUT:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix != ".lock":
                    yield store.put(_below(settings, path), path)


def _below(settings: Settings, path: Path) -> str:
    return path.relative_to(settings.root).as_posix()

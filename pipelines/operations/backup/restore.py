"""Put a backup back into an empty root. All files are fetched and checked aside before the first is put in place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pipelines.errors import StorageError
from pipelines.operations.backup.create import CONF
from pipelines.operations.backup.registry import relocate
from pipelines.operations.backup.store import Manifest, Store, free_space, newest

_ASIDE, _CHECKED = "_restoring", "checked"
_LAST = "_checkpoints"


def restore(folder: Path, root: Path, note: Callable[[str], None] = lambda _: None) -> Manifest:
    """Put the newest backup in `folder` into `root`.

    Raises StorageError if there is none, a file is missing or changed, or the root holds any of what would be restored:
    nothing is overwritten. What was interrupted is repeated.
    """
    manifest = newest(folder)
    if manifest is None:
        raise StorageError(f"{folder} holds no backup: `lakehouse backup` makes one")
    files = [one for one in manifest.files if not one.path.startswith(f"{CONF}/")]
    tops = sorted({one.path.split("/")[0] for one in files}, key=lambda name: (name == _LAST, name))
    aside = root / _ASIDE
    if not (aside / _CHECKED).exists():
        there = [name for name in tops if (root / name).exists()]
        if there:
            raise StorageError(f"{root} has {', '.join(there)} already: restore into an empty root, or move them away")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        if free_space(root) < manifest.bytes:
            raise StorageError(f"{root} has {free_space(root):,} bytes free, the backup needs {manifest.bytes:,}")
        store = Store(folder)
        for number, entry in enumerate(files):
            note(f"{number:,} of {len(files):,} files")
            store.fetch(entry, aside / entry.path)
        relocate(aside / "_models", manifest.root, str(root))
        (aside / _CHECKED).touch()
    for name in tops:
        if (aside / name).exists():
            (aside / name).rename(root / name)
    shutil.rmtree(aside)
    return manifest

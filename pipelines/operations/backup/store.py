"""Where backups are: the content of files by its SHA-256, each once, and a manifest for each backup.

Files of tables never change, so a later backup adds what is new alone. No backup changes what an earlier one has.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import StorageError

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file: `path` below the root, and its content. Delta tells the age of a commit by `mtime_ns`."""

    path: str
    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Manifest:
    """One backup. `root`: where it was taken. `tables`: full name → version. `queries`: name → last batch."""

    created_at: str
    root: str
    tables: dict[str, int]
    queries: dict[str, int]
    files: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        return sum(one.size for one in self.files)


@dataclass
class Store:
    """`known`: what the backup before had, by path: a file of the same size and age is not read again."""

    folder: Path
    known: dict[str, Entry] = field(default_factory=dict)
    added_files: int = 0
    added_bytes: int = 0

    def put(self, path: str, source: Path) -> Entry:
        """Keep the content of a file. Raises FileNotFoundError if it is gone."""
        stat = source.stat()
        same = self.known.get(path)
        if same is not None and (same.size, same.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            return same
        digest, scratch = hashlib.sha256(), self.folder / f".{uuid.uuid4().hex}"
        size = 0
        scratch.parent.mkdir(parents=True, exist_ok=True)
        try:
            with source.open("rb") as read, scratch.open("wb") as written:
                while chunk := read.read(_CHUNK):
                    digest.update(chunk)
                    size += written.write(chunk)
                written.flush()
                os.fsync(written.fileno())
            target = self._object(digest.hexdigest())
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                scratch.replace(target)
                self.added_files, self.added_bytes = self.added_files + 1, self.added_bytes + size
        finally:
            scratch.unlink(missing_ok=True)
        return Entry(path, digest.hexdigest(), size, stat.st_mtime_ns)

    def fetch(self, entry: Entry, target: Path) -> None:
        """Write a file as it was. Raises StorageError if its content is missing or another."""
        source, digest = self._object(entry.sha256), hashlib.sha256()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with source.open("rb") as read, target.open("wb") as written:
                while chunk := read.read(_CHUNK):
                    digest.update(chunk)
                    written.write(chunk)
        except FileNotFoundError as error:
            raise StorageError(f"backup {self.folder}: the content of {entry.path} is missing ({source})") from error
        if digest.hexdigest() != entry.sha256:
            raise StorageError(f"backup {self.folder}: {entry.path} is not what was backed up: {source} has changed")
        os.utime(target, ns=(entry.mtime_ns, entry.mtime_ns))

    def write(self, manifest: Manifest) -> None:
        folder = self.folder / "manifests"
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / f".{uuid.uuid4().hex}"
        scratch.write_text(json.dumps(asdict(manifest)), encoding="utf-8")
        scratch.replace(folder / f"{manifest.created_at.replace(':', '')}.json")

    def _object(self, sha256: str) -> Path:
        return self.folder / "objects" / sha256[:2] / sha256


def newest(folder: Path) -> Manifest | None:
    """The latest backup that was completed; None if there is none. Raises StorageError if it cannot be read."""
    paths = sorted((folder / "manifests").glob("[0-9]*.json"))
    if not paths:
        return None
    try:
        content = json.loads(paths[-1].read_text(encoding="utf-8"))
        return Manifest(**{**content, "files": tuple(Entry(**one) for one in content["files"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(f"backup {folder}: {paths[-1]} cannot be read: {error}") from error


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def free_space(folder: Path) -> int:
    return shutil.disk_usage(folder).free

"""Writing and checking files so that a crash, or another process, never leaves half of one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipelines.errors import ArtifactError


@contextlib.contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """A folder beside the cache's files, so that a rename from it is atomic; gone afterwards."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=cache))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def filesystem_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into an ArtifactError that names the file, or `path` if the system names none."""
    try:
        yield
    except OSError as error:
        raise ArtifactError(f"{error.filename or path}: {error.strerror or error} (set LAKEHOUSE_CACHE?)") from error


def move_folder(content: Path, target: Path) -> None:
    """Put a finished folder in its place, in one step; if another process was faster, its copy is as good."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        content.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by a rename, so that a reader sees the old text or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def sha256(file: Path) -> str:
    """The file's SHA-256 in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

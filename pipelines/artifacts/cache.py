"""The cache: what the lock names, downloaded in parallel, verified, and from then on used without network."""

from __future__ import annotations

import json
import os
import tarfile
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from pipelines.artifacts.files import filesystem_errors, move_folder, scratch_folder, sha256, write_atomically
from pipelines.artifacts.locking import Artifact, locked_set, read_declared
from pipelines.artifacts.repository import fetch, ignore_progress, resolve
from pipelines.errors import ArtifactError
from pipelines.settings import CONF_DIR

_QUIET_SECONDS = 2.0
_DOWNLOADS = 6


def cache_dir() -> Path:
    """LAKEHOUSE_CACHE, or ~/.cache/telemetry-lakehouse."""
    return Path(os.environ.get("LAKEHOUSE_CACHE") or "~/.cache/telemetry-lakehouse").expanduser().resolve()


def ensure(set_name: str, conf_dir: Path = CONF_DIR) -> tuple[Path, ...]:
    """The verified files of a set, in the lock's order; downloads what the cache lacks.

    Raises ArtifactError if a file is not the locked one, cannot be fetched, or if the lock is out of date.
    """
    locked = locked_set(set_name, conf_dir)
    cache = cache_dir()
    files = tuple(cache / "maven" / artifact.relative_path for artifact in locked.artifacts)
    stamp = cache / "stamps" / f"{set_name}-{locked.digest[:16]}.json"
    if _is_stamped(stamp, files):
        return files
    with filesystem_errors(cache):
        missing = [a for a, file in zip(locked.artifacts, files, strict=True) if not file.exists()]
        for artifact, file in zip(locked.artifacts, files, strict=True):
            if artifact not in missing:
                _verify(artifact, file)
        if missing:
            _download(set_name, missing, cache)
        write_atomically(stamp, json.dumps(_fingerprint(files)))
    return files


def unpacked(set_name: str, conf_dir: Path = CONF_DIR) -> Path:
    """The folder into which the one archive of a set is unpacked, once, in the cache. Raises ArtifactError."""
    (archive,) = ensure(set_name, conf_dir)
    digest = locked_set(set_name, conf_dir).digest[:16]
    target = cache_dir() / "unpacked" / f"{set_name}-{digest}"
    if target.is_dir():
        return target
    with filesystem_errors(target), scratch_folder(cache_dir()) as scratch:
        with tarfile.open(archive) as tar:
            # The first releases of Python 3.11 know no filters and ignore this; the archive's checksum is locked.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(scratch / "content")
        move_folder(scratch / "content", target)
    return target


def write_lock(conf_dir: Path = CONF_DIR) -> Path:
    """Resolve and download every declared root and write artifacts.lock. Needs network, takes a minute."""
    lines = ["# Written by `python -m pipelines.artifacts lock` from conf/artifacts/artifacts.yaml. Do not edit."]
    cache = cache_dir()
    for name, declared in read_declared(conf_dir).items():
        with filesystem_errors(cache), scratch_folder(cache) as scratch:
            coordinates = resolve(declared, scratch)
            lines += ["", f"set {name}:{declared.digest}"]
            with ThreadPoolExecutor(_DOWNLOADS) as pool:
                fetched = pool.map(lambda coordinate: fetch(coordinate, scratch, ignore_progress), coordinates)
                for coordinate, file in zip(coordinates, fetched, strict=True):
                    lines.append(f"{coordinate} sha256:{sha256(file)} {file.stat().st_size}")
    path = conf_dir / "artifacts.lock"
    write_atomically(path, "\n".join([*lines, ""]))
    return path


def _fingerprint(files: tuple[Path, ...]) -> list[list[int]]:
    return [[stat.st_size, stat.st_mtime_ns] for stat in (file.stat() for file in files)]


def _is_stamped(stamp: Path, files: tuple[Path, ...]) -> bool:
    try:
        return bool(json.loads(stamp.read_text()) == _fingerprint(files))
    except (OSError, ValueError):
        return False  # no stamp, a spoilt one or a missing file all mean the same: look at the files


def _verify(artifact: Artifact, file: Path) -> None:
    found = sha256(file)
    if found != artifact.sha256:
        raise ArtifactError(
            f"{file}: is not the file that was locked for {artifact.coordinate}\n"
            f"  locked sha256 {artifact.sha256}\n  found  sha256 {found}\n"
            f"Delete it and run again; if it comes back the same, do not use it: the repository serves another file."
        )


class _CancelledError(Exception):
    """Ends a download of which nobody needs the result any more."""


def _download(set_name: str, artifacts: list[Artifact], cache: Path) -> None:
    """Fetch in parallel into a scratch folder; a file enters the cache by rename, and only after its sum was right."""
    total = sum(artifact.size for artifact in artifacts)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = progress.add_task(f"downloading {set_name}", total=total)

    cancelled = threading.Event()

    def advance(size: int) -> None:
        if cancelled.is_set():
            raise _CancelledError
        progress.advance(task, size)

    def one(artifact: Artifact, scratch: Path) -> None:
        file = fetch(artifact.coordinate, scratch, advance)
        _verify(artifact, file)
        target = cache / "maven" / artifact.relative_path
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)

    started = time.monotonic()
    shown = False
    with scratch_folder(cache) as scratch, ThreadPoolExecutor(_DOWNLOADS) as pool:
        pending = {pool.submit(one, artifact, scratch) for artifact in artifacts}
        try:
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                if not shown and time.monotonic() - started > _QUIET_SECONDS:
                    shown = True
                    console.print(f"{set_name}: fetching {len(artifacts)} files, {total / 1e6:.0f} MB, once")
                    progress.start()
        finally:
            cancelled.set()  # after an error or Ctrl-C no download should hold us up
            progress.stop()
            pool.shutdown(wait=False, cancel_futures=True)

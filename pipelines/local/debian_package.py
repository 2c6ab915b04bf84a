"""Programs of a Debian package, fetched without root by the system's own package manager and kept in the cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipelines.artifacts.cache import cache_dir
from pipelines.artifacts.files import filesystem_errors, move_folder, scratch_folder
from pipelines.errors import ServiceError

_TOOLS = ("apt-get", "dpkg-deb")
_SHARED = b"/usr/share/"
_TIMEOUT_SECONDS = 300


def unpacked(package: str) -> Path:
    """The folder with the package's files, as `<folder>/usr/bin/…`; apt verifies what it fetches.

    Raises ServiceError if there is no apt here or it does not find the package, ArtifactError if the cache cannot be
    written.
    """
    target = cache_dir() / "debian" / package
    if target.is_dir():
        return target
    if not all(shutil.which(tool) for tool in _TOOLS):
        raise ServiceError(f"Debian package {package}: this system has no {' and '.join(_TOOLS)}")
    with filesystem_errors(target), scratch_folder(cache_dir()) as scratch:
        archive = _fetch(package, scratch)
        _run(["dpkg-deb", "-x", str(archive), str(scratch / "content")], scratch)
        move_folder(scratch / "content", target)
    return target


def relocate(program: Path, package: str) -> Path:
    """A copy of `program`, beside it, that finds the package's shared files from its own folder as working directory.

    A program that was built to read `/usr/share/<…>` finds nothing there if the package is not installed. The path is
    replaced by a relative one of the same length, as package managers with a prefix of their own do.
    """
    copy = program.with_name(f"{program.name}-relocated")
    if not copy.exists():
        installed = _SHARED + package.encode()
        with filesystem_errors(copy):
            temporary = copy.with_name(f".{copy.name}.{os.getpid()}")
            temporary.write_bytes(program.read_bytes().replace(installed, b"./../share/" + package.encode()))
            temporary.chmod(0o755)
            temporary.replace(copy)
    return copy


def _fetch(package: str, folder: Path) -> Path:
    """Download the archive into `folder`. Lists that are missing or out of date are read anew, for this once."""
    download = ["apt-get", "download", package]
    try:
        _run(download, folder)
    except ServiceError:
        lists = folder / "lists"
        (lists / "partial").mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={folder}"]
        _run([*download[:1], *own, "update"], folder)
        _run([*download[:1], *own, *download[1:]], folder)
    return next(folder.glob("*.deb"))


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"`{' '.join(command)}`: {error}") from error
    if result.returncode:
        raise ServiceError(f"`{' '.join(command)}` failed:\n{(result.stdout + result.stderr).strip()}")

"""conf/artifacts: artifacts.yaml (what we chose) and artifacts.lock (what that resolved to, with its checksums)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.errors import ArtifactError
from pipelines.settings import CONF_DIR

RELOCK = "run `python -m pipelines.artifacts lock` and commit conf/artifacts/artifacts.lock"


@dataclass(frozen=True)
class Artifact:
    """One locked file: group:artifact:version[:packaging[:classifier]], its SHA-256 in hex and its size in bytes."""

    coordinate: str
    sha256: str
    size: int

    @property
    def relative_path(self) -> Path:
        """Where it lies in the cache: the layout of a Maven repository."""
        group, name, version, packaging, classifier = split_coordinate(self.coordinate)
        suffix = f"-{classifier}" if classifier else ""
        return Path(*group.split("."), name, version, f"{name}-{version}{suffix}.{packaging}")


@dataclass(frozen=True)
class LockedSet:
    """One section of the lock. `declared` is the digest of the declaration it was resolved from."""

    name: str
    declared: str
    artifacts: tuple[Artifact, ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(f"{a.coordinate} {a.sha256}" for a in self.artifacts).encode()).hexdigest()


@dataclass(frozen=True)
class Declared:
    """One section of conf/artifacts/artifacts.yaml."""

    roots: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    transitive: bool = True

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr((self.roots, self.exclude, self.transitive)).encode()).hexdigest()


def split_coordinate(coordinate: str) -> tuple[str, str, str, str, str]:
    """Group, artifact, version, packaging (default jar) and classifier (default none) of a coordinate."""
    parts = coordinate.split(":")
    if not 3 <= len(parts) <= 5 or not all(parts):
        raise ArtifactError(f"coordinate {coordinate!r}: should be group:artifact:version[:packaging[:classifier]]")
    return parts[0], parts[1], parts[2], (parts[3:4] or ["jar"])[0], (parts[4:5] or [""])[0]


def read_declared(conf_dir: Path = CONF_DIR) -> dict[str, Declared]:
    """The sets of conf/artifacts/artifacts.yaml. Raises ArtifactError if it cannot be read."""
    path = conf_dir / "artifacts" / "artifacts.yaml"
    try:
        content: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())
        return {
            name: Declared(tuple(body["roots"]), tuple(body.get("exclude", ())), bool(body.get("transitive", True)))
            for name, body in content.items()
        }
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path}: cannot be read as `set: {{roots: […], exclude: […]}}`: {error}") from error


def read_lock(conf_dir: Path = CONF_DIR) -> dict[str, LockedSet]:
    """The sets of conf/artifacts/artifacts.lock. Raises ArtifactError with the line that is wrong."""
    path = conf_dir / "artifacts" / "artifacts.lock"
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}): {RELOCK}") from error
    locked: dict[str, LockedSet] = {}
    name = ""
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) == 2 and words[0] == "set" and ":" in words[1]:
            name, _, declared = words[1].partition(":")
            locked[name] = LockedSet(name, declared, ())
        elif len(words) == 3 and name and words[1].startswith("sha256:") and words[2].isdigit():
            artifact = Artifact(words[0], words[1].removeprefix("sha256:"), int(words[2]))
            split_coordinate(artifact.coordinate)
            previous = locked[name]
            locked[name] = LockedSet(name, previous.declared, (*previous.artifacts, artifact))
        else:
            raise ArtifactError(f"{path}:{number}: {line!r} is neither a set nor a locked file: {RELOCK}")
    return locked


def locked_set(set_name: str, conf_dir: Path) -> LockedSet:
    """One set of the lock. Raises ArtifactError if it is unknown or was declared differently when it was locked."""
    declared, locked = read_declared(conf_dir), read_lock(conf_dir)
    if set_name not in declared:
        raise ArtifactError(
            f"artifact set {set_name!r} is not in conf/artifacts/artifacts.yaml, which has: {', '.join(declared)}"
        )
    if set_name not in locked or locked[set_name].declared != declared[set_name].digest:
        raise ArtifactError(
            f"artifact set {set_name!r}: conf/artifacts/artifacts.yaml has changed since it was locked: {RELOCK}"
        )
    return locked[set_name]

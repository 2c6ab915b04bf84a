"""What is asked of the Maven repository, through jgo: which files a set needs, and their bytes."""

from __future__ import annotations

import contextlib
import fnmatch
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import truststore

from pipelines.artifacts.locking import Declared, split_coordinate
from pipelines.errors import ArtifactError

_TRIES = 3
_TIMEOUT_SECONDS = 30


def fetch(coordinate: str, scratch: Path, advance: Callable[[int], None]) -> Path:
    """Download one coordinate into `scratch`, telling `advance` the bytes as they come. Unverified.

    Raises ArtifactError after three tries.
    """

    @contextlib.contextmanager
    def report(_filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    context = _context(scratch, report)
    group, name, version, packaging, classifier = split_coordinate(coordinate)
    artifact = context.project(group, name).at_version(version).artifact(classifier, packaging)
    failure: Exception | None = None
    for attempt in range(_TRIES):
        try:
            return Path(artifact.resolve())
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
            failure = error
            if artifact.cached_path is not None:
                artifact.cached_path.unlink(missing_ok=True)  # what a broken connection left
            time.sleep(attempt)
    raise ArtifactError(
        f"{coordinate}: cannot be downloaded ({type(failure).__name__}: {failure})\n"
        f"The first start needs the network; later ones do not. Connect and run again, or copy a filled cache folder "
        f"of another machine and point LAKEHOUSE_CACHE at it."
    ) from failure


def resolve(declared: Declared, scratch: Path) -> list[str]:
    """Coordinates of the roots and, if the set is transitive, of all they need and no pattern excludes; sorted."""
    if not declared.transitive:
        return sorted(declared.roots)
    context = _context(scratch)
    plain = [pattern.split(":") for pattern in declared.exclude if "*" not in pattern]
    exclusions = [context.project(group, name) for group, name in plain]
    roots = [context.create_dependency(root, exclusions) for root in declared.roots]
    for root in roots:
        root.raw = True  # or jgo lets the managed versions of one root rule over those of the others
    try:
        _, transitive = context.resolver.resolve(roots)
    except (OSError, RuntimeError) as error:
        raise ArtifactError(f"{', '.join(declared.roots)}: cannot be resolved: {error}") from error
    found = {f"{d.groupId}:{d.artifactId}": d for d in transitive if d.type == "jar"}
    kept = [
        f"{key}:{d.version}" + (f":jar:{d.classifier}" if d.classifier else "")
        for key, d in found.items()
        if not any(fnmatch.fnmatchcase(key, pattern) for pattern in declared.exclude)
    ]
    return sorted({*declared.roots, *kept})


def _context(scratch: Path, report: Callable[..., Any] | None = None) -> Any:
    # Trust what the system trusts, as pip does: behind a proxy with a certificate of its own, that is what works.
    truststore.inject_into_ssl()
    from jgo.config import GlobalSettings  # half a second to import, and needed only with an empty cache
    from jgo.maven import MavenContext, PythonResolver

    return MavenContext(
        resolver=PythonResolver(progress_callback=report),
        repo_cache=scratch / "maven",
        remote_repos=GlobalSettings.load().repositories or None,
        timeout=_TIMEOUT_SECONDS,
    )


def ignore_progress(_size: int) -> None:
    """For `lock`, whose total is not known beforehand."""

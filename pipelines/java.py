"""The Java that Spark, the broker and the registry run on: JAVA_HOME's, else the one on PATH; 17 or newer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ServiceError

MINIMUM = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_REMEDY = (
    f"install Java {MINIMUM} or newer (Debian/Ubuntu: `sudo apt-get install openjdk-17-jre-headless`; "
    "macOS: `brew install openjdk@17`; Windows and others: adoptium.net) and set JAVA_HOME if it is not on PATH"
)


@dataclass(frozen=True)
class Java:
    """A Java that works. `version` is its feature number, such as 17."""

    executable: Path
    version: int

    @property
    def home(self) -> Path:
        """What JAVA_HOME should be for this Java."""
        return self.executable.resolve().parent.parent


def find_java(environ: Mapping[str, str] = os.environ) -> Java:
    """The first Java that is new enough. Raises ServiceError, one line that says what to install and how."""
    seen: list[str] = []
    for origin, executable in _candidates(environ):
        version = _version(executable)
        if version is not None and version >= MINIMUM:
            return Java(executable, version)
        seen.append(f"{origin} has {'Java ' + str(version) if version else 'one that does not start'} ({executable})")
    raise ServiceError(f"{'; '.join(seen) or 'Java is not installed'}: {_REMEDY}")


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if home := environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if found := shutil.which("java", path=environ.get("PATH", os.defpath)):
        yield "PATH", Path(found)


def _version(executable: Path) -> int | None:
    try:
        answer = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None  # the caller reports it as one that does not start
    match = _VERSION.search(answer.stderr + answer.stdout)
    return int(match[1]) if match else None

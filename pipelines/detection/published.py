"""The champion as the workers see it: a folder beside the tables, and a small file that says which it is.

The driver alone asks the registry. It publishes a version by writing its folder first and then, in one atomic step,
the file; workers look at that file, so a new champion is theirs with their next batch, without a restart.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.detection.bundle import Bundle, load
from pipelines.errors import ModelError

# How often a worker looks whether the file has changed.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Published:
    """`folder`: the champion's bundle, a path that all workers can read."""

    name: str
    version: str
    folder: str


@dataclass(frozen=True, eq=False)
class Champion:
    published: Published
    bundle: Bundle


def publish(published: Published, pointer: Path) -> None:
    pointer.parent.mkdir(parents=True, exist_ok=True)
    written = pointer.with_name(f"{pointer.name}.{os.getpid()}.new")
    written.write_text(json.dumps(asdict(published)), encoding="utf-8")
    written.replace(pointer)


def published(pointer: Path) -> Published | None:
    """What is published; None if nothing is yet. Raises ModelError if the file is not what `publish` writes."""
    try:
        return Published(**json.loads(pointer.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ModelError(f"{pointer}: is not readable ({error}): delete it, the next start writes it anew") from error


class Reader:
    """Of one worker process: the champion, read once and again when another is published."""

    def __init__(self, pointer: Path) -> None:
        self._pointer = pointer
        self._champion: Champion | None = None
        self._looked = -_LOOK_SECONDS

    def champion(self) -> Champion:
        """The champion as of at most a second ago. Raises ModelError if none is published."""
        if self._champion is not None and time.monotonic() - self._looked < _LOOK_SECONDS:
            return self._champion
        self._looked = time.monotonic()
        found = published(self._pointer)
        if found is None:
            raise ModelError(f"{self._pointer}: no champion is published; start the scoring stream, which does that")
        if self._champion is None or self._champion.published != found:
            self._champion = Champion(found, load(Path(found.folder)))
        return self._champion

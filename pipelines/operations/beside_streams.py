"""What lets an operation that changes tables run beside the streams that append to them."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import StorageError, StreamError
from pipelines.settings import Settings

_POLL_SECONDS = 0.2


@contextmanager
def alone(settings: Settings, operation: str) -> Iterator[None]:
    """Keep a second run of `operation` on this storage root out. Raises StorageError if one runs."""
    path = settings.root / "_checkpoints" / f"{operation}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as held:
        try:
            # Given back by the system however the process ends.
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StorageError(f"another {operation} runs on {settings.root}: wait until it has ended") from error
        yield


def wait_for_batch(settings: Settings, query: str, timeout_seconds: float) -> None:
    """Return once the micro-batch that `query` is within has ended, so that all its tables have their rows of it.

    Raises StreamError if it has not after `timeout_seconds`: it was killed within a batch, and will repeat it.
    """
    checkpoint = settings.checkpoint_path(query)
    begun = _last(checkpoint / "offsets")
    deadline = time.monotonic() + timeout_seconds
    while _last(checkpoint / "commits") < begun:
        if time.monotonic() > deadline:
            raise StreamError(
                f"stream {query} is within its batch {begun}, and has not ended it in {timeout_seconds:.0f} s: "
                f"start it if it is not running (`lakehouse run {query} --trigger available-now`), then run this again"
            )
        time.sleep(_POLL_SECONDS)


def _last(folder: Path) -> int:
    """The newest batch noted in a folder of a checkpoint; -1 if there is none."""
    if not folder.is_dir():
        return -1
    return max((int(path.name) for path in folder.iterdir() if path.name.isdigit()), default=-1)

"""What lets an operation run beside the streams: alone of its kind, and after the running batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import StorageError, StreamError
from pipelines.operations.beside_streams import alone, wait_for_batch
from pipelines.settings import Settings


def note(settings: Settings, kind: str, *batches: int) -> None:
    folder: Path = settings.checkpoint_path("silver") / kind
    folder.mkdir(parents=True, exist_ok=True)
    for batch in batches:
        (folder / str(batch)).touch()


def test_a_second_run_is_refused_and_the_next_one_is_not(settings: Settings) -> None:
    with alone(settings, "redrive"), pytest.raises(StorageError, match="another redrive"), alone(settings, "redrive"):
        pass
    with alone(settings, "redrive"):
        pass


def test_a_stream_between_two_batches_is_not_waited_for(settings: Settings) -> None:
    wait_for_batch(settings, "silver", 0)
    note(settings, "offsets", 8, 9)
    note(settings, "commits", 8, 9)
    wait_for_batch(settings, "silver", 0)


def test_a_batch_that_does_not_end_is_said(settings: Settings) -> None:
    note(settings, "offsets", 9, 10)
    note(settings, "commits", 8, 9)

    with pytest.raises(StreamError, match=r"within its batch 10.*lakehouse run silver"):
        wait_for_batch(settings, "silver", 0.3)

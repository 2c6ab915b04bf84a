"""A commit that Delta refuses, as another one came between, is made again."""

from __future__ import annotations

import time
from collections.abc import Callable

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
)

from pipelines.errors import StorageError

# They have no common ancestor.
CONFLICTS = (
    ConcurrentAppendException, ConcurrentDeleteReadException, ConcurrentDeleteDeleteException, ConcurrentWriteException,
    ConcurrentTransactionException, DeltaConcurrentModificationException, MetadataChangedException,
)  # fmt: skip


_ATTEMPTS = 30


def retried(commit: Callable[[], object], table: str, attempts: int = _ATTEMPTS, pause_seconds: float = 0.0) -> None:
    """`commit`, which reads what it needs anew each time, until nothing came between. `table`: for the message.

    After each refusal it waits `pause_seconds` longer, from none. Raises StorageError if it never succeeded.
    """
    for attempt in range(1, attempts + 1):
        try:
            commit()
        except CONFLICTS as error:
            if attempt == attempts:
                raise StorageError(
                    f"table {table}: another commit was faster {attempts} times in a row; run this again when less is "
                    "written to it: nothing is lost, and nothing will be there twice"
                ) from error
            time.sleep(pause_seconds * (attempt - 1))
        else:
            return

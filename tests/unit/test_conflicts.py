"""A commit is made again until no other came between, and no oftener than is said."""

from __future__ import annotations

import pytest
from delta.exceptions import ConcurrentAppendException

from pipelines.conflicts import retried
from pipelines.errors import StorageError


class Commit:
    """Refused so many times."""

    def __init__(self, refusals: int) -> None:
        self.refusals, self.attempts = refusals, 0

    def __call__(self) -> None:
        self.attempts += 1
        if self.attempts <= self.refusals:
            raise ConcurrentAppendException("OPTIMIZE was faster", None)


def test_a_commit_that_another_came_between_is_made_again() -> None:
    commit = Commit(refusals=2)

    retried(commit, "silver.quarantine", 3)

    assert commit.attempts == 3


def test_a_commit_that_is_refused_each_time_ends_with_a_message() -> None:
    commit = Commit(refusals=3)

    with pytest.raises(StorageError, match=r"table silver\.quarantine: another commit was faster 3 times") as failed:
        retried(commit, "silver.quarantine", 3)

    assert commit.attempts == 3
    assert isinstance(failed.value.__cause__, ConcurrentAppendException)


def test_another_error_is_no_conflict() -> None:
    def commit() -> None:
        raise ValueError("no conflict")

    with pytest.raises(ValueError, match="no conflict"):
        retried(commit, "silver.quarantine")

"""The alerts that receivers should know of now, shared by the stream that learns and the threads that tell."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipelines.alerts.delivery.transitions import RESOLVED, Transition


@dataclass(frozen=True)
class _Note:
    transition: Transition
    revision: int


class Board:
    """The last transition of each alert that fires, or has been resolved for less than `resolved_for`."""

    def __init__(self, resolved_for: timedelta) -> None:
        self._resolved_for = resolved_for
        self._notes: dict[str, _Note] = {}
        self._revision = 0
        self._changed = threading.Condition()

    def put(self, news: Iterable[Transition]) -> None:
        """Take note of transitions to firing or resolved, and wake whoever waits.

        They are at most one an alert, and newer than those before.
        """
        with self._changed:
            self._revision += 1
            for transition in news:
                noted = self._notes.get(transition.fingerprint)
                if transition.fired_at is None and noted is not None:
                    transition = replace(transition, fired_at=noted.transition.fired_at)
                self._notes[transition.fingerprint] = _Note(transition, self._revision)
            self._changed.notify_all()

    def wait_for_news(self, after: int, seconds: float) -> bool:
        """Whether there is a revision later than `after`, now or within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._revision > after, timeout=seconds)

    def since(self, revision: int, now: datetime) -> tuple[tuple[Transition, ...], int]:
        """What was noted later than `revision` (0: all), and the revision that this brings the reader to."""
        with self._changed:
            self._notes = {key: note for key, note in self._notes.items() if not self._is_over(note.transition, now)}
            found = tuple(note.transition for note in self._notes.values() if note.revision > revision)
            return found, self._revision

    def _is_over(self, transition: Transition, now: datetime) -> bool:
        return transition.state == RESOLVED and transition.evaluated_at + self._resolved_for < now

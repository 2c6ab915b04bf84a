"""The alerts that receivers should know of now, shared by the stream that learns and the threads that tell.

What fired and was over before any receiver took it shows as firing until one has taken it, and for `notify_within`
after that, as Alertmanager tells nobody of the end of what it has told nobody of. Members of a cluster know from each
other what they have told people, so it is enough if one of them took it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pipelines.alerts.delivery.told import Told
from pipelines.alerts.delivery.transitions import FIRING, RESOLVED, Transition

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class News:
    """What a receiver is to be told, and what that brings it to: the revision, and the newest time of evaluation."""

    transitions: tuple[Transition, ...]
    revision: int
    evaluated_until: datetime


@dataclass(frozen=True)
class _Note:
    """`latest` is known, `shown` is told. They differ in the state of what is over and was not `taken` as firing in
    time; `ends_at`: when that may be told to be over, not known before it has been taken."""

    latest: Transition
    shown: Transition
    revision: int
    taken: bool
    ends_at: datetime | None = None

    @property
    def is_late(self) -> bool:
        return self.shown.state != self.latest.state

    @property
    def over_since(self) -> datetime:
        return max(self.latest.evaluated_at, self.ends_at or _LONG_AGO)


class Board:
    """The last transition of each alert that fires, has been resolved for less than `resolved_for`, or is late."""

    def __init__(self, resolved_for: timedelta, notify_within: timedelta, told: Told) -> None:
        self._resolved_for = resolved_for
        self._notify_within = notify_within
        self._told = told
        self._notes: dict[str, _Note] = {}
        self._revision = 0
        self._evaluated_until = _LONG_AGO
        self._changed = threading.Condition()

    def begin(self, current: Iterable[Transition]) -> None:
        """Take note of how things are at a start: what had fired by `told.until` was taken, if anybody was there to."""
        with self._changed:
            self._take_note((each, self._was_taken(each)) for each in current)

    def put(self, news: Iterable[Transition]) -> None:
        """Take note of transitions to firing or resolved, and wake whoever waits.

        They are at most one an alert, and newer than those before.
        """
        with self._changed:
            self._take_note((each, False) for each in news)

    def wait_for_news(self, after: int, seconds: float) -> bool:
        """Whether there is a revision later than `after`, now or within so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._revision > after, timeout=seconds)
            self._end_late(datetime.now(UTC))
            return self._revision > after

    def since(self, revision: int, now: datetime) -> News:
        """What was noted later than `revision` (0: all)."""
        with self._changed:
            self._end_late(now)
            self._notes = {key: note for key, note in self._notes.items() if not self._is_over(note, now)}
            found = tuple(note.shown for note in self._notes.values() if note.revision > revision)
            return News(found, self._revision, self._evaluated_until)

    def taken(self, news: News, now: datetime) -> None:
        """A receiver has taken all of `news`."""
        with self._changed:
            for each in news.transitions:
                note = self._notes.get(each.fingerprint)
                if each.state != FIRING or note is None or note.taken or note.latest.fired_at != each.fired_at:
                    continue
                ends_at = now + self._notify_within if note.is_late else None
                self._notes[each.fingerprint] = replace(note, taken=True, ends_at=ends_at)
            self._told.reach(news.evaluated_until)

    def _was_taken(self, transition: Transition) -> bool:
        if transition.state == FIRING and self._told.is_first:
            return False
        return transition.fired_at is None or transition.fired_at <= self._told.until

    def _take_note(self, news: Iterable[tuple[Transition, bool]]) -> None:
        self._revision += 1
        for transition, taken in news:
            before = self._notes.get(transition.fingerprint)
            self._notes[transition.fingerprint] = self._note(transition, before, taken=taken)
            self._evaluated_until = max(self._evaluated_until, transition.evaluated_at)
        self._changed.notify_all()

    def _note(self, latest: Transition, before: _Note | None, *, taken: bool) -> _Note:
        if latest.fired_at is None and before is not None:
            latest = replace(latest, fired_at=before.latest.fired_at)
        if before is not None and before.latest.fired_at == latest.fired_at:
            taken = taken or before.taken
        is_late = latest.state == RESOLVED and not (taken or self._is_history(latest))
        return _Note(latest, replace(latest, state=FIRING) if is_late else latest, self._revision, taken)

    def _is_history(self, resolved: Transition) -> bool:
        """Whether nothing is known of its having fired, or it had been over for long when that was found out."""
        age = resolved.evaluated_at - resolved.transition_time
        return resolved.fired_at is None or (resolved.fired_at == resolved.evaluated_at and age > self._resolved_for)

    def _end_late(self, now: datetime) -> None:
        ended = [key for key, note in self._notes.items() if note.is_late and note.ends_at and note.ends_at <= now]
        if ended:
            self._revision += 1
            for key in ended:
                note = self._notes[key]
                self._notes[key] = replace(note, shown=note.latest, revision=self._revision)
            self._changed.notify_all()

    def _is_over(self, note: _Note, now: datetime) -> bool:
        return note.shown.state == RESOLVED and note.over_since + self._resolved_for < now

"""One Alertmanager: what it has been told, when it is told again, and what happens while it does not answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import urllib3

from pipelines.alerts.delivery.alertmanager_api import AlertsRefusedError, as_alert, post
from pipelines.alerts.delivery.board import Board
from pipelines.alerts.delivery.options import Delivery
from pipelines.errors import DeliveryError
from pipelines.settings import parse_duration

_LOG = logging.getLogger(__name__)
_PER_REQUEST = 500
# How soon it is noticed that nobody wants the alerts delivered any more.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Health:
    """Counts since the start. `last_error` is None while the receiver takes what it is sent."""

    url: str
    requests: int = 0
    alerts: int = 0
    refusals: int = 0
    failures: int = 0
    failures_in_a_row: int = 0
    last_success: datetime | None = None
    last_error: str | None = None


class Receiver:
    """Sends what changes on the board at once, and all that is on it every `resend_interval`."""

    def __init__(self, url: str, board: Board, delivery: Delivery) -> None:
        self._url = url
        self._board = board
        self._delivery = delivery
        self._resend_seconds = parse_duration(delivery.resend_interval).total_seconds()
        self._pool = urllib3.PoolManager()
        self._told = 0  # the revision of the board that it has been told; 0: nothing, or not lately
        self._sent_all = float("-inf")
        self.health = Health(url)

    def follow(self, is_wanted: Callable[[], bool]) -> None:
        """Keep telling while `is_wanted`. Nothing that the receiver does ends this, or holds up another receiver."""
        while is_wanted():
            due = self._sent_all + self._resend_seconds - time.monotonic()
            if due > 0 and not self._board.wait_for_news(self._told, min(due, _LOOK_SECONDS)):
                continue
            if not self.tell():
                self._wait(is_wanted)

    def tell(self) -> bool:
        """Send what is due now; whether the receiver took it. What it did not take stays due."""
        now = datetime.now(UTC)
        all_due = time.monotonic() - self._sent_all >= self._resend_seconds
        news = self._board.since(0 if all_due else self._told, now)
        alerts = [as_alert(transition, now, self._delivery.source) for transition in news.transitions]
        refused = None
        for first in range(0, len(alerts), _PER_REQUEST):
            try:
                post(self._pool, self._url, alerts[first : first + _PER_REQUEST], self._delivery.timeout_seconds)
            except AlertsRefusedError as error:
                refused = str(error)
            except DeliveryError as error:
                self._note_failure(str(error))
                return False
        self._told = news.revision
        self._board.taken(news, datetime.now(UTC))
        if all_due:
            self._sent_all = time.monotonic()
        if alerts:
            self._note_success(len(alerts), refused)
        return True

    def _wait(self, is_wanted: Callable[[], bool]) -> None:
        """Longer after each failure in a row: 1, 2, 4 … seconds, up to the longest that is set."""
        doubled = 2.0 ** min(self.health.failures_in_a_row - 1, 16)
        until = time.monotonic() + min(doubled, self._delivery.max_wait_seconds)
        while is_wanted() and time.monotonic() < until:
            time.sleep(min(_LOOK_SECONDS, max(0.0, until - time.monotonic())))

    def _note_failure(self, error: str) -> None:
        before = self.health
        self.health = replace(
            before,
            failures=before.failures + 1,
            failures_in_a_row=before.failures_in_a_row + 1,
            last_error=error,
        )
        # The first of a row says it; the others only count, or an outage would fill the log.
        if before.last_error is None:
            _LOG.warning("%s; alerts wait and are sent when it is back", error)

    def _note_success(self, alerts: int, refused: str | None) -> None:
        before = self.health
        self.health = replace(
            before,
            requests=before.requests + 1,
            alerts=before.alerts + alerts,
            refusals=before.refusals + (refused is not None),
            failures_in_a_row=0,
            last_success=datetime.now(UTC),
            last_error=None,
        )
        if before.last_error is not None:
            _LOG.warning("Alertmanager at %s is back after %d failures", self._url, before.failures_in_a_row)
        if refused is not None:
            _LOG.warning("%s", refused)

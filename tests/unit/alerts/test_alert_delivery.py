"""Delivery of alerts without Spark: what receivers are told, when again, and what an outage changes."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.alerts.delivery.alertmanager_api import as_alert
from pipelines.alerts.delivery.board import Board
from pipelines.alerts.delivery.options import Delivery
from pipelines.alerts.delivery.receiver import Receiver
from pipelines.alerts.delivery.transitions import Transition

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRING = Transition(
    fingerprint="f1",
    alert_name="HighCpu",
    state="firing",
    severity="warning",
    resource_id="vm-1",
    labels={"alertname": "HighCpu", "severity": "warning", "resource_id": "vm-1", "team": "shop"},
    annotations={"summary": "CPU of vm-1 is at 93 %"},
    transition_time=NOW - timedelta(minutes=1),
    active_since=NOW - timedelta(minutes=6),
    evaluated_at=NOW - timedelta(seconds=50),
    fired_at=NOW - timedelta(seconds=50),
    resource_group="shop",
)
RESOLVED = replace(FIRING, state="resolved", transition_time=NOW, evaluated_at=NOW)


def test_a_firing_alert_has_a_start_and_no_end() -> None:
    assert as_alert(FIRING, NOW, "urn:lakehouse:alerts") == {
        "labels": {
            "alertname": "HighCpu",
            "severity": "warning",
            "resource_id": "vm-1",
            "resource_group": "shop",
            "team": "shop",
        },
        "annotations": {"active_since": "2026-03-01T11:54:00+00:00", "summary": "CPU of vm-1 is at 93 %"},
        "startsAt": "2026-03-01T11:59:10+00:00",
        "generatorURL": "urn:lakehouse:alerts#f1",
    }


def test_a_resolved_alert_ends_when_it_was_resolved_and_never_in_the_future() -> None:
    assert as_alert(RESOLVED, NOW, "s")["endsAt"] == "2026-03-01T12:00:00+00:00"
    ahead = replace(RESOLVED, evaluated_at=NOW + timedelta(minutes=2))
    assert as_alert(ahead, NOW, "s")["endsAt"] == "2026-03-01T12:00:00+00:00"


def test_labels_that_alertmanager_would_refuse_are_renamed_and_those_it_routes_by_are_always_there() -> None:
    dotted = replace(FIRING, labels={"k8s.pod.name": "web-1", "5xx": "yes"}, resource_group=None)
    assert as_alert(dotted, NOW, "s")["labels"] == {
        "alertname": "HighCpu",
        "severity": "warning",
        "resource_id": "vm-1",
        "k8s_pod_name": "web-1",
        "_5xx": "yes",
    }


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_labels_do_not_depend_on_state_or_time(labels: dict[str, str]) -> None:
    firing, resolved = replace(FIRING, labels=labels), replace(RESOLVED, labels=labels)
    later = NOW + timedelta(hours=1)
    assert as_alert(firing, NOW, "s")["labels"] == as_alert(resolved, later, "s")["labels"]


@given(
    active=st.integers(-3600, 3600),
    fired=st.none() | st.integers(-3600, 3600),
    resolved=st.integers(-3600, 3600),
)
def test_no_alert_ends_before_it_starts(active: int, fired: int | None, resolved: int) -> None:
    odd = replace(
        RESOLVED,
        active_since=NOW + timedelta(seconds=active),
        fired_at=None if fired is None else NOW + timedelta(seconds=fired),
        evaluated_at=NOW + timedelta(seconds=resolved),
    )
    alert = as_alert(odd, NOW, "s")
    assert alert["startsAt"] <= alert["endsAt"] <= NOW.isoformat()


class TestBoard:
    def test_only_firing_and_recently_resolved_alerts_are_on_it(self) -> None:
        board = Board(timedelta(minutes=15))
        long_ago = replace(RESOLVED, fingerprint="f2", evaluated_at=NOW - timedelta(minutes=16))
        board.put([FIRING, long_ago])
        assert board.since(0, NOW) == ((FIRING,), 1)
        board.put([RESOLVED])
        assert board.since(0, NOW) == ((RESOLVED,), 2)
        assert board.since(0, NOW + timedelta(minutes=16)) == ((), 2)

    def test_a_reader_is_given_what_is_new_to_it(self) -> None:
        board = Board(timedelta(minutes=15))
        other = replace(FIRING, fingerprint="f2")
        board.put([FIRING])
        board.put([other])
        assert board.since(1, NOW) == ((other,), 2)
        assert board.since(2, NOW) == ((), 2)
        assert not board.wait_for_news(2, seconds=0.01)
        assert board.wait_for_news(1, seconds=0.01)

    def test_a_resolved_alert_keeps_the_time_that_it_fired_at(self) -> None:
        board = Board(timedelta(minutes=15))
        board.put([FIRING])
        board.put([replace(RESOLVED, fired_at=None)])
        assert board.since(0, NOW)[0] == (RESOLVED,)


@dataclass
class FakeAlertmanager:
    """Answers every request with `status`, and keeps the alerts of each."""

    url: str
    status: int = 200
    requests: list[list[dict[str, Any]]] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)

    @property
    def fingerprints(self) -> list[list[str]]:
        return [[alert["generatorURL"].partition("#")[2] for alert in request] for request in self.requests]


@pytest.fixture
def fake() -> Iterator[FakeAlertmanager]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if found.silent.wait(0) and not done.wait(2):
                return
            found.requests.append(body)
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(b"because")

        def log_message(self, *_arguments: Any) -> None:
            pass

    done = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = FakeAlertmanager(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield found
    done.set()
    server.shutdown()
    server.server_close()
    thread.join()


def receiver_of(fake: FakeAlertmanager, board: Board, **options: Any) -> Receiver:
    return Receiver(fake.url, board, Delivery((fake.url,), timeout_seconds=0.3, **options))


def firing(*fingerprints: str) -> list[Transition]:
    return [replace(FIRING, fingerprint=each) for each in fingerprints]


class TestReceiver:
    def test_it_is_told_everything_first_and_then_what_changes(self, fake: FakeAlertmanager) -> None:
        board = Board(timedelta(minutes=15))
        receiver = receiver_of(fake, board)
        board.put(firing("a", "b"))
        assert receiver.tell()
        board.put(firing("c"))
        assert receiver.tell()
        assert receiver.tell()
        assert fake.fingerprints == [["a", "b"], ["c"]]

    def test_everything_is_sent_again_when_the_interval_is_over(self, fake: FakeAlertmanager) -> None:
        board = Board(timedelta(minutes=15))
        receiver = receiver_of(fake, board, resend_interval="1 millisecond")
        board.put(firing("a"))
        assert receiver.tell()
        threading.Event().wait(0.01)
        assert receiver.tell()
        assert fake.fingerprints == [["a"], ["a"]]

    def test_many_alerts_go_in_several_requests(self, fake: FakeAlertmanager) -> None:
        board = Board(timedelta(minutes=15))
        board.put(firing(*(f"{number}" for number in range(1001))))
        assert receiver_of(fake, board).tell()
        assert [len(request) for request in fake.requests] == [500, 500, 1]

    @pytest.mark.parametrize("status", [404, 429, 500, 503])
    def test_what_is_not_taken_stays_due(
        self, fake: FakeAlertmanager, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        board = Board(timedelta(minutes=15))
        receiver = receiver_of(fake, board)
        board.put(firing("a"))
        assert receiver.tell()
        fake.status = status
        board.put(firing("b"))
        with caplog.at_level(logging.WARNING):
            assert not receiver.tell()
            assert not receiver.tell()
        assert len(caplog.records) == 1  # an outage is said once
        assert str(status) in caplog.text
        assert receiver.health.failures_in_a_row == 2
        fake.status = 200
        assert receiver.tell()
        assert fake.fingerprints[-1] == ["b"]
        assert receiver.health.last_error is None
        assert receiver.health.failures == 2

    def test_one_that_does_not_answer_costs_no_more_than_the_time_out(self, fake: FakeAlertmanager) -> None:
        board = Board(timedelta(minutes=15))
        board.put(firing("a"))
        fake.silent.set()
        receiver = receiver_of(fake, board)
        begun = datetime.now(UTC)
        assert not receiver.tell()
        assert datetime.now(UTC) - begun < timedelta(seconds=1.5)
        assert "cannot be reached" in str(receiver.health.last_error)

    def test_alerts_that_are_not_valid_hold_up_no_others(
        self, fake: FakeAlertmanager, caplog: pytest.LogCaptureFixture
    ) -> None:
        board = Board(timedelta(minutes=15))
        receiver = receiver_of(fake, board)
        fake.status = 400
        board.put(firing("a"))
        assert receiver.tell()
        assert receiver.health.refusals == 1
        assert "refuses alerts: because" in caplog.text
        fake.status = 200
        board.put(firing("b"))
        assert receiver.tell()
        assert fake.fingerprints == [["a"], ["b"]]

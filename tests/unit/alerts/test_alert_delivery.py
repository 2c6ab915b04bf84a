"""Delivery of alerts without Spark: what receivers are told, when again, and what an outage changes."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.alerts.delivery.alertmanager_api import as_alert
from pipelines.alerts.delivery.board import Board, News
from pipelines.alerts.delivery.options import Delivery
from pipelines.alerts.delivery.receiver import Receiver
from pipelines.alerts.delivery.told import Told
from pipelines.alerts.delivery.transitions import Transition
from pipelines.errors import StorageError

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


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """As a first start finds it, long before all that these tests are about."""
    (tmp_path / "told").write_text("2026-01-01T00:00:00+00:00")
    return Told(tmp_path / "told")


@pytest.fixture
def board(told: Told) -> Board:
    return Board(timedelta(minutes=15), timedelta(minutes=6), told)


class TestBoard:
    def test_only_firing_and_recently_resolved_alerts_are_on_it(self, board: Board) -> None:
        long_ago = replace(RESOLVED, fingerprint="f2", fired_at=None, evaluated_at=NOW - timedelta(minutes=16))
        board.put([FIRING, long_ago])
        assert board.since(0, NOW) == News((FIRING,), 1, FIRING.evaluated_at)
        board.taken(board.since(0, NOW), NOW)
        board.put([RESOLVED])
        assert board.since(0, NOW) == News((RESOLVED,), 2, NOW)
        assert board.since(0, NOW + timedelta(minutes=16)).transitions == ()

    def test_a_reader_is_given_what_is_new_to_it(self, board: Board) -> None:
        other = replace(FIRING, fingerprint="f2")
        board.put([FIRING])
        board.put([other])
        assert board.since(1, NOW) == News((other,), 2, FIRING.evaluated_at)
        assert board.since(2, NOW).transitions == ()
        assert not board.wait_for_news(2, seconds=0.01)
        assert board.wait_for_news(1, seconds=0.01)

    def test_a_resolved_alert_keeps_the_time_that_it_fired_at(self, board: Board) -> None:
        board.put([FIRING])
        board.taken(board.since(0, NOW), NOW)
        board.put([replace(RESOLVED, fired_at=None)])
        assert board.since(0, NOW).transitions == (RESOLVED,)


class TestWhatWasOverBeforeAReceiverTookIt:
    """Alertmanager was away while it fired: it is to be told that it fired, and has time to pass that on."""

    def test_it_is_firing_until_it_was_taken_and_for_six_minutes_more(self, board: Board) -> None:
        board.put([FIRING])
        board.put([RESOLVED])
        a_day_later = NOW + timedelta(days=1)
        news = board.since(0, a_day_later)
        assert news.transitions == (replace(RESOLVED, state="firing"),)
        board.taken(news, a_day_later)
        still, over = a_day_later + timedelta(minutes=5, seconds=59), a_day_later + timedelta(minutes=6)
        assert board.since(news.revision, still).transitions == ()
        assert board.since(0, still).transitions == news.transitions
        assert board.since(news.revision, over).transitions == (RESOLVED,)
        # Its end is told for as long as that of any other.
        assert board.since(0, over + timedelta(minutes=15)).transitions == (RESOLVED,)
        assert board.since(0, over + timedelta(minutes=16)).transitions == ()

    def test_its_end_is_news_to_who_waits(self, told: Told) -> None:
        board = Board(timedelta(minutes=15), timedelta(0), told)
        board.put([FIRING])
        board.put([RESOLVED])
        news = board.since(0, NOW)
        board.taken(news, NOW)
        assert board.wait_for_news(news.revision, seconds=0.01)

    def test_one_that_is_resolved_while_it_is_being_sent_was_taken_as_firing(self, board: Board) -> None:
        board.put([FIRING])
        sent = board.since(0, NOW)
        board.put([RESOLVED])
        board.taken(sent, NOW)
        assert board.since(0, NOW).transitions[0].state == "firing"
        assert board.since(0, NOW + timedelta(minutes=6)).transitions == (RESOLVED,)

    def test_what_one_member_of_a_cluster_took_is_over_for_all(self, board: Board) -> None:
        board.put([FIRING])
        board.taken(board.since(0, NOW), NOW)
        board.put([RESOLVED])
        assert board.since(0, NOW).transitions == (RESOLVED,)

    def test_a_start_knows_what_the_one_before_it_told(self, board: Board, tmp_path: Path) -> None:
        board.put([FIRING])
        board.taken(board.since(0, NOW), NOW)
        later = Board(timedelta(minutes=15), timedelta(minutes=6), Told(tmp_path / "told"))
        missed = replace(RESOLVED, fingerprint="f2", fired_at=FIRING.evaluated_at + timedelta(seconds=1))
        later.begin([RESOLVED, missed])
        assert later.since(0, NOW).transitions == (RESOLVED, replace(missed, state="firing"))

    def test_a_first_start_tells_of_what_fires_and_not_of_what_is_over(self, tmp_path: Path) -> None:
        board = Board(timedelta(minutes=15), timedelta(minutes=6), Told(tmp_path / "first"))
        board.begin([FIRING, replace(RESOLVED, fingerprint="f2")])
        assert [each.state for each in board.since(0, NOW).transitions] == ["firing", "resolved"]
        board.put([RESOLVED])
        assert board.since(1, NOW).transitions[0].state == "firing"

    def test_what_had_been_over_for_long_when_it_was_first_evaluated_is_nobodys_news(self, board: Board) -> None:
        within_one_evaluation = replace(RESOLVED, fired_at=RESOLVED.evaluated_at)
        board.put([replace(within_one_evaluation, transition_time=NOW - timedelta(minutes=16))])
        assert board.since(0, NOW).transitions[0].state == "resolved"
        board.put([replace(within_one_evaluation, fingerprint="f2")])
        assert board.since(1, NOW).transitions[0].state == "firing"


class TestTold:
    def test_a_first_start_begins_with_the_present(self, tmp_path: Path) -> None:
        before = datetime.now(UTC)
        path = tmp_path / "checkpoint" / "told"
        assert before <= Told(path).until <= datetime.now(UTC)
        assert Told(path).until == Told(path).until

    def test_it_only_goes_forward(self, told: Told, tmp_path: Path) -> None:
        told.reach(NOW)
        told.reach(NOW - timedelta(minutes=1))
        assert Told(tmp_path / "told").until == NOW

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "told").write_text("yesterday")
        with pytest.raises(StorageError, match="told: cannot be read"):
            Told(tmp_path / "told")


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
    def test_it_is_told_everything_first_and_then_what_changes(self, fake: FakeAlertmanager, board: Board) -> None:
        receiver = receiver_of(fake, board)
        board.put(firing("a", "b"))
        assert receiver.tell()
        board.put(firing("c"))
        assert receiver.tell()
        assert receiver.tell()
        assert fake.fingerprints == [["a", "b"], ["c"]]

    def test_everything_is_sent_again_when_the_interval_is_over(self, fake: FakeAlertmanager, board: Board) -> None:
        receiver = receiver_of(fake, board, resend_interval="1 millisecond")
        board.put(firing("a"))
        assert receiver.tell()
        threading.Event().wait(0.01)
        assert receiver.tell()
        assert fake.fingerprints == [["a"], ["a"]]

    def test_many_alerts_go_in_several_requests(self, fake: FakeAlertmanager, board: Board) -> None:
        board.put(firing(*(f"{number}" for number in range(1001))))
        assert receiver_of(fake, board).tell()
        assert [len(request) for request in fake.requests] == [500, 500, 1]

    @pytest.mark.parametrize("status", [404, 429, 500, 503])
    def test_what_is_not_taken_stays_due(
        self, fake: FakeAlertmanager, board: Board, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
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

    def test_one_that_does_not_answer_costs_no_more_than_the_time_out(
        self, fake: FakeAlertmanager, board: Board
    ) -> None:
        board.put(firing("a"))
        fake.silent.set()
        receiver = receiver_of(fake, board)
        begun = datetime.now(UTC)
        assert not receiver.tell()
        assert datetime.now(UTC) - begun < timedelta(seconds=1.5)
        assert "cannot be reached" in str(receiver.health.last_error)

    def test_alerts_that_are_not_valid_hold_up_no_others(
        self, fake: FakeAlertmanager, board: Board, caplog: pytest.LogCaptureFixture
    ) -> None:
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

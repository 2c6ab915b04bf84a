"""Transitions in gold.alerts reach people: through a real Alertmanager, configured as shipped, and Kafka."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from pipelines.alerts.delivery import to_alertmanager, to_kafka
from pipelines.alerts.delivery.options import Delivery
from pipelines.alerts.delivery.transitions import TABLE
from pipelines.errors import ServiceError
from pipelines.local import alertmanager, services
from pipelines.settings import Settings, load_settings
from pipelines.streams import Trigger
from pipelines.tables import ensure_table
from tests.conftest import Kafka, wait_until

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class Alertmanager:
    """A running one, and all that its receivers were told: (path, notification)."""

    url: str
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """The alerts of that name that are active or suppressed; one that has ended is not among them."""
        query = urllib.parse.urlencode({"filter": f'alertname="{name}"'})
        found: list[dict[str, Any]] = self.call(f"alerts?{query}")
        return found

    def states(self, name: str) -> dict[str, str]:
        """resource_id → state, of the alerts of that name."""
        return {alert["labels"]["resource_id"]: alert["status"]["state"] for alert in self.alerts(name)}

    def notifications(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        return [(path, body) for path, body in self.told if body["commonLabels"].get("alertname") == name]


@contextmanager
def webhooks(told: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """A server that notes what is posted to it: its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def lakehouse(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("delivery"))})


@pytest.fixture(scope="module")
def running(lakehouse: Settings) -> Iterator[Alertmanager]:
    """Alertmanager with conf/alertmanager.yaml; only its webhooks lead here, and groups wait for a second."""
    try:
        alertmanager.find_program()
    except ServiceError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    told: list[tuple[str, dict[str, Any]]] = []
    with webhooks(told) as address:
        config = impatient(lakehouse.root, address)
        started = services.up_alertmanager(lakehouse, config)
        assert started.status.address is not None
        yield Alertmanager(started.status.address, told)
        assert services.down(lakehouse) == ("alertmanager",)


def impatient(folder: Path, webhooks: str) -> Path:
    """conf/alertmanager.yaml with webhooks elsewhere, and mail without much wait."""
    config = alertmanager.CONFIG.read_text().replace("http://127.0.0.1:9095", webhooks)
    config = config.replace("group_wait: 10s", "group_wait: 1s").replace("group_interval: 5m", "group_interval: 1s")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yaml").write_text(config)
    return folder / "alertmanager.yaml"


def transition(name: str, resource: str, state: str, severity: str = "warning", **labels: str) -> dict[str, Any]:
    """A row of gold.alerts: this alert goes into `state` now."""
    now = datetime.now(UTC)
    labels = {"alertname": name, "severity": severity, "resource_id": resource, **labels}
    fingerprint = hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "transition_id": hashlib.sha256(f"{fingerprint}{state}{now}".encode()).hexdigest(),
        "fingerprint": fingerprint,
        "alert_name": name,
        "state": state,
        "previous_state": None,
        "transition_time": now,
        "active_since": now - timedelta(minutes=5),
        "severity": severity,
        "resource_id": resource,
        "value": 93.5,
        "labels": labels,
        "annotations": {"summary": f"{name} on {resource}"},
        # Said to begin when it comes to Alertmanager, which then waits for others of the group however slow we are.
        "evaluated_at": now + timedelta(minutes=1),
    }


def vm(name: str) -> str:
    """A machine in the resource group `shop`."""
    return f"/subscriptions/s/resourcegroups/shop/providers/microsoft.compute/virtualmachines/vm-{name}"


@pytest.fixture(scope="module")
def commit(spark: SparkSession, lakehouse: Settings) -> Callable[..., None]:
    """Append rows to gold.alerts, in one commit."""
    ensure_table(spark, lakehouse, TABLE)
    schema = spark.read.format("delta").load(TABLE.path(lakehouse)).schema

    def append(*rows: dict[str, Any]) -> None:
        values = [tuple(row[name] for name in schema.names) for row in rows]
        frame = spark.createDataFrame(values, schema).coalesce(1)
        frame.write.format("delta").mode("append").save(TABLE.path(lakehouse))

    return append


@contextmanager
def delivering(
    spark: SparkSession, settings: Settings, *urls: str
) -> Iterator[tuple[to_alertmanager.Deliverer, Callable[[], bool]]]:
    """The stream to Alertmanager as long as the block: its deliverer, and whether it is alive."""
    delivery = Delivery(urls, timeout_seconds=1, max_wait_seconds=1, notify_within="3 seconds")
    deliverer = to_alertmanager.Deliverer(delivery, to_alertmanager.told_in(settings))
    query = to_alertmanager.start(spark, settings, deliverer, Trigger.CONTINUOUS)
    try:
        yield deliverer, lambda: query.isActive and query.exception() is None
    finally:
        query.stop()


def test_alerts_are_routed_grouped_silenced_inhibited_and_resolved(
    spark: SparkSession, lakehouse: Settings, running: Alertmanager, commit: Callable[..., None]
) -> None:
    silence = {
        "matchers": [{"name": "resource_id", "value": vm("3"), "isRegex": False}],
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "createdBy": "on call",
        "comment": "being replaced",
    }
    running.call("silences", silence)
    with delivering(spark, lakehouse, running.url):
        commit(
            transition("HighCpu", vm("1"), "firing"),
            transition("HighCpu", vm("2"), "firing"),
            transition("HighCpu", vm("3"), "firing"),
            transition("HighCpu", vm("4"), "firing"),
            transition("AgentSilent", vm("4"), "firing", "critical"),
            transition("PodRestarts", "pod-1", "firing", "page"),
            transition("ScaleOut", "vm-1", "firing", "info", action="scale_out"),
            transition("NotYet", "vm-1", "pending"),
            transition("NotYet", "vm-2", "inactive"),
        )
        wait_until(lambda: len(running.alerts("HighCpu")) == 4, 30, "the alerts are in Alertmanager")
        states = {vm("1"): "active", vm("2"): "active", vm("3"): "suppressed", vm("4"): "suppressed"}
        wait_until(lambda: running.states("HighCpu") == states, 5, "silence and inhibition hold")
        assert running.alerts("NotYet") == []
        summary = {alert["annotations"]["summary"] for alert in running.alerts("PodRestarts")}
        assert summary == {"PodRestarts on pod-1"}

        names = ("HighCpu", "PodRestarts", "ScaleOut")
        wait_until(lambda: all(map(running.notifications, names)), 15, "receivers are told")
        paths = {name: running.notifications(name)[0][0] for name in names}
        assert paths == {"HighCpu": "/mail", "PodRestarts": "/page", "ScaleOut": "/scaling"}
        (_, grouped), *_ = running.notifications("HighCpu")
        assert {alert["labels"]["resource_id"] for alert in grouped["alerts"]} == {vm("1"), vm("2")}
        assert grouped["groupLabels"] == {"alertname": "HighCpu", "resource_group": "shop"}

        # That it pends again at once takes nothing from its having been resolved.
        commit(transition("HighCpu", vm("1"), "resolved"), transition("HighCpu", vm("1"), "pending"))
        wait_until(lambda: set(running.states("HighCpu")) == {vm("2"), vm("3"), vm("4")}, 15, "vm-1 is resolved")

        def told_of_the_end() -> bool:
            ended = [alert for _, body in running.notifications("HighCpu") for alert in body["alerts"]]
            return [a["labels"]["resource_id"] for a in ended if a["status"] == "resolved"][:1] == [vm("1")]

        wait_until(told_of_the_end, 15, "the receiver is told that it is over")


def test_an_alertmanager_that_is_away_stops_nothing_and_misses_nothing(
    spark: SparkSession,
    lakehouse: Settings,
    running: Alertmanager,
    commit: Callable[..., None],
    tmp_path: Path,
) -> None:
    elsewhere = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path / "elsewhere")})
    away = services.up_alertmanager(elsewhere).status.address
    assert away is not None
    services.down(elsewhere)
    with delivering(spark, lakehouse, away, running.url) as (deliverer, is_alive):
        commit(transition("DiskFull", "vm-1", "firing"), transition("DiskFull", "vm-2", "firing"))
        wait_until(lambda: len(running.alerts("DiskFull")) == 2, 20, "the other member of the cluster has them")
        commit(transition("DiskFull", "vm-2", "resolved"))
        wait_until(lambda: set(running.states("DiskFull")) == {"vm-1"}, 20, "vm-2 is resolved")
        health = deliverer.health[0]
        assert health.failures > 0
        assert "cannot be reached" in str(health.last_error)
        assert is_alive()

        assert services.up_alertmanager(elsewhere).status.address == away
        try:
            back = Alertmanager(away)
            wait_until(lambda: set(back.states("DiskFull")) == {"vm-1"}, 10, "what fires is sent when it is back")
            assert deliverer.health[0].last_error is None
            assert is_alive()
        finally:
            services.down(elsewhere)


def test_what_fired_and_was_over_while_alertmanager_was_away_is_told_when_it_is_back(
    spark: SparkSession, lakehouse: Settings, running: Alertmanager, commit: Callable[..., None], tmp_path: Path
) -> None:
    elsewhere = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path / "elsewhere")})
    told: list[tuple[str, dict[str, Any]]] = []
    with webhooks(told) as address:
        config = impatient(tmp_path, address)
        away = services.up_alertmanager(elsewhere, config).status.address
        assert away is not None
        services.down(elsewhere)
        with delivering(spark, lakehouse, away) as (deliverer, _):
            commit(transition("LinkDown", "eth-1", "firing"))
            wait_until(lambda: deliverer.health[0].failures > 0, 20, "it cannot be told")
            commit(transition("LinkDown", "eth-1", "resolved"))
        # Neither does the end of the process lose it.
        with delivering(spark, lakehouse, away):
            services.up_alertmanager(elsewhere, config)
            back = Alertmanager(away, told)
            try:
                wait_until(lambda: len(back.notifications("LinkDown")) == 2, 30, "somebody is told of both")
            finally:
                services.down(elsewhere)
    assert [body["status"] for _, body in back.notifications("LinkDown")] == ["firing", "resolved"]

    # Started once more, it does not fire again.
    with delivering(spark, lakehouse, running.url) as (deliverer, _):
        wait_until(lambda: deliverer.health[0].requests > 0, 20, "all there is has been sent")
        assert running.alerts("LinkDown") == []


def test_a_restart_sends_what_was_missed_and_tells_of_no_alert_twice(
    spark: SparkSession, lakehouse: Settings, running: Alertmanager, commit: Callable[..., None]
) -> None:
    with delivering(spark, lakehouse, running.url):
        commit(transition("QueueDepth", "q-1", "firing", "page"), transition("QueueDepth", "q-2", "firing", "page"))
        wait_until(lambda: len(running.alerts("QueueDepth")) == 2, 20, "both fire")
        wait_until(lambda: len(running.notifications("QueueDepth")) > 0, 10, "somebody is paged")
    before = {alert["fingerprint"]: alert["startsAt"] for alert in running.alerts("QueueDepth")}
    told = len(running.notifications("QueueDepth"))

    commit(transition("QueueDepth", "q-2", "resolved", "page"), transition("QueueDepth", "q-3", "firing", "page"))
    with delivering(spark, lakehouse, running.url):
        wait_until(lambda: set(running.states("QueueDepth")) == {"q-1", "q-3"}, 20, "what was missed is sent")
        again = {alert["fingerprint"]: alert["startsAt"] for alert in running.alerts("QueueDepth")}
        (same,) = again.keys() & before.keys()
        assert again[same] == before[same]
    assert len(running.notifications("QueueDepth")) <= told + 1  # q-3 is new to the group, q-1 is not

    # Without a checkpoint all that ever was comes by again, and still only what holds now is sent.
    shown = len(running.call("alerts"))
    deliverer = to_alertmanager.Deliverer(Delivery((running.url,)), to_alertmanager.told_in(lakehouse))
    to_alertmanager.start(spark, lakehouse, deliverer, Trigger.AVAILABLE_NOW).awaitTermination()
    assert deliverer.health[0].requests == 1
    assert len(running.call("alerts")) == shown


def test_a_first_batch_that_was_killed_is_made_again_after_later_commits(
    spark: SparkSession, commit: Callable[..., None], lakehouse: Settings
) -> None:
    def deliver() -> None:
        deliverer = to_alertmanager.Deliverer(Delivery(()), to_alertmanager.told_in(lakehouse))
        to_alertmanager.start(spark, lakehouse, deliverer, Trigger.AVAILABLE_NOW).awaitTermination()

    checkpoint = lakehouse.checkpoint_path(to_alertmanager.QUERY)
    shutil.rmtree(checkpoint, ignore_errors=True)
    commit(transition("First", "vm-1", "firing"))
    deliver()
    for path in (checkpoint / "commits" / "0", checkpoint / "commits" / ".0.crc"):
        path.unlink(missing_ok=True)
    for _ in range(2):
        commit(transition("First", "vm-1", "resolved"), transition("First", "vm-1", "pending"))
    deliver()
    assert (checkpoint / "commits" / "0").exists()


def test_every_transition_is_one_cloud_event_in_kafka(
    spark: SparkSession, lakehouse: Settings, commit: Callable[..., None], kafka: Kafka
) -> None:
    rows = [
        transition("HighCpu", "vm-1", "pending"),
        transition("HighCpu", "vm-1", "firing"),
        {**transition("PipelineLag", "", "inactive"), "resource_id": None},
    ]
    commit(*rows)
    count = spark.read.format("delta").load(TABLE.path(lakehouse)).count()
    kafka.create("alerts")
    delivery = Delivery((), topic=kafka.topic("alerts"))
    for _ in range(2):  # a second start has nothing to add
        query = to_kafka.start(spark, lakehouse, delivery, kafka.bootstrap, Trigger.AVAILABLE_NOW)
        query.awaitTermination()

    messages = consume(kafka.bootstrap, kafka.topic("alerts"), count)
    events = {event["id"]: (key, event) for key, event, _ in messages}
    assert len(messages) == len(events) == count
    assert all(headers == {"content-type": b"application/cloudevents+json; charset=UTF-8"} for *_, headers in messages)
    for row in rows:
        key, event = events[row["transition_id"]]
        assert key == row["fingerprint"]
        assert event["specversion"] == "1.0"
        assert event["source"] == "urn:lakehouse:alerts"
        assert event["type"] == f"io.lakehouse.alert.{row['state']}"
        assert event.get("subject") == row["resource_id"]
        assert datetime.fromisoformat(event["time"]) == row["transition_time"]
        assert event["time"].endswith("Z")
        assert event["datacontenttype"] == "application/json"
        assert event["data"]["labels"] == row["labels"]
        assert event["data"]["value"] == row["value"]
        assert datetime.fromisoformat(event["data"]["active_since"]) == row["active_since"]
    of_one = [event["type"].rpartition(".")[2] for key, event, _ in messages if key == rows[0]["fingerprint"]]
    assert of_one == ["pending", "firing"]


def test_silences_survive_a_restart_of_alertmanager_and_a_wrong_configuration_is_explained(
    running: Alertmanager, tmp_path: Path
) -> None:
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path / "lakehouse")})
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("route: {receiver: nobody}\nreceivers: []\n")
    with pytest.raises(ServiceError, match=r"(?s)wrong\.yaml.*nobody"):
        services.up_alertmanager(settings, wrong)
    assert services.alertmanager_url_if_any(settings) is None

    silence = {
        "matchers": [{"name": "alertname", "value": "HighCpu", "isRegex": False}],
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "createdBy": "on call",
        "comment": "load test",
    }
    try:
        assert not services.up_alertmanager(settings).already
        assert services.up_alertmanager(settings).already
        url = services.alertmanager_url_if_any(settings)
        assert url is not None
        Alertmanager(url).call("silences", silence)
        assert services.status(settings)[2].state == "running"
        services.down(settings)
        assert services.status(settings)[2].state == "stopped"
        assert services.up_alertmanager(settings).status.address == url
        assert [each["comment"] for each in Alertmanager(url).call("silences")] == ["load test"]
    finally:
        services.down(settings)


def test_where_no_alertmanager_can_be_had_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ServiceError, match=r"no Alertmanager.*apt-get.*on PATH"):
        alertmanager.find_program()


def test_the_alertmanager_on_path_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "alertmanager"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert alertmanager.find_program() == program


def consume(bootstrap: str, topic: str, count: int) -> list[tuple[str, dict[str, Any], Mapping[str, bytes]]]:
    """Key, event and headers of all messages of a topic; one more than `count` would be found too."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found = consumer.consume(count, timeout=20) + consumer.consume(1, timeout=0.5)
    finally:
        consumer.close()
    return [(message.key().decode(), json.loads(message.value()), dict(message.headers() or ())) for message in found]

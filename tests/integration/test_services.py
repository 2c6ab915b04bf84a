"""The embedded broker and registry, for real: each test has its own root and leaves no process behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from pipelines.errors import ServiceError
from pipelines.local import kafka_client, processes, services, state
from pipelines.local.processes import Child
from pipelines.settings import Settings, load_settings

SCHEMA = json.dumps({"type": "record", "name": "Host", "fields": [{"name": "cpu", "type": "double"}]})


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "lakehouse"
    settings = settings_for(tmp_path / "lakehouse")
    services.down(settings)
    assert processes_of(tmp_path) == []


def settings_for(root: Path, **environ: str) -> Settings:
    return load_settings("local", {"LAKEHOUSE_ROOT": str(root), **environ})


def processes_of(folder: Path) -> list[int]:
    """Pids of all processes, except this one, whose command line mentions the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            mentions = any(str(folder) in word for word in process.cmdline())
        except psutil.Error:
            continue
        if mentions and process.pid != os.getpid():
            found.append(process.pid)
    return found


def child_of(settings: Settings, name: str) -> Child:
    child = state.read(settings.services_dir)[name].child
    assert child is not None
    return child


def produce(bootstrap: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 8_388_608})
    failures: list[object] = []
    producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(30) == 0
    assert not failures


def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "fetch.message.max.bytes": 8_388_608})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        values = [message.value() for message in consumer.consume(count, timeout=30)]
    finally:
        consumer.close()
    return [value for value in values if value is not None]


def test_a_broker_from_up_to_down(root: Path) -> None:
    settings = settings_for(root)
    with ThreadPoolExecutor(2) as pool:  # two at once: one starts it, the other waits and finds it
        both = list(pool.map(services.up, [settings, settings]))
    assert sorted(started.already for started in both) == [False, True]
    assert both[0].status.pid == both[1].status.pid

    bootstrap = services.bootstrap_servers(settings)
    for _ in range(2):
        kafka_client.create_topics(bootstrap, ["telemetry.hosts", "am-Perf"], partitions=1)
    large = os.urandom(8_000_000)
    produce(bootstrap, "am-Perf", large)
    assert consume(bootstrap, "am-Perf", 1) == [large]

    broker, registry, _alertmanager = services.status(settings)
    assert (broker.state, broker.address, registry.state) == ("running", bootstrap, "stopped")
    assert broker.memory_bytes is not None
    assert broker.memory_bytes < 550_000_000
    listening = {c.laddr.ip for c in psutil.Process(broker.pid).net_connections("tcp") if c.status == "LISTEN"}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}

    other_port = settings_for(root, LAKEHOUSE_SERVICES__BROKER_PORT="1")
    with pytest.raises(ServiceError, match="lakehouse down"):
        services.up(other_port)

    assert services.down(settings) == ("broker",)
    assert processes_of(root) == []
    assert services.down(settings) == ()
    assert services.status(settings)[0].state == "stopped"
    with pytest.raises(ServiceError, match="run `lakehouse up`"):
        services.bootstrap_servers(settings)


def test_a_killed_broker_is_noticed_and_comes_back_with_its_messages(root: Path) -> None:
    settings = settings_for(root)
    address = services.up(settings).status.address
    assert address is not None
    kafka_client.create_topics(address, ["am-Perf"], partitions=1)
    produce(address, "am-Perf", b"before")
    os.kill(child_of(settings, "broker").pid, signal.SIGKILL)
    while processes.find(child_of(settings, "broker")):
        time.sleep(0.05)

    gone = services.status(settings)[0]
    assert (gone.state, gone.healthy) == ("gone", False)
    assert gone.log is not None
    assert gone.log.is_file()
    with pytest.raises(ServiceError, match=r"gone .*lakehouse up"):
        services.bootstrap_servers(settings)

    again = services.up(settings)
    assert not again.already
    assert again.status.address == address
    produce(address, "am-Perf", b"after")
    assert consume(address, "am-Perf", 2) == [b"before", b"after"]


def registry_call(url: str, body: dict[str, str] | None = None) -> dict[str, object]:
    data = json.dumps(body).encode() if body else None
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
        content: dict[str, object] = json.load(answer)
    return content


def test_the_registry_keeps_its_schemas(root: Path) -> None:
    settings = settings_for(root)
    with pytest.raises(ServiceError, match="lakehouse up --registry"):
        services.registry_url(settings)
    services.up_registry(settings)
    url = services.registry_url(settings)
    schema_id = registry_call(f"{url}/subjects/hosts-value/versions", {"schema": SCHEMA})["id"]
    assert services.down(settings) == ("registry",)

    services.up_registry(settings)
    assert services.registry_url(settings) == url
    assert json.loads(str(registry_call(f"{url}/schemas/ids/{schema_id}")["schema"])) == json.loads(SCHEMA)


def test_the_registry_answers_confluents_own_client(root: Path) -> None:
    confluent = pytest.importorskip("confluent_kafka.schema_registry", exc_type=ImportError)
    settings = settings_for(root)
    services.up_registry(settings)

    client = confluent.SchemaRegistryClient({"url": services.registry_url(settings)})
    schema_id = client.register_schema("hosts-value", confluent.Schema(SCHEMA, "AVRO"))

    assert client.get_latest_version("hosts-value").schema_id == schema_id
    assert json.loads(client.get_schema(schema_id).schema_str) == json.loads(SCHEMA)


def test_a_port_in_use_is_named(root: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        settings = settings_for(root, LAKEHOUSE_SERVICES__BROKER_PORT=str(port))
        with pytest.raises(ServiceError, match=rf"services\.broker_port is {port}, but port {port} is in use"):
            services.up(settings)


def test_a_broker_that_dies_at_start_shows_its_log(root: Path) -> None:
    settings = settings_for(root, LAKEHOUSE_SERVICES__BROKER_HEAP="1m")

    with pytest.raises(ServiceError, match=r"(?s)ended while starting; the end of .*broker\.log:.*heap"):
        services.up(settings)

    assert processes_of(root) == []
    assert services.status(settings)[0].state == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_no_process(root: Path, number: signal.Signals) -> None:
    code = "import sys; from pipelines.local import services; from pipelines.settings import load_settings\n"
    code += "services.up(load_settings('local', {'LAKEHOUSE_ROOT': sys.argv[1]}))"
    starter = subprocess.Popen([sys.executable, "-c", code, str(root)], stderr=subprocess.PIPE, cwd=Path.cwd())
    state_file = settings_for(root).services_dir / "services.json"
    while not state_file.exists() and starter.poll() is None:
        time.sleep(0.02)
    starter.send_signal(number)
    starter.communicate(timeout=30)

    assert starter.returncode != 0
    assert processes_of(root) == []
    assert services.status(settings_for(root))[0].state == "stopped"


def test_an_unreachable_outside_broker_is_named_within_ten_seconds(root: Path) -> None:
    with socket.socket() as mute:  # accepts connections, never answers
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        settings = settings_for(root, KAFKA_BOOTSTRAP_SERVERS=address)
        before = time.monotonic()
        with pytest.raises(ServiceError, match=rf"KAFKA_BOOTSTRAP_SERVERS .* is '{address}'"):
            services.bootstrap_servers(settings)
        assert time.monotonic() - before < 10
    assert services.status(settings)[0].state == "unreachable"
    with pytest.raises(ServiceError, match="SCHEMA_REGISTRY_URL"):
        services.registry_url(settings_for(root, SCHEMA_REGISTRY_URL=f"http://{address}"))


def test_a_recycled_pid_is_neither_found_nor_ended(tmp_path: Path) -> None:
    ours = processes.start(["sleep", "60"], tmp_path / "log", tmp_path, {})
    stranger = Child(ours.pid, ours.created - 3600)

    assert processes.find(stranger) is None
    processes.stop(stranger)
    assert processes.find(ours) is not None
    processes.stop(ours)
    assert processes.find(ours) is None


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stubborn = processes.start(["sh", "-c", "trap '' TERM; echo ready; sleep 60 & wait; wait"], log, tmp_path, {})
    while "ready" not in log.read_text():
        time.sleep(0.02)

    processes.stop(stubborn, grace_seconds=0.5)

    assert processes.find(stubborn) is None

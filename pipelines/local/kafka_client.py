"""What is asked of any Kafka broker, embedded or outside: does it answer, and create these topics."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from pipelines.errors import ServiceError, TopicError


def admin(bootstrap: str) -> AdminClient:
    """An admin client that keeps trying quickly and leaves reporting to its caller."""
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 500})


def answers(client: AdminClient, timeout_seconds: float) -> bool:
    """Whether the broker answers a metadata request, which it does only once it can serve."""
    try:
        return bool(client.list_topics(timeout=timeout_seconds).brokers)
    except KafkaException:
        return False


def reachable(servers: str, timeout_seconds: float) -> bool:
    """Whether any of `host:port,host:port` accepts a TCP connection; name resolution is bounded too."""
    connected, finished = threading.Event(), threading.Event()
    addresses = [server.strip().rpartition(":") for server in servers.split(",") if server.strip()]
    left = len(addresses)
    guard = threading.Lock()

    def connect(host: str, port: str) -> None:
        nonlocal left
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_seconds):
                connected.set()
        except (OSError, ValueError, OverflowError):
            pass  # no or no valid address: the event stays unset, which is the answer
        finally:
            with guard:
                left -= 1
                if connected.is_set() or left == 0:
                    finished.set()

    for host, _, port in addresses:
        threading.Thread(target=connect, args=(host, port), daemon=True).start()
    finished.wait(timeout_seconds)
    return connected.is_set()


def create_topics(bootstrap: str, names: Iterable[str], partitions: int) -> None:
    """Create the topics that do not exist yet, with the broker's own replication; existing ones stay as they are.

    Raises ServiceError if the broker does not answer in 30 seconds and TopicError, naming the topic, if it refuses one.
    """
    client = admin(bootstrap)
    wanted = sorted(set(names))
    if not wanted:
        return
    try:
        existing = client.list_topics(timeout=30).topics
        topics = [NewTopic(name, partitions, replication_factor=-1) for name in wanted if name not in existing]
        created = client.create_topics(topics, operation_timeout=30, request_timeout=30) if topics else {}
    except KafkaException as error:
        raise ServiceError(f"Kafka at {bootstrap} does not answer: {error.args[0].str()}") from error
    for name, future in created.items():
        try:
            future.result(timeout=60)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(f"topic {name} at {bootstrap}: cannot be created: {error.args[0].str()}") from error

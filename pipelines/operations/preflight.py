"""What can be known to be wrong before Spark starts, said within seconds and in words."""

from __future__ import annotations

import os
import re
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from pipelines.errors import ServiceError, StorageError, TopicError
from pipelines.kafka_access import client_options
from pipelines.settings import Settings

_ANSWER_SECONDS = 5.0


def check_root(settings: Settings) -> None:
    """Raises StorageError if the storage root cannot be created or written."""
    root = settings.root
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / f".writable-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StorageError(
            f"setting root is {str(root)!r}: cannot be written ({error.strerror}); set LAKEHOUSE_ROOT to a folder "
            "that this user may write"
        ) from error


def check_topics(settings: Settings, bootstrap_servers: str) -> None:
    """Raises TopicError if no topic matches, ServiceError if the broker does not answer.

    Where this client cannot log in (MSK's IAM, a credential of Unity Catalog), only Spark can tell.
    """
    access = client_options(settings.kafka)
    if access is None:
        return
    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0, **access})
    try:
        names = sorted(name for name in client.list_topics(timeout=_ANSWER_SECONDS).topics if not name.startswith("__"))
    except KafkaException as error:
        raise ServiceError(
            f"Kafka at {bootstrap_servers} does not answer ({error.args[0].str()}): correct KAFKA_BOOTSTRAP_SERVERS, "
            "or unset it and run `lakehouse up`"
        ) from error
    pattern = re.compile(settings.kafka.topic_pattern)
    if not any(pattern.fullmatch(name) for name in names):
        there = f"there are: {', '.join(names)}" if names else "there are none"
        raise TopicError(
            f"no topic at {bootstrap_servers} matches kafka.topics ({', '.join(settings.kafka.topics)}); {there}. "
            "Create one, or send with `lakehouse simulate`"
        )


def check_table(settings: Settings, layer: str, table: str, job: str) -> None:
    """Raises StorageError if a table that a job reads has not been made yet; of a catalog, only Spark can tell."""
    if settings.catalog is not None:
        return
    path: Path = settings.table_path(layer, table)
    if not (path / "_delta_log").is_dir():
        raise StorageError(f"table {layer}.{table} is not at {path} yet: `lakehouse run {job}` makes it")

"""The embedded Kafka broker: a real one, in KRaft mode, one process as broker and controller."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from pipelines import artifacts
from pipelines.errors import ServiceError
from pipelines.java import Java, find_java
from pipelines.local import kafka_client, processes
from pipelines.local.processes import Child

_READY_SECONDS = 90.0
_MESSAGE_BYTES = 8 * 1024 * 1024

# Small buffers and few threads: this broker shares two cores and little memory with Spark. The session timeout is how
# long the controller waits, after a kill -9, before it lets the same broker register again.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=true
num.partitions=2
default.replication.factor=1
message.max.bytes={message_bytes}
replica.fetch.max.bytes={message_bytes}
replica.fetch.response.max.bytes={fetch_bytes}
fetch.max.bytes=57671680
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=8388608
log.index.size.max.bytes=1048576
log.segment.bytes=134217728
"""

_LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c: %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""


def start(data_dir: Path, port: int, controller_port: int, heap: str, log: Path) -> Child:
    """Start the broker on 127.0.0.1:`port` with its data in `data_dir`, formatted at the first start.

    It may not be ready yet: see `wait_until_ready`. Raises ServiceError or ArtifactError.
    """
    java = find_java()
    jars = artifacts.ensure("broker")
    data = data_dir / "data"
    properties = data_dir / "server.properties"
    logging = data_dir / "log4j2.properties"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        properties.write_text(
            _PROPERTIES.format(
                port=port,
                controller_port=controller_port,
                data=str(data).replace("\\", "\\\\"),
                message_bytes=_MESSAGE_BYTES,
                fetch_bytes=2 * _MESSAGE_BYTES,
            )
        )
        logging.write_text(_LOGGING)
    except OSError as error:
        raise ServiceError(f"{data_dir}: cannot be written: {error.strerror}") from error
    classpath = ["-cp", ":".join(str(jar) for jar in jars), f"-Dlog4j2.configurationFile={logging}"]
    if not (data / "meta.properties").exists():
        _format(java, classpath, properties)
    options = [
        "-Xms64m",
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-XX:MaxDirectMemorySize=96m",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djdk.nio.maxCachedBufferSize=262144",
        "-Djava.awt.headless=true",
    ]
    return processes.start([java.executable, *options, *classpath, "kafka.Kafka", properties], log, data_dir, {})


def wait_until_ready(child: Child, port: int, log: Path, timeout_seconds: float = _READY_SECONDS) -> None:
    """Return once the broker answers by protocol. Raises ServiceError with the end of its log if it died or is late."""
    client = kafka_client.admin(f"127.0.0.1:{port}")
    processes.wait_until_answers(
        lambda: kafka_client.answers(client, timeout_seconds=0.5), "broker", child, port, log, timeout_seconds
    )


def _format(java: Java, classpath: list[str], properties: Path) -> None:
    # A cluster id must not begin with "-": the tool would take it for an option.
    cluster_id = base64.urlsafe_b64encode(b"\x01" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
    command = [str(java.executable), "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *classpath]
    command += ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id, "-c", str(properties)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"{properties.parent}: the broker's storage cannot be formatted: {error}") from error
    if result.returncode:
        raise ServiceError(
            f"{properties.parent}: the broker's storage cannot be formatted:\n{(result.stdout + result.stderr).strip()}"
        )

"""The embedded schema registry: Apicurio behind the Confluent API, its schemas in an H2 file that survives restarts."""

from __future__ import annotations

from pathlib import Path

from pipelines import artifacts
from pipelines.errors import ServiceError
from pipelines.java import find_java
from pipelines.local import http_service, processes
from pipelines.local.processes import Child

API = "/apis/ccompat/v7"
_READY_SECONDS = 120.0


def start(data_dir: Path, port: int, heap: str, log: Path) -> Child:
    """Start the registry on 127.0.0.1:`port` with its data in `data_dir`; it may not be ready yet.

    Raises ServiceError or ArtifactError.
    """
    java = find_java()
    home = artifacts.unpacked("registry")
    runner = next(iter(sorted(home.glob("*-runner.jar"))), None)
    if runner is None:
        raise ServiceError(f"{home}: holds no *-runner.jar; delete this folder and run again")
    options = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": str(port),
        "quarkus.log.console.color": "false",
        "quarkus.banner.enabled": "false",
        "quarkus.http.access-log.enabled": "false",
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        "apicurio.datasource.url": f"jdbc:h2:file:{data_dir / 'registry'}",
        "apicurio.rest.deletion.artifact.enabled": "true",
    }
    jvm = ["-Xms64m", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:TieredStopAtLevel=1"]
    properties = [f"-D{key}={value}" for key, value in options.items()]
    return processes.start([java.executable, *jvm, *properties, "-jar", runner], log, data_dir, {})


def answers(url: str, timeout_seconds: float) -> bool:
    """Whether a schema registry at `url` answers; one that asks for credentials counts."""
    return http_service.answers(f"{url.rstrip('/')}/subjects", timeout_seconds)


def wait_until_ready(child: Child, port: int, log: Path, timeout_seconds: float = _READY_SECONDS) -> None:
    """Return once it answers over HTTP. Raises ServiceError with the end of its log if it died or is late."""
    url = f"http://127.0.0.1:{port}{API}"
    processes.wait_until_answers(lambda: answers(url, 5), "registry", child, port, log, timeout_seconds)

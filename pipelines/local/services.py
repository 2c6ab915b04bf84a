"""The embedded services of a storage root: start, stop and look at them, and find the broker and registry to use."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import psutil

from pipelines.errors import ServiceError
from pipelines.local import alertmanager, broker, kafka_client, ports, processes, registry, state
from pipelines.local.processes import Child
from pipelines.local.state import Service
from pipelines.settings import KafkaAccess, Settings

NAMES = ("broker", "registry", "alertmanager")
# An outside service has this many seconds to show that it is there: first a connection, then an answer.
_CONNECT_SECONDS = 4.0
_ANSWER_SECONDS = 5.0
_TO_START = {
    "broker": "lakehouse up",
    "registry": "lakehouse up --registry",
    "alertmanager": "lakehouse up --alertmanager",
}

_WAIT = {
    "broker": broker.wait_until_ready,
    "registry": registry.wait_until_ready,
    "alertmanager": alertmanager.wait_until_ready,
}


@dataclass(frozen=True)
class ServiceStatus:
    """One line of `lakehouse status`.

    `state` is running, silent (alive but not answering), stopped, gone (ended without `down`), outside (not ours, and
    answering) or unreachable (not ours, and not answering). Memory in bytes, uptime in seconds.
    """

    name: str
    state: str
    address: str | None = None
    pid: int | None = None
    memory_bytes: int | None = None
    uptime_seconds: float | None = None
    log: Path | None = None

    @property
    def healthy(self) -> bool:
        return self.state in ("running", "stopped", "outside")


@dataclass(frozen=True)
class Started:
    """What `up` found or did. `already` is true if there was nothing to start."""

    status: ServiceStatus
    already: bool


def up(settings: Settings) -> Started:
    """Start the embedded broker and wait until it answers; only look, if it runs or an outside one is set.

    Raises ServiceError (no Java, port in use, died while starting, outside broker unreachable) or ArtifactError.
    """
    if settings.kafka.bootstrap_servers:
        bootstrap_servers(settings)
        return Started(_outside("broker", settings.kafka.bootstrap_servers, answered=True), already=True)
    services, folder = settings.services, settings.services_dir

    def start(previous: Service | None) -> tuple[Service, Callable[[], Child]]:
        port = ports.choose("services.broker_port", services.broker_port, previous.port if previous else None)
        controller_port = ports.choose("the controller's port", 0, previous.controller_port if previous else None)
        service = Service("broker", port, controller_port, None, folder / "logs" / "broker.log")
        return service, lambda: broker.start(folder / "kafka", port, controller_port, services.broker_heap, service.log)

    return _up(settings, "broker", services.broker_port, start)


def up_registry(settings: Settings) -> Started:
    """Start the embedded schema registry and wait until it answers; errors as for `up`."""
    if settings.schema_registry.url:
        registry_url(settings)
        return Started(_outside("registry", settings.schema_registry.url, answered=True), already=True)
    services, folder = settings.services, settings.services_dir

    def start(previous: Service | None) -> tuple[Service, Callable[[], Child]]:
        port = ports.choose("services.registry_port", services.registry_port, previous.port if previous else None)
        service = Service("registry", port, None, None, folder / "logs" / "registry.log")
        return service, lambda: registry.start(folder / "registry", port, services.registry_heap, service.log)

    return _up(settings, "registry", services.registry_port, start)


def up_alertmanager(settings: Settings, config: Path = alertmanager.CONFIG) -> Started:
    """Start the embedded Alertmanager with `config` and wait until it answers; only look, if it runs.

    Raises ServiceError: no Alertmanager can be had, `config` is not valid, or it died while starting.
    """
    folder = settings.services_dir

    def start(previous: Service | None) -> tuple[Service, Callable[[], Child]]:
        port = ports.choose("Alertmanager's port", 0, previous.port if previous else None)
        service = Service("alertmanager", port, None, None, folder / "logs" / "alertmanager.log")
        return service, lambda: alertmanager.start(folder / "alertmanager", port, config, service.log)

    return _up(settings, "alertmanager", 0, start)


def down(settings: Settings) -> tuple[str, ...]:
    """Stop every embedded service of this root, whatever the settings say now. Returns the names of those that ran."""
    if not settings.services_dir.exists():
        return ()
    stopped = []
    with state.locked(settings.services_dir):
        remembered = state.read(settings.services_dir)
        for name in reversed(NAMES):
            service = remembered.get(name)
            if service is None or service.child is None:
                continue
            if processes.find(service.child) is not None:
                processes.stop(service.child)
                stopped.append(name)
            state.write(settings.services_dir, replace(service, child=None))
    return tuple(stopped)


def status(settings: Settings) -> tuple[ServiceStatus, ...]:
    """All services, outside or embedded, each asked by protocol: 10 seconds if one is silent."""
    remembered = state.read(settings.services_dir)
    outside = {"broker": settings.kafka.bootstrap_servers, "registry": settings.schema_registry.url}
    found = []
    for name in NAMES:
        address = outside.get(name)
        if address:
            found.append(_outside(name, address, answered=_outside_answers(settings, name, address)))
        if not address or (name in remembered and remembered[name].child):
            found.append(_embedded(name, remembered.get(name)))
    return tuple(found)


def bootstrap_servers(settings: Settings) -> str:
    """`host:port[,…]` of the broker to use: the outside one if set, else the embedded one that runs.

    Raises ServiceError within 10 seconds if the outside one cannot be reached, at once if the embedded one is not up.
    """
    outside = settings.kafka.bootstrap_servers
    if not outside:
        return _running(settings, "broker").address
    if not _outside_answers(settings, "broker", outside):
        raise ServiceError(
            f"KAFKA_BOOTSTRAP_SERVERS (kafka.bootstrap_servers) is {outside!r}, and no Kafka broker answers there: "
            f"correct it or start that broker; unset it to use the embedded one (`lakehouse up`)"
        )
    return outside


def registry_url(settings: Settings) -> str:
    """Base URL of the schema registry to use, for SchemaRegistryClient; errors as for `bootstrap_servers`."""
    outside = settings.schema_registry.url
    if not outside:
        return _address(_running(settings, "registry"))
    if not _outside_answers(settings, "registry", outside):
        raise ServiceError(
            f"SCHEMA_REGISTRY_URL (schema_registry.url) is {outside!r}, and no schema registry answers there: "
            f"correct it or start that registry; unset it to use the embedded one (`lakehouse up --registry`)"
        )
    return outside


def registry_url_if_any(settings: Settings) -> str | None:
    """The same, but None where there is none now; an outside one is not asked whether it answers."""
    if settings.schema_registry.url:
        return settings.schema_registry.url
    try:
        return _address(_running(settings, "registry"))
    except ServiceError:
        return None


def alertmanager_url_if_any(settings: Settings) -> str | None:
    """Base URL of the embedded Alertmanager, or None where none runs."""
    try:
        return _address(_running(settings, "alertmanager"))
    except ServiceError:
        return None


def _up(
    settings: Settings,
    name: str,
    wanted_port: int,
    prepare: Callable[[Service | None], tuple[Service, Callable[[], Child]]],
) -> Started:
    folder = settings.services_dir
    wait = _WAIT[name]
    with _termination_as_interrupt(), state.locked(folder):
        previous = state.read(folder).get(name)
        if previous and previous.child and processes.find(previous.child):
            if wanted_port not in (0, previous.port):
                raise ServiceError(
                    f"setting services.{name}_port is {wanted_port}, but the {name} runs on port {previous.port}: "
                    f"run `lakehouse down` first"
                )
            try:
                wait(previous.child, previous.port, previous.log)
                return Started(_embedded(name, previous), already=True)
            except ServiceError:
                if processes.find(previous.child):
                    raise
                # It was being killed when we looked, and is to be started like any that has ended.
        service, launch = prepare(previous)
        child = None
        try:
            child = launch()
            # Remembered before it is ready: if we are killed now, the next `up` or `down` still finds it.
            service = replace(service, child=child)
            state.write(folder, service)
            wait(child, service.port, service.log)
        except BaseException:
            if child is not None:
                processes.stop(child, grace_seconds=5)
                state.write(folder, replace(service, child=None))
            raise
    return Started(_embedded(name, service), already=False)


@contextlib.contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that a half-started service is ended."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _running(settings: Settings, name: str) -> Service:
    service = state.read(settings.services_dir).get(name)
    if service is None or service.child is None:
        raise ServiceError(f"the embedded {name} of {settings.root} is not running: run `{_TO_START[name]}`")
    if processes.find(service.child) is None:
        raise ServiceError(
            f"the embedded {name} of {settings.root} is gone (pid {service.child.pid}): run `{_TO_START[name]}`; "
            f"the end of {service.log}:\n{processes.tail(service.log, lines=5)}"
        )
    return service


def _embedded(name: str, service: Service | None) -> ServiceStatus:
    if service is None:
        return ServiceStatus(name, "stopped")
    if service.child is None:
        return ServiceStatus(name, "stopped", log=service.log)
    process = processes.find(service.child)
    try:
        if process is not None:
            memory = int(process.memory_info().rss)
            uptime = time.time() - service.child.created
            condition = "running" if _answers(service) else "silent"
            return ServiceStatus(name, condition, _address(service), service.child.pid, memory, uptime, service.log)
    except psutil.NoSuchProcess:
        pass  # it ended while we looked: gone
    return ServiceStatus(name, "gone", _address(service), service.child.pid, log=service.log)


def _address(service: Service) -> str:
    if service.name == "broker":
        return service.address
    return f"http://{service.address}{registry.API if service.name == 'registry' else ''}"


def _answers(service: Service) -> bool:
    if service.name == "broker":
        return kafka_client.answers(kafka_client.admin(service.address), timeout_seconds=5)
    asked = registry.answers if service.name == "registry" else alertmanager.answers
    return asked(_address(service), timeout_seconds=5)


def _outside(name: str, address: str, *, answered: bool) -> ServiceStatus:
    return ServiceStatus(name, "outside" if answered else "unreachable", address)


def _outside_answers(settings: Settings, name: str, address: str) -> bool:
    if name == "registry":
        return registry.answers(address, timeout_seconds=_ANSWER_SECONDS)
    if not kafka_client.reachable(address, _CONNECT_SECONDS):
        return False
    protocol = settings.kafka.options.get("kafka.security.protocol", "PLAINTEXT").upper()
    secured = settings.kafka.access is not KafkaAccess.NONE or protocol != "PLAINTEXT"
    # Credentials are in the Java client's words, which this client does not know: that it listens must do.
    return secured or kafka_client.answers(kafka_client.admin(address), _ANSWER_SECONDS)

"""What `lakehouse up` remembers, in <root>/_services/services.json, and the lock around changing it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.errors import ServiceError
from pipelines.local.processes import Child

_LOCK_SECONDS = 150.0


@dataclass(frozen=True)
class Service:
    """One embedded service. `child` is None once it was stopped; the ports stay, for the next start."""

    name: str
    port: int
    controller_port: int | None
    child: Child | None
    log: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


def read(services_dir: Path) -> dict[str, Service]:
    """The remembered services by name. Raises ServiceError if the file is spoilt."""
    path = services_dir / "services.json"
    try:
        content = json.loads(path.read_text())
        return {
            name: Service(
                name=name,
                port=int(body["port"]),
                controller_port=body["controller_port"],
                child=Child(int(body["child"]["pid"]), float(body["child"]["created"])) if body["child"] else None,
                log=Path(body["log"]),
            )
            for name, body in content.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceError(
            f"{path}: cannot be read as the state of the services ({error}): end any broker that still runs on "
            f"{services_dir / 'kafka'}, delete this file and run `lakehouse up`; the data stays"
        ) from error


def write(services_dir: Path, service: Service) -> None:
    """Remember `service`, atomically; only while holding `locked`. Raises ServiceError if it cannot be written."""
    services = {**read(services_dir), service.name: service}
    body = {name: {**asdict(each), "log": str(each.log)} for name, each in services.items()}
    path = services_dir / "services.json"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(body, indent=2))
        temporary.replace(path)
    except OSError as error:
        raise ServiceError(f"{path}: cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def locked(services_dir: Path) -> Iterator[None]:
    """One `up` or `down` at a time for a root; a second one waits. Raises ServiceError after 150 seconds of waiting."""
    try:
        services_dir.mkdir(parents=True, exist_ok=True)
        stream = (services_dir / "lock").open("w")
    except OSError as error:
        raise ServiceError(f"{services_dir}: cannot be written: {error.strerror}") from error
    with stream:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(stream.fileno()):
            if time.monotonic() > deadline:
                raise ServiceError(f"{services_dir}: another `lakehouse up` or `down` has held its lock for too long")
            time.sleep(0.2)
        yield  # closing the file releases the lock, also when this process is killed


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""The embedded Alertmanager: the system's own, or that of the Debian package, alone and on the loopback interface."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pipelines.errors import LakehouseError, ServiceError
from pipelines.local import debian_package, http_service, processes
from pipelines.local.processes import Child
from pipelines.settings import CONF_DIR

CONFIG = CONF_DIR / "alertmanager.yaml"
_PACKAGE = "prometheus-alertmanager"
_PROGRAMS = ("alertmanager", _PACKAGE)
_READY_SECONDS = 30.0


def find_program() -> Path:
    """Alertmanager on PATH, else the one of the Debian package in the cache, fetched if it is not there.

    Raises ServiceError, which says how to get it.
    """
    for name in _PROGRAMS:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    try:
        folder = debian_package.unpacked(_PACKAGE)
        return debian_package.relocate(folder / "usr" / "bin" / _PACKAGE, "prometheus/alertmanager")
    except LakehouseError as error:
        raise ServiceError(
            f"no Alertmanager: neither {' nor '.join(_PROGRAMS)} is on PATH, and the Debian package cannot be fetched "
            f"({error}); install it (`apt-get install {_PACKAGE}`, `brew install alertmanager`, or a release of "
            f"prometheus/alertmanager) so that it is on PATH"
        ) from error


def start(data_dir: Path, port: int, config: Path, log: Path) -> Child:
    """Start Alertmanager on 127.0.0.1:`port` with its silences and its log of notifications in `data_dir`.

    It may not be ready yet: see `wait_until_ready`. Raises ServiceError, also if `config` is not valid.
    """
    program = find_program()
    check_config(program, config)
    options = [
        f"--config.file={config}",
        f"--storage.path={data_dir}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.external-url=http://127.0.0.1:{port}",
        "--cluster.listen-address=",  # alone: no gossip, and no port for it
    ]
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(f"{data_dir}: cannot be written: {error.strerror}") from error
    return processes.start([program, *options], log, program.parent, {})


def check_config(program: Path, config: Path) -> None:
    """Have amtool, where there is one, say what is wrong with `config`. Raises ServiceError."""
    beside = program.with_name("amtool")
    amtool = str(beside) if beside.exists() else shutil.which("amtool")
    if amtool is None:
        return  # Alertmanager itself will say it, in its log
    command = [amtool, "check-config", str(config)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"`{' '.join(command)}`: {error}") from error
    if result.returncode:
        raise ServiceError(f"{config}: is no valid configuration of Alertmanager:\n{result.stdout}{result.stderr}")


def answers(url: str, timeout_seconds: float) -> bool:
    """Whether an Alertmanager at `url` is ready; one that asks for credentials counts."""
    return http_service.answers(f"{url.rstrip('/')}/-/ready", timeout_seconds)


def wait_until_ready(child: Child, port: int, log: Path, timeout_seconds: float = _READY_SECONDS) -> None:
    """Return once it answers over HTTP. Raises ServiceError with the end of its log if it died or is late."""
    url = f"http://127.0.0.1:{port}"
    processes.wait_until_answers(lambda: answers(url, 5), "Alertmanager", child, port, log, timeout_seconds)

"""TCP ports on the loopback interface."""

from __future__ import annotations

import random
import socket
import time

from pipelines.errors import ServiceError

HOST = "127.0.0.1"
# Below the ports that systems give to clients: a client that keeps trying to reach a dead server from such a port would
# one day be given the server's own, connect to itself, and hold it.
_FOR_SERVERS = range(20_000, 32_000)
# How long a process that was killed a moment ago may still hold its port.
_RELEASE_SECONDS = 5.0


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: TIME_WAIT is no obstacle
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def pick_free() -> int:
    for port in random.sample(_FOR_SERVERS, 1000):
        if is_free(port):
            return port
    raise ServiceError(f"no free port on {HOST} between {_FOR_SERVERS.start} and {_FOR_SERVERS.stop}: close something")


def choose(key: str, wanted: int, previous: int | None) -> int:
    """`wanted` if it is not 0, else `previous` once it is free (clients know it), else any free one.

    Raises ServiceError, naming the setting `key`, if the wanted port is in use.
    """
    if wanted:
        if is_free(wanted):
            return wanted
        raise ServiceError(
            f"setting {key} is {wanted}, but port {wanted} is in use on {HOST}: "
            f"stop what listens there, or set {key} to another port, or to 0 for a free one"
        )
    if previous is not None and _is_released(previous):
        return previous
    return pick_free()


def _is_released(port: int) -> bool:
    deadline = time.monotonic() + _RELEASE_SECONDS
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True

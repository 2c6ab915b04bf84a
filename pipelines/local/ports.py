"""TCP ports on the loopback interface."""

from __future__ import annotations

import socket

from pipelines.errors import ServiceError

HOST = "127.0.0.1"


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
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def choose(key: str, wanted: int, previous: int | None) -> int:
    """`wanted` if it is not 0, else `previous` if still free, else any free one.

    Raises ServiceError, naming the setting `key`, if the wanted port is in use.
    """
    if wanted:
        if is_free(wanted):
            return wanted
        raise ServiceError(
            f"setting {key} is {wanted}, but port {wanted} is in use on {HOST}: "
            f"stop what listens there, or set {key} to another port, or to 0 for a free one"
        )
    if previous is not None and is_free(previous):
        return previous
    return pick_free()

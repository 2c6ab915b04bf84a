"""The dashboard as a server of this machine."""

from __future__ import annotations

import logging
import socket

from werkzeug.serving import BaseWSGIServer, make_server

from pipelines.dashboard.app import make_app
from pipelines.errors import ServiceError
from pipelines.settings import Settings

_LOOPBACK = ("127.0.0.1", "::1")


def listen(host: str, port: int) -> socket.socket:
    """The port, which is this process's from now on; 0 is any that is free. Raises ServiceError if it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise ServiceError(
            f"the dashboard cannot listen on {host}:{port}: {error}; `lakehouse dashboard --port` chooses another port"
        ) from error
    listening.listen()
    return listening


def serve(settings: Settings, listening: socket.socket) -> BaseWSGIServer:
    """A server that is ready for `serve_forever`."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line a request says nothing to those who read
    host, port = listening.getsockname()[:2]
    application = make_app(settings).server
    if host in _LOOPBACK:
        # A web page elsewhere could give its own name this machine's address, and so read what is for this machine.
        application.config["TRUSTED_HOSTS"] = ["localhost", *_LOOPBACK]
    return make_server(host, port, application, threaded=True, fd=listening.fileno())

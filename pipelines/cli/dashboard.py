"""`lakehouse dashboard`: gold in a browser."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.services import Env
from pipelines.settings import load_settings

_ONLY_HERE = {"127.0.0.1", "::1", "localhost"}


def dashboard(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; 0 is any port that is free.")] = 8050,
    host: Annotated[str, typer.Option(help="For whom it listens: 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    env: Env = "local",
) -> None:
    """Show the gold tables in a browser: fleet, incidents, series, data quality, cost, forecasts, alerts.

    It reads what has been committed, may run beside the streams, and changes nothing. It runs until Ctrl-C.

        lakehouse dashboard

        lakehouse dashboard --port 9000
    """
    settings, console = load_settings(env), Console(soft_wrap=True)
    # Imported here, so that the help does not wait for it.
    from pipelines.dashboard.server import listen, serve

    with listen(host, port) as listening:
        server = serve(settings, listening)
        if host not in _ONLY_HERE:
            console.print(
                f"whoever reaches {host} can read gold: there is no login. Put a proxy before it.", style="yellow"
            )
        shown = f"[{host}]" if ":" in host else host
        console.print(f"the dashboard is at http://{shown}:{server.port}", highlight=False)
        console.print("Ctrl-C ends it", style="dim")
        server.serve_forever()  # it takes Ctrl-C for its end, and closes the port
        console.print("ended")

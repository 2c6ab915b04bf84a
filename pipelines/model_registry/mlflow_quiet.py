"""MLflow, imported when first needed (it takes seconds), without its chatter and its patience."""

from __future__ import annotations

import logging
import os
from typing import Any

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # Of the default of 7, each after twice the wait, a server that is away would hold up whoever asks for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


def quiet_mlflow() -> Any:
    """The module `mlflow`. What the environment says already holds."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Migrations of a new SQLite file would fill the screen.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    import mlflow

    return mlflow

"""MLflow, imported when first needed (it takes seconds) and without its chatter."""

from __future__ import annotations

import logging
import os
from typing import Any

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


def quiet_mlflow() -> Any:
    """The module `mlflow`. What the environment says already of its chatter holds."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Migrations of a new SQLite file would fill the screen.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    import mlflow

    return mlflow

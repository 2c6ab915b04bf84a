"""Rows of silver.metrics as the stream hands them to a bucket, and champions to score them with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.detection.bundle import Bundle, Host
from pipelines.detection.multivariate import fit
from pipelines.detection.published import Champion, Published

START = 1_790_000_040  # epoch seconds, at a full minute


def rows(series: dict[int, np.ndarray], resource_id: str = "/host", first: int = 0) -> pd.DataFrame:
    """One row a minute of each series, from minute `first` on."""
    parts = [
        pd.DataFrame(
            {
                "score_id": [f"{series_id}-{first + at}" for at in range(len(values))],
                "series_id": series_id,
                "resource_id": resource_id,
                "host_name": resource_id.strip("/"),
                "namespace": "n",
                "metric": f"metric {series_id}",
                "event_time": pd.to_datetime(START + 60 * (first + np.arange(len(values))), unit="s"),
                "value": values.astype(np.float64),
                "kafka_timestamp": pd.Timestamp("2026-11-01"),
                "ingest_time": pd.Timestamp("2026-11-01"),
            }
        )
        for series_id, values in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


def noise(rows: int, seed: int) -> np.ndarray:
    return 50 + np.random.default_rng(seed).normal(0, 2, rows)


def champion(bundle: Bundle | None = None, version: str = "1") -> Champion:
    return Champion(Published("anomaly_detector", version, ""), bundle or Bundle())


def two_metric_host(resource_id: str = "/host") -> Bundle:
    """Two series, 1 and 2, trained on a thousand minutes that ended just before START."""
    history = np.stack([noise(1000, 1), noise(1000, 2)], axis=1)
    model = fit(history, ("metric 1", "metric 2"), 0)
    return Bundle(hosts={resource_id: Host(np.array([1, 2], dtype=np.int64), 60, START - 60, model)})

"""Training a registered version again, from nothing but what its run recorded."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from pipelines.detection.bundle import Bundle, Host, load
from pipelines.detection.models.registry import Registry
from pipelines.detection.models.training import fit
from pipelines.detection.models.training_plan import FILE, from_json
from pipelines.detection.multivariate import to_arrays
from pipelines.settings import Settings


def reproduce(spark: SparkSession, settings: Settings, registry: Registry, version: str) -> tuple[str, ...]:
    """Train `version` again from what its run recorded: what differs, nothing if all arrays are equal.

    A version without a plan is one of the built-in parameters. Raises ModelError if there is no such version, or the
    data that it was trained on is gone.
    """
    recorded = registry.read_file(version, FILE)
    with tempfile.TemporaryDirectory(prefix="lakehouse-reproduce-") as scratch:
        registered = load(registry.download(version, Path(scratch)))
    again = Bundle() if recorded is None else fit(spark, settings, from_json(recorded)).bundle
    return differences(registered, again)


def differences(one: Bundle, other: Bundle) -> tuple[str, ...]:
    """In which parts two bundles differ, to the last bit."""
    found = []
    if one.parameters != other.parameters:
        found.append(f"parameters: {one.parameters} and {other.parameters}")
    if dict(one.strictness) != dict(other.strictness):
        found.append(f"strictness: of {len(one.strictness)} and of {len(other.strictness)} series")
    if list(one.hosts) != list(other.hosts):
        found.append(f"hosts: {len(one.hosts)} and {len(other.hosts)}")
    for name in one.hosts.keys() & other.hosts.keys():
        pair = [_arrays(bundle.hosts[name]) for bundle in (one, other)]
        unequal = [key for key in pair[0] if not _same(pair[0][key], pair[1][key])]
        if unequal:
            found.append(f"host {name}: {', '.join(unequal)}")
    return tuple(found)


def _arrays(host: Host) -> dict[str, Any]:
    rows = np.array([host.interval_seconds, host.last_row])
    return {"series_ids": host.series_ids, "rows": rows, **to_arrays(host.model)}


def _same(one: Any, other: Any) -> bool:
    """By their bytes, so that NaN equals NaN."""
    return bool(one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())

"""What a registered model of the anomaly detector is: a folder that a worker reads without MLflow, in milliseconds.

    detector.json   layout, parameters of the univariate detector, how strict it is with which series
    hosts.npz       a model of each host that could be trained, its series in the order of its columns

The folder lies within an MLflow model, whose flavour (`packaged.py`) only wraps it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.detection.multivariate import HostModel, from_arrays, to_arrays
from pipelines.detection.univariate import STATE_LAYOUT, Parameters
from pipelines.errors import ModelError

_DETECTOR, _HOSTS = "detector.json", "hosts.npz"


@dataclass(frozen=True, eq=False)
class Host:
    """A host's model, and what its rows are made of: `series_ids` (columns,) in the order of the model's metrics, a row
    each `interval_seconds`, at multiples of it since 1970. `last_row`: the newest of its training, epoch seconds."""

    series_ids: NDArray[np.int64]
    interval_seconds: int
    last_row: int
    model: HostModel


@dataclass(frozen=True, eq=False)
class Bundle:
    """All that the scoring stream needs to know. `strictness`: series_id → how much more evidence it takes (above 1)
    or less, by the verdicts of operators; 1 where nothing is said. `hosts`: resource_id → its model."""

    parameters: Parameters = field(default_factory=Parameters)
    strictness: Mapping[int, float] = field(default_factory=dict)
    hosts: Mapping[str, Host] = field(default_factory=dict)


def save(bundle: Bundle, folder: Path) -> None:
    """Write `bundle` into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    detector = {
        "layout": STATE_LAYOUT,
        "parameters": asdict(bundle.parameters),
        "strictness": {str(series): factor for series, factor in sorted(bundle.strictness.items())},
        "hosts": list(bundle.hosts),
    }
    (folder / _DETECTOR).write_text(json.dumps(detector, indent=1), encoding="utf-8")
    arrays: dict[str, Any] = {}
    for number, host in enumerate(bundle.hosts.values()):
        arrays[f"{number}/series_ids"] = host.series_ids
        arrays[f"{number}/rows"] = np.array([host.interval_seconds, host.last_row], dtype=np.int64)
        arrays |= {f"{number}/model/{name}": array for name, array in to_arrays(host.model).items()}
    np.savez(folder / _HOSTS, **arrays)


def load(folder: Path) -> Bundle:
    """Read a bundle. Raises ModelError if it is not whole, or is for another layout of state than this code has."""
    try:
        detector = json.loads((folder / _DETECTOR).read_text(encoding="utf-8"))
        if detector["layout"] != STATE_LAYOUT:
            raise ModelError(
                f"model in {folder}: it is for state layout {detector['layout']}, this release has {STATE_LAYOUT}; "
                "train it anew with this release"
            )
        parameters = Parameters(**detector["parameters"])
        strictness = {int(series): float(factor) for series, factor in detector["strictness"].items()}
        with np.load(folder / _HOSTS, allow_pickle=False) as stored:
            hosts = {name: _host(stored, number) for number, name in enumerate(detector["hosts"])}
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(f"model in {folder}: cannot be read: {type(error).__name__}: {error}") from error
    _check(parameters, strictness, folder)
    return Bundle(parameters, strictness, hosts)


def _host(stored: Mapping[str, NDArray[Any]], number: int) -> Host:
    prefix = f"{number}/model/"
    model = from_arrays({name.removeprefix(prefix): stored[name] for name in stored if name.startswith(prefix)})
    series_ids = stored[f"{number}/series_ids"].astype(np.int64)
    if len(series_ids) != len(model.metric_names):
        raise ValueError(f"host {number} has {len(series_ids)} series and {len(model.metric_names)} metrics")
    interval_seconds, last_row = (int(number) for number in stored[f"{number}/rows"])
    return Host(series_ids, interval_seconds, last_row, model)


def _check(parameters: Parameters, strictness: Mapping[int, float], folder: Path) -> None:
    """A number that is none would score everything NaN, silently."""
    for name, value in asdict(parameters).items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise ModelError(f"model in {folder}: parameter {name} is {value!r}, not a finite number")
    for series, factor in strictness.items():
        if not (np.isfinite(factor) and factor > 0):
            raise ModelError(f"model in {folder}: strictness of series {series} is {factor!r}, not a positive number")

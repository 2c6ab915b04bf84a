"""A host's measurements as one matrix: a row each interval, a column a series; and the model fitted to it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipelines.detection import multivariate
from pipelines.detection.bundle import Host
from pipelines.detection.scores import FloatMatrix, IntVector
from pipelines.errors import ModelError

# Rows of a matrix are this far apart, in seconds: the least of them that the host's agent does not outrun.
INTERVALS = (60, 120, 180, 300, 600, 900, 1800, 3600)
# With fewer measurements a series, or a host as a whole, is not trained.
LEAST_VALUES = 200
_MODEL = "model/"


@dataclass(frozen=True, eq=False)
class HostRows:
    """`values` (rows, columns), NaN where not measured; row i is of [`first` + i * `interval`, and one further)."""

    series_ids: IntVector
    names: tuple[str, ...]
    interval: int
    first: int
    values: FloatMatrix

    @property
    def last(self) -> int:
        """Epoch seconds of the last row."""
        return self.first + (len(self.values) - 1) * self.interval


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows by series, time and value, so that sums have one order however Spark delivered them."""
    return frame.sort_values(["series_id", "time", "value"], kind="stable", ignore_index=True)


def interval_of(frame: pd.DataFrame) -> int:
    """How far apart the host's rows are: what the usual series of `frame` (in order) measures in, in seconds."""
    steps = frame.groupby("series_id", sort=True)["time"].diff()
    usual = steps[steps > 0].groupby(frame["series_id"]).median()
    step = float(usual.median()) if len(usual) else 60.0
    return next((interval for interval in INTERVALS if interval >= 0.9 * step), INTERVALS[-1])


def to_rows(frame: pd.DataFrame, series_ids: IntVector, names: tuple[str, ...], interval: int) -> HostRows:
    """The matrix of those series from `frame` (in order, not empty), its first row the first that has a value."""
    column = pd.Index(series_ids).get_indexer(frame["series_id"])
    cell = np.floor(frame["time"].to_numpy() / interval).astype(np.int64)
    known = column >= 0
    column, cell, values = column[known], cell[known], frame["value"].to_numpy()[known]
    first = int(cell.min())
    shape = (int(cell.max()) - first + 1, len(series_ids))
    place = (cell - first) * shape[1] + column
    total = np.bincount(place, weights=values, minlength=shape[0] * shape[1])
    count = np.bincount(place, minlength=shape[0] * shape[1])
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return HostRows(series_ids, names, interval, first * interval, mean.reshape(shape))


def fit_host(frame: pd.DataFrame, seed: int) -> Host:
    """The model of one host from its rows (`series_id`, `name`, `time`, `value`). Raises ModelError if they are few."""
    frame = in_order(frame)
    series = frame.groupby("series_id").agg(values=("value", "size"), name=("name", "first"))
    series = series[series["values"] >= LEAST_VALUES].reset_index().sort_values(["name", "series_id"])
    if series.empty:
        raise ModelError(f"no series with {LEAST_VALUES} values")
    ids = series["series_id"].to_numpy(dtype=np.int64)
    rows = to_rows(frame, ids, tuple(series["name"]), interval_of(frame))
    measured = int((~np.isnan(rows.values)).any(axis=1).sum())
    if measured < LEAST_VALUES:
        raise ModelError(f"{measured} rows of {rows.interval} s with a value, {LEAST_VALUES} are needed")
    model = multivariate.fit(rows.values, rows.names, seed)
    return Host(ids, rows.interval, rows.last, model)


def to_bytes(host: Host) -> bytes:
    """As a worker hands it to the driver."""
    packed = io.BytesIO()
    arrays: dict[str, Any] = {_MODEL + name: array for name, array in multivariate.to_arrays(host.model).items()}
    rows = np.array([host.interval_seconds, host.last_row], dtype=np.int64)
    np.savez(packed, series_ids=host.series_ids, rows=rows, **arrays)
    return packed.getvalue()


def from_bytes(packed: bytes) -> Host:
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        model = {name.removeprefix(_MODEL): arrays[name] for name in arrays if name.startswith(_MODEL)}
        interval, last = (int(number) for number in arrays["rows"])
        return Host(arrays["series_ids"], interval, last, multivariate.from_arrays(model))

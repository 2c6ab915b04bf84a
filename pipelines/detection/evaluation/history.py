"""Histories to evaluate a detector on: files of a series each (CSV), and of a host each (Parquet, train and test)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.detection.scores import FloatMatrix, FloatVector
from pipelines.errors import EvaluationError

_TIME, _VALUE, _LABEL = "timestamp", "value", "label"
_TRAIN, _TEST = ".train.parquet", ".test.parquet"
# Rows of a host without times of their own.
_HOST_INTERVAL = 60.0


@dataclass(frozen=True, eq=False)
class Windows:
    """What is labelled as anomalous: `spans` of rows, (first, last) both included, in the order of time."""

    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class SeriesHistory:
    """`path` relative to the folder; `times` epoch seconds and `values`, (rows,). Labels: `windows` of windows.json, or
    `labels` (rows,) of a column; None where there are none."""

    path: Path
    times: FloatVector
    values: FloatVector
    windows: Windows | None
    labels: NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class HostHistory:
    """`path` of the test file, relative to the folder; `train`, `test` (rows, metrics); `labels` of the test rows."""

    path: Path
    metric_names: tuple[str, ...]
    train: FloatMatrix
    test: FloatMatrix
    interval_seconds: float
    labels: NDArray[np.bool_] | None


@dataclass(frozen=True)
class Found:
    """The files of a folder, each relative to it, by name."""

    series: tuple[Path, ...]
    hosts: tuple[Path, ...]


def find(folder: Path) -> Found:
    """Raises EvaluationError if there is nothing to evaluate."""
    if not folder.is_dir():
        raise EvaluationError(f"{folder} is no folder: give the folder that holds <folder>/<file>.csv or Parquet files")
    series = tuple(sorted(path.relative_to(folder) for path in folder.rglob("*.csv")))
    hosts = tuple(sorted(path.relative_to(folder) for path in folder.rglob(f"*{_TEST}")))
    if not series and not hosts:
        raise EvaluationError(
            f"{folder}: neither <folder>/<file>.csv (timestamp,value) nor <name>{_TRAIN} with <name>{_TEST} is there"
        )
    return Found(series, hosts)


def read_windows(folder: Path) -> dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]]:
    """What each windows.json in the folder says: file → spans of time. Raises EvaluationError if one is unreadable."""
    found: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for path in sorted(folder.rglob("windows.json")):
        try:
            for name, spans in json.loads(path.read_text(encoding="utf-8")).items():
                found[name] = [(_moment(start), _moment(end)) for start, end in spans]
        except (ValueError, TypeError, AttributeError) as error:
            form = '{"<folder>/<file>.csv": [["start", "end"], …]}'
            raise EvaluationError(f"{path}: should be {form}: {error}") from error
    return found


def _moment(text: str) -> pd.Timestamp:
    moment = pd.Timestamp(text)
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment


def read_series(folder: Path, path: Path, windows: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]]) -> SeriesHistory:
    """Raises EvaluationError if the file has no time and value that can be read."""
    try:
        frame = pd.read_csv(folder / path).rename(columns=str.lower)
        missing = [name for name in (_TIME, _VALUE) if name not in frame]
        if missing:
            raise EvaluationError(f"{path}: has no column {' or '.join(missing)} but {', '.join(frame.columns)}")
        stamps = pd.to_datetime(frame[_TIME], format="mixed", utc=True)
        values = frame[_VALUE].to_numpy(np.float64)
    except (ValueError, TypeError) as error:
        raise EvaluationError(f"{path}: cannot be read as timestamp,value: {error}") from error
    times = stamps.to_numpy("datetime64[us]").astype(np.int64) / 1e6
    # The folder that windows.json lies in may be above the one that its names begin at.
    named = next((spans for name, spans in windows.items() if path.as_posix().endswith(name)), None)
    labels = frame[_LABEL].to_numpy() > 0 if _LABEL in frame else None
    return SeriesHistory(path, times, values, None if named is None else _spans(times, named), labels)


def _spans(times: FloatVector, named: list[tuple[pd.Timestamp, pd.Timestamp]]) -> Windows:
    spans = []
    for start, end in sorted(named):
        inside = np.flatnonzero((times >= start.timestamp()) & (times <= end.timestamp()))
        if len(inside):
            spans.append((int(inside[0]), int(inside[-1])))
    return Windows(tuple(spans))


def read_host(folder: Path, path: Path) -> HostHistory:
    """Raises EvaluationError if train and test are not of the same metrics."""
    test_path, train_path = folder / path, folder / f"{str(path).removesuffix(_TEST)}{_TRAIN}"
    try:
        train, test = pd.read_parquet(train_path), pd.read_parquet(test_path)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path}: test or train cannot be read: {error}") from error
    names = [name for name in train.columns if name not in (_LABEL, _TIME)]
    missing = sorted(set(names) - set(test.columns))
    if missing or not names:
        raise EvaluationError(f"{path}: lacks metrics of {train_path.name}: {', '.join(missing) or 'it has none'}")
    interval = _HOST_INTERVAL
    if _TIME in test and len(test) > 1:
        steps = pd.to_datetime(test[_TIME], utc=True).diff().dropna().dt.total_seconds()
        interval = float(steps.median())
    return HostHistory(
        path,
        tuple(names),
        train[names].to_numpy(np.float64),
        test[names].to_numpy(np.float64),
        interval,
        test[_LABEL].to_numpy() > 0 if _LABEL in test else None,
    )

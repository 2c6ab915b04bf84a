"""What is known of a host after training, and its form as arrays for one `.npz` file."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipelines.detection.multivariate.tail import FloatArray
from pipelines.errors import ModelError


@dataclass(frozen=True, eq=False)
class HostModel:
    """All that scoring needs; vectors have one entry a metric, in the order of `metric_names`.

    `centre` and `scale` standardise (NaN for a metric the history never measured: it is not scored); `profile` is the
    daily course (bins, metrics) of `period` rows; `limits` (3, views, metrics) say how far from an expectation is far,
    in units of `scale`; `tails` (yardsticks, ...) map a smoothed distance to its probability; `end_state` is what the
    history left behind.
    """

    metric_names: tuple[str, ...]
    centre: FloatArray
    scale: FloatArray
    period: int
    profile: FloatArray
    limits: FloatArray
    tails: FloatArray
    end_state: FloatArray


def to_arrays(model: HostModel) -> dict[str, NDArray[np.generic]]:
    """The model as named arrays, none of them of objects: `numpy.savez(path, **to_arrays(model))`."""
    return {field.name: np.asarray(getattr(model, field.name)) for field in fields(HostModel)}


def from_arrays(arrays: dict[str, NDArray[np.generic]]) -> HostModel:
    """The model again; raises ModelError if an array is missing."""
    missing = [field.name for field in fields(HostModel) if field.name not in arrays]
    if missing:
        raise ModelError(f"the arrays are not those of a host's model, {', '.join(missing)} missing: train it again")
    return HostModel(
        metric_names=tuple(str(name) for name in arrays["metric_names"]),
        period=int(arrays["period"].item()),
        **{
            name: np.asarray(arrays[name], dtype=np.float64)
            for name in ("centre", "scale", "profile", "limits", "tails", "end_state")
        },
    )

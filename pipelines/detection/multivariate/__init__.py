"""A host against its own history: all its metrics together, and which of them are to blame.

`fit` learns from the host's past rows, `score_rows` scores new ones in the order of time. Each metric is standardised
and compared with its daily course and with its level of late; how far out it is, is measured by how far it ever was in
the history, so that restless metrics weigh no more than quiet ones. The mean of the three metrics farthest out,
smoothed over some ten rows, is the row's distance; its tail probability in the history is the score. A score uses the
history and the rows up to its own, nothing later.
"""

from pipelines.detection.multivariate.fit import fit
from pipelines.detection.multivariate.model import HostModel, from_arrays, to_arrays
from pipelines.detection.multivariate.scoring import HostScores, fresh_state, leading, score_rows, skip_rows
from pipelines.detection.multivariate.tail import FloatArray
from pipelines.errors import ModelError

__all__ = [
    "FloatArray",
    "HostModel",
    "HostScores",
    "ModelError",
    "fit",
    "fresh_state",
    "from_arrays",
    "leading",
    "score_rows",
    "skip_rows",
    "to_arrays",
]

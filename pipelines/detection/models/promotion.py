"""When a challenger becomes champion, and how the one before comes back.

The rule. Both models score the held-back fifth of the window, to which neither was fitted: once as it was, once with
anomalies put into it (`injection.py`). Positives are those, and what operators called true. The challenger is promoted

- if its alert rate on the data as it was is at most 1.1 times the champion's, or at most 1 in 1,000 host intervals
  (a first model of hosts adds alerts to those of series alone; where there are next to none, a ratio says nothing), and
- if its AUPRC (average precision over host intervals) is at least the champion's + 0.01; or within 0.01 of it, with
  fewer alerts on the data as it was.

Otherwise it stays challenger, and a tag says why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.detection.models.registry import Registry
from pipelines.detection.models.shadow import Judged
from pipelines.detection.scores import FloatVector
from pipelines.errors import ModelError
from pipelines.model_registry.registry import CHALLENGER, CHAMPION, PREVIOUS

MARGIN = 0.01
MOST_ALERTS = 1.1
FEW_ALERTS = 0.001
# Tag of a version: who was champion before it.
BEFORE = "champion_before"


@dataclass(frozen=True)
class Figures:
    """Of one model on the held-back data: `alerts` of `units` host intervals, those called true left out."""

    auprc: float
    alerts: int
    units: int

    @property
    def alert_rate(self) -> float:
        return self.alerts / self.units if self.units else 0.0


@dataclass(frozen=True)
class Decision:
    better: bool
    reason: str


def figures(judged: Judged, plain: FloatVector, injected: FloatVector, threshold: float) -> Figures:
    """Of the model that gave `plain` and `injected`. AUPRC is NaN if nothing is to be found."""
    from sklearn.metrics import average_precision_score

    labels = judged.to_find | judged.injected_span
    auprc = float(average_precision_score(labels, injected)) if labels.any() else float("nan")
    usual = plain[~judged.to_find]
    return Figures(auprc, int((usual >= threshold).sum()), len(usual))


def decide(champion: Figures, challenger: Figures) -> Decision:
    """By the rule above."""
    told = (
        f"AUPRC {challenger.auprc:.4f} against {champion.auprc:.4f}, alert rate {challenger.alert_rate:.5f} against "
        f"{champion.alert_rate:.5f}"
    )
    if not (np.isfinite(challenger.auprc) and np.isfinite(champion.auprc)):
        return Decision(better=False, reason="nothing was to be found in the held-back data, so nothing is known")
    if challenger.alert_rate > max(MOST_ALERTS * champion.alert_rate, FEW_ALERTS):
        return Decision(better=False, reason=f"more than {MOST_ALERTS} times the champion's alerts: {told}")
    gain = challenger.auprc - champion.auprc
    if gain >= MARGIN:
        return Decision(better=True, reason=f"finds more: {told}")
    if gain > -MARGIN and challenger.alert_rate < champion.alert_rate:
        return Decision(better=True, reason=f"finds as much with fewer alerts: {told}")
    return Decision(better=False, reason=f"not better by {MARGIN}, nor as good with fewer alerts: {told}")


def promote(registry: Registry, version: str) -> str | None:
    """Make `version` champion; the one before, None if it was champion already. Raises ModelError if there is none
    of that number."""
    registry.version(version)
    before = registry.version_of(CHAMPION)
    if before == version:
        return None
    if before is not None:
        registry.set_tags(version, {BEFORE: before})
        registry.set_alias(PREVIOUS, before)
    registry.set_alias(CHAMPION, version)
    if registry.version_of(CHALLENGER) == version:
        registry.drop_alias(CHALLENGER)
    return before


def rollback(registry: Registry) -> tuple[str, str]:
    """Make the version champion that was it before the present one: (the one that went, the one that came back).

    Once more goes back one further. Raises ModelError if there was none before.
    """
    present = registry.version_of(CHAMPION)
    if present is None:
        raise ModelError("no version is champion: `lakehouse models promote V` makes one so")
    before = registry.version(present).tags.get(BEFORE)
    if before is None:
        raise ModelError(f"version {present} is the first champion: there is none before it to go back to")
    registry.set_tags(present, {"rolled_back_to": before})
    registry.set_alias(CHAMPION, before)
    further = registry.version(before).tags.get(BEFORE)
    if further is None:
        registry.drop_alias(PREVIOUS)
    else:
        registry.set_alias(PREVIOUS, further)
    return present, before

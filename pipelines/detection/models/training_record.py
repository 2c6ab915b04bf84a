"""What a training leaves behind in its run: parameters, figures, plots, and the files that reproduce and watch it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.detection.bundle import Bundle
from pipelines.detection.models import reference, training_plan
from pipelines.detection.models.promotion import Decision, Figures
from pipelines.detection.models.shadow import MULTIVARIATE, UNIVARIATE, Judged
from pipelines.detection.models.training_plan import Plan
from pipelines.model_registry.registration import RunFacts

# Tag of a trained version: its newest measurement.
DATA_UNTIL = "data_until"

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Trained:
    """All that a training found out. `left_out`: why hosts have no model → how many."""

    plan: Plan
    bundle: Bundle
    left_out: Counter[str]
    judged: Judged
    champion: Figures
    challenger: Figures
    threshold: float


def facts_of(trained: Trained, champion: str, decision: Decision, overlap: str | None, files: Path) -> RunFacts:
    """For the registry. `champion`: the version that it was compared with."""
    plan = trained.plan
    parameters = {
        "start": plan.start.isoformat(),
        "held_from": plan.held_from.isoformat(),
        "end": plan.end.isoformat(),
        "seed": str(plan.seed),
        "exclusions": str(len(plan.exclusions)),
        "delta_version.silver.metrics": str(plan.metrics_version),
        "delta_version.silver.anomaly_feedback": str(plan.feedback_version),
        "code_version": version("telemetry-lakehouse"),
        "champion": champion,
        "champion_saw_held_back": overlap or "no",
        **{f"univariate.{name}": str(value) for name, value in asdict(trained.bundle.parameters).items()},
        **{f"version.{name}": version(name) for name in ("numpy", "numba", "pandas")},
    }
    metrics = {
        "hosts": len(trained.bundle.hosts),
        "hosts_left_out": trained.left_out.total(),
        "stricter_series": len(trained.bundle.strictness),
        "judged_intervals": trained.challenger.units,
        **_figures("champion", trained.champion),
        **_figures("challenger", trained.challenger),
    }
    tags = {
        "decision": f"{'better' if decision.better else 'not better'}: {decision.reason}",
        DATA_UNTIL: plan.end.isoformat(),
        "left_out": "; ".join(f"{count} hosts: {why}" for why, count in sorted(trained.left_out.items())) or "no host",
    }
    finite = {name: float(value) for name, value in metrics.items() if np.isfinite(value)}
    return RunFacts(f"trained on data until {plan.end:%Y-%m-%d %H:%M}", parameters, finite, tags, files)


def write_files(trained: Trained, folder: Path) -> None:
    """The plan, the reference distribution, and three plots, into `folder`, which is made."""
    folder.mkdir(parents=True)
    (folder / training_plan.FILE).write_text(training_plan.to_json(trained.plan), encoding="utf-8")
    scores = {UNIVARIATE: trained.judged.univariate, MULTIVARIATE: trained.judged.multivariate}
    distributions = {name: reference.distribution(each, trained.threshold) for name, each in scores.items()}
    (folder / reference.FILE).write_text(reference.to_json(distributions), encoding="utf-8")
    _draw(folder / "plots" / "score_distribution.png", lambda axes: _distribution(axes, scores))
    _draw(folder / "plots" / "alert_rate_by_hour.png", lambda axes: _alert_rate(axes, trained))
    _draw(folder / "plots" / "precision_recall.png", lambda axes: _precision_recall(axes, trained.judged))


def _figures(who: str, found: Figures) -> Mapping[str, float]:
    return {f"{who}.auprc": found.auprc, f"{who}.alert_rate": found.alert_rate, f"{who}.alerts": found.alerts}


def _draw(path: Path, draw: object) -> None:
    """Without pyplot, whose figures are global."""
    from matplotlib.figure import Figure

    assert callable(draw)
    path.parent.mkdir(exist_ok=True)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    draw(figure.subplots())
    figure.savefig(path, dpi=110)


def _distribution(axes: Axes, scores: Mapping[str, np.ndarray]) -> None:
    for name, each in scores.items():
        if len(each):
            axes.hist(each, bins=reference.EDGES, histtype="step", density=True, label=f"{name}, {len(each):,} rows")
    axes.set(xlabel="anomaly_score", ylabel="density", yscale="log", title="Challenger's scores on held-back data")
    _legend(axes)


def _alert_rate(axes: Axes, trained: Trained) -> None:
    hour = (trained.judged.time // 3600).astype(np.int64)
    if len(hour):
        rows = np.bincount(hour - hour.min())
        for name, scores in (
            ("champion", trained.judged.champion_plain),
            ("challenger", trained.judged.challenger_plain),
        ):
            alerts = np.bincount(hour - hour.min(), weights=scores >= trained.threshold, minlength=len(rows))
            axes.plot(np.divide(alerts, rows, out=np.full(len(rows), np.nan), where=rows > 0), label=name, marker=".")
    axes.set(
        xlabel=f"hours since {trained.plan.held_from:%Y-%m-%d %H:%M} UTC",
        ylabel="share of host intervals",
        title="Alert rate on held-back data",
    )
    _legend(axes)


def _precision_recall(axes: Axes, judged: Judged) -> None:
    from sklearn.metrics import precision_recall_curve

    labels = judged.to_find | judged.injected_span
    if labels.any():
        for name, scores in (("champion", judged.champion_injected), ("challenger", judged.challenger_injected)):
            precision, recall, _ = precision_recall_curve(labels, scores)
            axes.step(recall, precision, where="post", label=name)
    axes.set(xlabel="recall", ylabel="precision", title="Injected anomalies and true verdicts found")
    _legend(axes)


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend()

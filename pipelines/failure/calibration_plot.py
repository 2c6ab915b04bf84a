"""Pictures of an evaluation: what was said against what happened, and how well failures are told from the rest."""

from __future__ import annotations

from matplotlib.figure import Figure

from pipelines.failure.evaluation import Evaluation


def calibration_figure(evaluations: tuple[Evaluation, ...]) -> Figure:
    """A row of two charts for each horizon: calibration in ten bins on logarithmic axes, and the ROC curve."""
    figure = Figure(figsize=(9, 4 * len(evaluations)), layout="constrained")
    for axes, judged in zip(figure.subplots(len(evaluations), 2, squeeze=False), evaluations, strict=True):
        points = [(bin_.predicted, bin_.observed) for bin_ in judged.calibration if bin_.observed > 0]
        if points:
            # A bin in which nothing failed has no place on a logarithmic axis.
            axes[0].loglog(*zip(*points, strict=True), "o-", label="tenths of the rows")
            low = min(min(point) for point in points)
            axes[0].plot([low, 1], [low, 1], "--", color="grey", label="what is said happens")
            axes[0].legend()
        axes[0].set(
            title=f"{judged.horizon_hours} h: {judged.failures} failures of {judged.machines} machines",
            xlabel="predicted probability",
            ylabel="observed share",
        )
        if judged.roc:
            axes[1].plot(*zip(*judged.roc, strict=True))
        axes[1].plot([0, 1], [0, 1], "--", color="grey")
        axes[1].set(
            title=f"ROC area {judged.roc_auc:.3f}, AUPRC {judged.auprc:.3f}, Brier skill {judged.brier_skill:.3f}",
            xlabel="false alarms",
            ylabel="found",
        )
    return figure

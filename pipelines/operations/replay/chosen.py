"""Which tables a replay makes anew, and of each other table why it does not, and what does."""

from __future__ import annotations

from collections.abc import Collection

from pipelines.gold import metric_rollup
from pipelines.gold.daily_tables import DAILY_TABLES
from pipelines.operations.named_tables import tables_named
from pipelines.routing import TABLES
from pipelines.tables import Table

REPLAYED: tuple[Table, ...] = (*TABLES, metric_rollup.TABLE)
_REBUILD = "is not made anew for a span: rebuild it (docs/operations.md, Checkpoints)"
_HISTORY = "tells what was done or seen at the time, which a replay does not change"
_AS_A_WHOLE = "is written as a whole by its command: run {} again"
_BY_THE_DAY = "is worked out by the day: `lakehouse refresh` follows a replay, or does any day with --from and --to"
_ELSEWHERE = {
    "bronze.telemetry": "is what a replay reads; Kafka alone could give it again",
    "silver.anomaly_scores": (
        "cannot be scored again for a span: a score depends on all that its series had learnt by then, on the champion "
        "of that time, and on the batch that a late row came in, and none of that is kept. What is in it stays; to "
        "score all anew, rebuild it (docs/operations.md, Checkpoints)"
    ),
    "silver.log_patterns": (
        "has no span: it is all that the log stream has learnt so far. To learn anew, rebuild it (docs/operations.md, "
        "Checkpoints)"
    ),
    "silver.inventory": _REBUILD,
    "silver.anomaly_feedback": "is what people said, and comes from no stream",
    "gold.agent_health": _REBUILD,
    "gold.capacity_forecast": _AS_A_WHOLE.format("`lakehouse forecast capacity`"),
    "gold.spot_forecast": _AS_A_WHOLE.format("`lakehouse forecast spot`"),
    "gold.failure_risk": _AS_A_WHOLE.format("`lakehouse failure-risk score`"),
    **dict.fromkeys(
        (
            "gold.alerts", "gold.deleted_days", "gold.maintenance", "gold.model_health", "gold.pipeline_health",
            "gold.quality", "gold.quality_checks",
        ),
        _HISTORY,
    ),
    **{one.table.full_name: _BY_THE_DAY for one in DAILY_TABLES},
}  # fmt: skip


def chosen(names: Collection[str]) -> tuple[Table, ...]:
    """By full name, or without the layer; all of REPLAYED if none is named. Raises ContractError, which says why."""
    return tables_named(names, REPLAYED, why_not)


def why_not(name: str) -> str:
    """Of a table that a replay does not make anew: the rest of the sentence that begins with its name."""
    found = (reason for full_name, reason in _ELSEWHERE.items() if name in (full_name, full_name.partition(".")[2]))
    return next(found, "has no contract")

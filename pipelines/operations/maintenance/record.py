"""What a maintenance run did, action by action: rows of gold.maintenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum

from pyspark.sql import SparkSession

from pipelines.operations.maintenance.size import Size
from pipelines.settings import Settings
from pipelines.tables import contract, ensure_table, save_table

TABLE = contract("gold.maintenance")
DONE, NOTHING = "done", "nothing to do"
_COLUMNS = (
    "table_name string, action string, started_at timestamp, seconds double, files_before bigint, bytes_before bigint, "
    "files_after bigint, bytes_after bigint, rows_deleted bigint, outcome string, run_id string"
)


class Action(StrEnum):
    """What can be done, in the order in which it is: what others leave behind is compacted and vacuumed afterwards."""

    DUPLICATES = "duplicates"
    RETENTION = "retention"
    COMPACT = "compact"
    VACUUM = "vacuum"
    FILES = "files"


@dataclass(frozen=True)
class Effect:
    """What an action did to a table. `outcome`: DONE, NOTHING, or a sentence that says why it was not done."""

    before: Size
    after: Size
    rows_deleted: int
    outcome: str


@dataclass(frozen=True)
class Done:
    """One action on one table. `started_at` is UTC. `has_failed`: to be done again, as `effect.outcome` says."""

    table: str
    action: Action
    started_at: datetime
    seconds: float
    effect: Effect
    has_failed: bool


def write(spark: SparkSession, settings: Settings, run_id: str, done: Sequence[Done]) -> None:
    """Append the actions of a run to gold.maintenance, in one commit."""
    if not done:
        return
    ensure_table(spark, settings, TABLE)
    rows = [
        (
            one.table, str(one.action), one.started_at, one.seconds, *astuple(one.effect.before),
            *astuple(one.effect.after), one.effect.rows_deleted, one.effect.outcome, run_id,
        )
        for one in done
    ]  # fmt: skip
    frame = spark.createDataFrame(rows, _COLUMNS).select(*TABLE.column_names)
    save_table(frame.coalesce(1).write.mode("append"), settings, TABLE)

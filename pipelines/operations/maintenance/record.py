"""What a maintenance run did, action by action: rows of gold.maintenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.gold.bookmark import ReadUpTo
from pipelines.operations.maintenance.size import Size
from pipelines.settings import Settings
from pipelines.tables import Table, contract, ensure_table, read_table, save_table

TABLE = contract("gold.maintenance")
DONE, NOTHING = "done", "nothing to do"
_COLUMNS = (
    "table_name string, action string, started_at timestamp, seconds double, files_before bigint, bytes_before bigint, "
    "files_after bigint, bytes_after bigint, rows_deleted bigint, outcome string, run_id string, "
    "table_id string, table_version bigint"
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
    """What an action did to a table. `outcome`: DONE, NOTHING, or a sentence that says why it was not done.

    `compared_up_to`: the version of the table before which an action that compares rows need not look again.
    """

    before: Size
    after: Size
    rows_deleted: int
    outcome: str
    compared_up_to: ReadUpTo | None = None


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
            *_version(one.effect.compared_up_to),
        )
        for one in done
    ]  # fmt: skip
    frame = spark.createDataFrame(rows, _COLUMNS).select(*TABLE.column_names)
    save_table(frame.coalesce(1).write.mode("append"), settings, TABLE)


def compared_up_to(spark: SparkSession, settings: Settings, table: Table, action: Action) -> ReadUpTo | None:
    """What the last run has noted of the table; None if there was none."""
    ensure_table(spark, settings, TABLE)
    noted = (F.col("table_name") == table.full_name) & (F.col("action") == str(action)) & F.col("table_id").isNotNull()
    last = read_table(spark, settings, TABLE).where(noted).orderBy(F.desc("started_at")).first()
    return None if last is None else ReadUpTo(last["table_id"], int(last["table_version"]))


def _version(read: ReadUpTo | None) -> tuple[str | None, int | None]:
    return (None, None) if read is None else (read.table_id, read.version)

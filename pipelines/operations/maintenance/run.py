"""A maintenance run: which actions on which tables, each by itself, so that one that fails stops no other."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from pipelines.errors import LakehouseError
from pipelines.gold.bookmark import newest
from pipelines.gold.daily import Source, changed_days
from pipelines.operations.beside_streams import alone
from pipelines.operations.late_duplicates import remove_late_of
from pipelines.operations.maintenance import record
from pipelines.operations.maintenance.compaction import compact
from pipelines.operations.maintenance.files import remove_old_files
from pipelines.operations.maintenance.record import DONE, NOTHING, Action, Done, Effect
from pipelines.operations.maintenance.retention import delete_old
from pipelines.operations.maintenance.size import NONE, size_of_table
from pipelines.operations.maintenance.vacuum import vacuum
from pipelines.routing import RECORD_TABLES
from pipelines.settings import Settings
from pipelines.tables import Table, table_exists

FOLDERS = "folders of checks and states"


@dataclass(frozen=True)
class Rules:
    """`keep_replaced`: how long files stay after compaction has replaced them: no reader, stream or backup may be
    down or at work for longer. Delta refuses less than 7 days. `keep_results`: of the results and pages of checks."""

    keep_replaced: timedelta = timedelta(days=7)
    keep_results: timedelta = timedelta(days=30)


def maintain(
    spark: SparkSession,
    settings: Settings,
    tables: Collection[Table],
    actions: Collection[Action],
    rules: Rules,
    note: Callable[[str, Action], None] = lambda _table, _action: None,
) -> Iterator[Done]:
    """Do `actions` on those of `tables` that exist; each is told when it is done. `note` hears of each before.

    Raises StorageError if another run is at it.
    """
    now, run_id = datetime.now(UTC), str(uuid.uuid4())
    with alone(settings, "maintain"):
        for table in tables:
            if not table_exists(spark, settings, table):
                continue
            done = []
            for action in Action:
                if action in actions and (work := _work(spark, settings, table, action, now, rules)) is not None:
                    note(table.full_name, action)
                    done.append(_timed(table.full_name, action, work))
                    yield done[-1]
            record.write(spark, settings, run_id, done)
        if Action.FILES in actions:
            note(FOLDERS, Action.FILES)
            removed = _timed(FOLDERS, Action.FILES, lambda: remove_old_files(settings, now - rules.keep_results))
            yield removed
            record.write(spark, settings, run_id, [removed])


def _work(
    spark: SparkSession, settings: Settings, table: Table, action: Action, now: datetime, rules: Rules
) -> Callable[[], Effect] | None:
    """What an action is for a table; None if it is not for such a table."""
    if action is Action.DUPLICATES:
        return (lambda: _duplicates(spark, settings, table)) if table in RECORD_TABLES else None
    if action is Action.RETENTION:
        return lambda: delete_old(spark, settings, table, now)
    if action is Action.COMPACT:
        return lambda: compact(spark, settings, table)
    if action is Action.VACUUM:
        if settings.catalog is not None:
            # There, files are the catalog's own, and its predictive optimization removes them.
            return None
        return lambda: vacuum(spark, settings, table, now, rules.keep_replaced)
    return None


def _duplicates(spark: SparkSession, settings: Settings, table: Table) -> Effect:
    before, now = size_of_table(spark, settings, table), newest(spark, settings, table)
    since = record.compared_up_to(spark, settings, table, Action.DUPLICATES)
    days = changed_days(spark, settings, Source(table), since, now)
    rows = 0 if days == set() else remove_late_of(spark, settings, table, days)
    return Effect(before, size_of_table(spark, settings, table), rows, DONE if rows else NOTHING, now)


def _timed(table: str, action: Action, work: Callable[[], Effect]) -> Done:
    started, begun = datetime.now(UTC), time.monotonic()
    try:
        effect, has_failed = work(), False
    except LakehouseError as error:  # told in its row; the others go on
        effect, has_failed = Effect(NONE, NONE, 0, f"given up: {error}"), True
    return Done(table, action, started, time.monotonic() - begun, effect, has_failed)

"""Many small files of micro-batches → few large ones, clustered where the contract says by what.

OPTIMIZE marks its commit as no change of data, so neither streams nor change data feeds see rows again. It is refused
if a stream has rewritten a file meanwhile (a MERGE, an overwrite); Delta does not try again by itself.
"""

from __future__ import annotations

from pyspark.sql import SparkSession

from pipelines.conflicts import retried
from pipelines.operations.maintenance.record import DONE, NOTHING, Effect
from pipelines.operations.maintenance.size import size_of_table
from pipelines.settings import Settings
from pipelines.tables import Table

# Each attempt writes the files anew.
_ATTEMPTS = 5
_PAUSE_SECONDS = 2.0


def compact(spark: SparkSession, settings: Settings, table: Table) -> Effect:
    """Raises StorageError if another commit was faster each time."""
    before = size_of_table(spark, settings, table)
    if before.files < 2:  # such as a table that each refresh writes as a whole
        return Effect(before, before, 0, NOTHING)
    optimize = f"OPTIMIZE {table.sql_name(settings)}"
    retried(lambda: spark.sql(optimize).collect(), table.full_name, _ATTEMPTS, _PAUSE_SECONDS)
    after = size_of_table(spark, settings, table)
    return Effect(before, after, 0, DONE if after.files < before.files else NOTHING)

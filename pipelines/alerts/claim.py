"""One evaluator a lakehouse: the one that started last writes gold.alerts, and none before it can any more.

Each append is a Delta transaction of the application `gold_alerts` (`txnAppId`, `txnVersion`), and Delta takes none
whose version is not higher than the last. Versions begin with the time of the claim, so those of a later evaluator are
higher than all of one before. A claim is an append without rows, made before the state is read: what is read after it
is all that others will ever have written. This is as safe as the table's own commits, wherever it is; on S3 that takes
a log store for several writers, as any two writers of a Delta table do.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

from delta.exceptions import ConcurrentTransactionException
from pyspark.sql import DataFrame, SparkSession

from pipelines.alerts.history import TABLE
from pipelines.errors import StreamError
from pipelines.settings import Settings
from pipelines.tables import delta_table, save_table

_APPLICATION = "gold_alerts"
_NOTE = "evaluator"
# Appends of one evaluator: four million, before its versions reach those of one that starts a millisecond later.
_BITS = 22
# Beside its own commit there may be those of maintenance.
_RECENT = 20


@dataclass
class Claim:
    """`holder` names this evaluator for people; `version` is that of its last append."""

    spark: SparkSession
    settings: Settings
    holder: str
    version: int

    @classmethod
    def of_this_process(cls, spark: SparkSession, settings: Settings) -> Claim:
        """As of now, and not made yet: see `make`."""
        now = datetime.now(UTC)
        holder = f"process {os.getpid()} on {socket.gethostname()} since {now.isoformat(timespec='milliseconds')}"
        return cls(spark, settings, holder, int(now.timestamp() * 1000) << _BITS)

    def make(self) -> None:
        """From now on others fail. Raises StreamError if another evaluator began later, by its clock."""
        nothing = ", ".join(f"`{column.name}` {column.type}" for column in TABLE.columns)
        self.append(self.spark.createDataFrame([], nothing))

    def append(self, rows: DataFrame) -> None:
        """Append to gold.alerts in one commit. Raises StreamError, and writes nothing, if another has made a claim."""
        self.version += 1
        note = json.dumps({_NOTE: self.holder, "append": self.version})
        writer = rows.coalesce(1).write.mode("append").option("userMetadata", note)
        writer = writer.option("txnAppId", _APPLICATION).option("txnVersion", self.version)
        try:
            save_table(writer, self.settings, TABLE)
        except ConcurrentTransactionException as error:
            raise self._lost(self._notes()) from error
        # Delta passes over a version that is too low in silence.
        notes = self._notes()
        if note not in notes:
            raise self._lost(notes)

    def _notes(self) -> list[str]:
        """What evaluators noted with the last commits, the newest first."""
        history = delta_table(self.spark, self.settings, TABLE).history(_RECENT).orderBy("version", ascending=False)
        said = [row["userMetadata"] or "" for row in history.select("userMetadata").collect()]
        return [note for note in said if _NOTE in note]

    def _lost(self, notes: list[str]) -> StreamError:
        holders = [json.loads(note)[_NOTE] for note in notes]
        other = next((holder for holder in holders if holder != self.holder), "which its last commits do not name")
        return StreamError(
            f"gold.alerts has another evaluator, {other}; this one, {self.holder}, ends, so that nothing is there "
            "twice. Run one a lakehouse: stop one of the two. If the other does not run any more, its clock was ahead: "
            "start again when that time has passed"
        )

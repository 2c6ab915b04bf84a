"""gold.alerts → Alertmanager, at least once: changes at once, and all that fires every minute.

Alertmanager takes for over what it hears nothing of, so that alerts are to be sent again and again. What is to be sent
follows from gold.alerts: a start reads the last transition of each alert from the table as it is, and the stream brings
the transitions that were committed later. So a run that is killed between a commit and its delivery loses nothing. All
that is remembered between two runs is up to when receivers have been told (`told`), for what fired and was over
meanwhile. Micro-batches only note what is new; a thread for each receiver sends it, and one that does not answer holds
up neither the stream nor another receiver.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.alerts.delivery.board import Board
from pipelines.alerts.delivery.options import Delivery
from pipelines.alerts.delivery.receiver import Health, Receiver
from pipelines.alerts.delivery.told import Told
from pipelines.alerts.delivery.transitions import FIRING, TABLE, Transition, collect, latest
from pipelines.errors import DeliveryError
from pipelines.settings import Settings, parse_duration
from pipelines.streams import Trigger, start_query
from pipelines.tables import delta_table, ensure_table, load_table

QUERY = "alerts_to_alertmanager"


class Deliverer:
    """The board of current alerts and the receivers that are told of it; one for each start of the stream."""

    def __init__(self, delivery: Delivery, told: Told) -> None:
        self.delivery = delivery
        self.told = told
        self.board = Board(parse_duration(delivery.resolved_for), parse_duration(delivery.notify_within), told)
        self.receivers = tuple(Receiver(url, self.board, delivery) for url in delivery.alertmanager_urls)
        self._threads: list[threading.Thread] = []

    @property
    def health(self) -> tuple[Health, ...]:
        """How each receiver does, in the order of the settings."""
        return tuple(receiver.health for receiver in self.receivers)

    def follow(self, is_wanted: Callable[[], bool]) -> None:
        """Tell each receiver what is new and what goes on, in a thread of its own, while `is_wanted`."""
        for receiver in self.receivers:
            thread = threading.Thread(target=receiver.follow, args=(is_wanted,), name="alerts", daemon=True)
            thread.start()
            self._threads.append(thread)

    def put(self, news: tuple[Transition, ...]) -> None:
        """Have receivers told of `news`. Raises DeliveryError if nobody would be: a thread ended by a defect."""
        if not all(thread.is_alive() for thread in self._threads):
            raise DeliveryError("alerts: a thread that sends them has ended; its traceback is in the log. Start again")
        self.board.put(news)


def start(spark: SparkSession, settings: Settings, deliverer: Deliverer, trigger: Trigger) -> StreamingQuery:
    """Start the query and, if it is to run on, a thread for each receiver that ends with it.

    With the trigger AVAILABLE_NOW each receiver is told once, before this returns.
    """
    ensure_table(spark, settings, TABLE)
    version = delta_table(spark, settings, TABLE).history(1).select("version").collect()[0][0]
    table = load_table(spark.read.option("versionAsOf", version), settings, TABLE)
    deliverer.board.begin(collect(_current(table, deliverer)))

    def note(changes: DataFrame, _batch_id: int) -> None:
        # What the table held when it was read is known, and older than what it knows by now.
        news = changes.where((F.col("_change_type") == "insert") & (F.col("_commit_version") > version))
        found = collect(latest(news))
        if found:
            deliverer.put(found)

    reader = spark.readStream.option("readChangeFeed", "true")
    reader = reader.option("startingVersion", _read_from(settings, version))
    changes = load_table(reader.option("maxFilesPerTrigger", settings.gold.max_files_per_trigger), settings, TABLE)
    writer = changes.writeStream.outputMode("append").foreachBatch(note)
    query = start_query(writer, settings, QUERY, trigger, deliverer.delivery.trigger_interval)
    if trigger is Trigger.CONTINUOUS:
        deliverer.follow(lambda: query.isActive)
        return query
    for receiver in deliverer.receivers:
        receiver.tell()
    return query


def _read_from(settings: Settings, version: int) -> int:
    """Where a first batch begins; afterwards the checkpoint says it.

    A first batch that was killed is made again up to where it was to end, which is before `version` by now, and may
    not begin after that. What it brings is known.
    """
    batch = settings.checkpoint_path(QUERY) / "offsets" / "0"
    if not batch.exists():
        return version
    lines = [line for line in batch.read_text(encoding="utf-8").splitlines() if "reservoirVersion" in line]
    return min([version, *(max(0, int(json.loads(line)["reservoirVersion"]) - 1) for line in lines)])


def told_in(settings: Settings) -> Told:
    """How far receivers have been told by those who ran before; kept with the checkpoint of the query."""
    return Told(settings.checkpoint_path(QUERY) / "told_until")


def _current(table: DataFrame, deliverer: Deliverer) -> DataFrame:
    """The last transition of each alert that receivers should know of, or never were told of."""
    recent = F.col("evaluated_at") >= F.lit(datetime.now(UTC) - parse_duration(deliverer.delivery.resolved_for))
    return latest(table).where((F.col("state") == FIRING) | recent | (F.col("fired_at") > F.lit(deliverer.told.until)))
